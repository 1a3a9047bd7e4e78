import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { after, describe, it } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { LineTail } from "../../src/adapters/command/line-tail.ts";
import { createShellRunner } from "../../src/adapters/command/shell.ts";
import { FaultError } from "../../src/core/fault.ts";
import { redactor } from "../../src/core/text/redact.ts";
import { identify } from "../../src/local/process-identity.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/until.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const folder = temporaryFolder();
after(() => folder[Symbol.asyncDispose]());

const never = new AbortController().signal;
const runner = createShellRunner({ directory: folder.path, redact: (text) => text, graceMs: 200 });
const run = (command: string, timeoutMs = 20_000, signal = never): ReturnType<typeof runner.run> =>
  runner.run(command, { env: {}, timeoutMs, signal });

/** The pid that a command wrote into a file. */
const pidIn = (name: string): Promise<number> =>
  until(`a pid in ${name}`, () => {
    const text = existsSync(folder.file(name)) ? readFileSync(folder.file(name), "utf8") : "";
    return text.endsWith("\n") ? Number(text) : null;
  });

describe("a command", { timeout: 60_000 }, () => {
  it("runs in the plan file's folder and tells its code and what it wrote on both streams", async () => {
    const result = await run("pwd; echo to-stderr >&2; exit 3");
    assert.equal(result.code, 3);
    assert.equal(result.timedOut, false);
    assert.deepEqual([...result.output].sort(), [folder.path, "to-stderr"].sort());
  });

  it("has the environment that it is given beside the inherited one", async () => {
    const result = await createShellRunner({
      directory: folder.path,
      redact: (text) => text,
      env: { INHERITED: "yes", CHANGED: "before" },
    }).run('echo "$INHERITED $CHANGED $GIVEN"', {
      env: { GIVEN: "too", CHANGED: "after" },
      timeoutMs: 20_000,
      signal: never,
    });
    assert.deepEqual(result.output, ["yes after too"]);
  });

  it("gets nothing on its standard input", async () => {
    assert.equal((await run("cat")).code, 0);
  });

  it("is ended whole at its time-out, with grandchildren that ignore SIGTERM", async () => {
    const result = await run(
      `trap '' TERM; sh -c 'trap "" TERM; echo $$ > grandchild; while :; do sleep 0.05; done' & echo started; wait; sleep 600`,
      400,
    );
    assert.equal(result.timedOut, true);
    assert.deepEqual([result.code, result.signal], [null, "SIGKILL"]);
    assert.deepEqual(result.output, ["started"]);
    assert.equal(identify(await pidIn("grandchild")), null);
  });

  it("is ended whole on abort, with what it has moved into a session of its own", async () => {
    const abort = new AbortController();
    const running = run("setsid sh -c 'echo $$ > escaped; exec sleep 600' & wait", 20_000, abort.signal);
    const pid = await pidIn("escaped");
    abort.abort();
    const result = await running;
    assert.equal(result.timedOut, false);
    assert.notEqual(result.code, 0);
    assert.equal(identify(pid), null);
  });

  it("may say goodbye: SIGTERM goes first", async () => {
    const result = await run(`trap 'echo goodbye; exit 7' TERM; echo ready; while :; do sleep 0.05; done`, 300);
    assert.equal(result.timedOut, true);
    assert.equal(result.code, 7);
    assert.deepEqual([result.output.at(0), result.output.at(-1)], ["ready", "goodbye"]);
  });

  it("is not started at all once stopped", async () => {
    const result = await run("touch should-not-exist", 20_000, AbortSignal.abort());
    assert.equal(result.code, null);
    assert.equal(existsSync(folder.file("should-not-exist")), false);
  });

  it("has ended when its shell has, though a process that it left holds its streams open", async () => {
    const result = await run("sleep 600 & echo $! > left; echo done");
    const pid = await pidIn("left");
    try {
      assert.equal(result.code, 0);
      assert.deepEqual(result.output, ["done"]);
      assert.notEqual(identify(pid), null);
    } finally {
      process.kill(pid, "SIGKILL");
    }
  });

  it("keeps the last lines of 200 000 and no more", async () => {
    const result = await run("seq 1 200000");
    assert.equal(result.code, 0);
    assert.equal(result.output.length, 50);
    assert.deepEqual([result.output.at(0), result.output.at(-1)], ["199951", "200000"]);
  });

  it("keeps the beginning of a line of 50 MB", async () => {
    const result = await run("head -c 50000000 /dev/zero | tr '\\0' x; echo; echo last");
    assert.equal(result.output.length, 2);
    assert.equal(result.output[0]?.length, 500);
    assert.equal(result.output[1], "last");
  });

  it("takes no more memory for 100 MB of output, in lines or without an end of line", () => {
    for (const text of ["x".repeat(64 * 1024), `${"0123456789abcdef".repeat(64)}\n`.repeat(64)]) {
      const tail = new LineTail(50);
      const take = tail.stream();
      const chunk = Buffer.from(text);
      collectGarbage();
      const before = process.memoryUsage().heapUsed;
      for (let size = 0; size < 100e6; size += chunk.length) take(chunk);
      collectGarbage();
      const grown = process.memoryUsage().heapUsed - before;
      assert.ok(grown < 20e6, `${grown} bytes are kept`);
      assert.ok(tail.lines((line) => line).length <= 50);
    }
  });

  it("never shows a secret, not even in colours, over two lines or across two writes", async () => {
    const key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END KEY-----\n";
    const careful = createShellRunner({ directory: folder.path, redact: redactor(["hunter2-secret", key]).text });
    const result = await careful.run(
      `echo "password is $PW"; printf 'hunter2-'; printf '\\033[31msec\\033[0mret\\n'; echo "$KEY"; echo postgres://me:other-one@db/x`,
      { env: { PW: "hunter2-secret", KEY: key }, timeoutMs: 20_000, signal: never },
    );
    const text = result.output.join("\n");
    for (const piece of ["hunter2", "MIIE", "kqhki", "other-one"]) assert.ok(!text.includes(piece), text);
    assert.deepEqual(result.output.slice(0, 2), ["password is •••", "•••"]);
  });

  it("shows of a progress bar what a terminal would", async () => {
    assert.deepEqual((await run(`printf '10%%\\r50%%\\r100%%\\n'; printf 'unfinished'`)).output, [
      "100%",
      "unfinished",
    ]);
  });

  it("keeps characters whole that come in two parts", async () => {
    assert.deepEqual((await run(`printf '\\303'; sleep 0.05; printf '\\251t\\303\\251\\n'`)).output, ["été"]);
  });

  it("faults when its folder is gone", async () => {
    const lost = createShellRunner({ directory: folder.file("nowhere"), redact: (text) => text });
    await assert.rejects(lost.run("true", { env: {}, timeoutMs: 1_000, signal: never }), (error) => {
      assert.ok(error instanceof FaultError);
      assert.equal(error.fault.code, "command-not-started");
      assert.equal(error.fault.where, folder.file("nowhere"));
      return true;
    });
  });
});
