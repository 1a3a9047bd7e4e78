import assert from "node:assert/strict";
import { openSync, readFileSync, statSync, writeFileSync, writeSync } from "node:fs";
import { describe, it } from "node:test";
import { lastLines, openForAppending, removeLog, rotateWhenGrown } from "../../src/local/log-file.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/until.ts";
import { keeperUnderTest } from "./keeper-under-test.ts";

const BOUNDS = { limitBytes: 100, keep: 2 };

describe("a log", () => {
  it("is rotated under the program that writes it, without a hole and without losing what was written", async () => {
    await using folder = temporaryFolder();
    const path = folder.file("web.log");
    const log = openForAppending(path);
    writeSync(log, "a".repeat(101));
    assert.equal(await rotateWhenGrown(path, BOUNDS), true);
    writeSync(log, "b");
    assert.equal(readFileSync(path, "utf8"), "b");
    assert.equal(readFileSync(`${path}.1`, "utf8"), "a".repeat(101).slice(1));
    assert.equal(await rotateWhenGrown(path, BOUNDS), false);
  });

  it("keeps so many older files and no more, each within its bound", async () => {
    await using folder = temporaryFolder();
    const path = folder.file("web.log");
    for (const letter of "abcd") {
      writeFileSync(path, letter.repeat(500), { flag: "a" });
      await rotateWhenGrown(path, BOUNDS);
    }
    assert.equal(readFileSync(`${path}.1`, "utf8"), "d".repeat(100));
    assert.equal(readFileSync(`${path}.2`, "utf8"), "c".repeat(100));
    assert.equal(statSync(`${path}.3`, { throwIfNoEntry: false }), undefined);
    await removeLog(path, BOUNDS);
    assert.equal(statSync(`${path}.2`, { throwIfNoEntry: false }), undefined);
  });

  it("shows its last lines, also when they lie across a rotation", async () => {
    await using folder = temporaryFolder();
    const path = folder.file("web.log");
    writeFileSync(`${path}.1`, "one\ntwo\n");
    writeFileSync(path, "three\nfour");
    assert.deepEqual(await lastLines(path, 3), ["two", "three", "four"]);
    assert.deepEqual(await lastLines(path, 2), ["three", "four"]);
    assert.deepEqual(await lastLines(path, 0), []);
    assert.deepEqual(await lastLines(folder.file("none.log"), 3), []);
  });

  it("of a huge size is read from its end only, in whole lines", async () => {
    await using folder = temporaryFolder();
    const path = folder.file("web.log");
    const line = "x".repeat(1_000);
    const file = openSync(path, "a");
    for (let n = 0; n < 2_000; n++) writeSync(file, `${n} ${line}\n`);
    const lines = await lastLines(path, 10_000);
    assert.ok(lines.length < 600);
    assert.equal(lines.at(-1), `1999 ${line}`);
    assert.match(lines[0] ?? "", /^\d+ x{1000}$/);
  });

  it("of an instance stays within its bounds while the instance writes on", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start();
    const { logFile } = await keeper.put({
      id: "web",
      command: "while :; do echo 0123456789012345678901234567890123456789; done",
    });
    await until("it was rotated twice", () => statSync(`${logFile}.2`, { throwIfNoEntry: false }) !== undefined);
    await keeper.stop("web");
    assert.ok(statSync(`${logFile}.1`).size <= 2 * 20_000);
    assert.equal(statSync(`${logFile}.3`, { throwIfNoEntry: false }), undefined);
  });

  it("is told without the secrets that the app has written into it", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start();
    await keeper.put({
      id: "web",
      command: `echo "password is $PASSWORD"; exec sleep 600`,
      secretEnv: { PASSWORD: "hunter2-hunter2" },
    });
    const { lines } = await until("it has written", async () => {
      const answer = await keeper.call<{ lines: string[] }>("/instances/web/log?lines=5");
      return answer.lines.length > 0 && answer;
    });
    assert.deepEqual(lines, ["password is •••"]);
  });
});
