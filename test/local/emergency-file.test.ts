import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { closeSync, openSync, readFileSync, statSync, writeSync } from "node:fs";
import { after, describe, it } from "node:test";
import type { Emergency } from "../../src/core/release/emergency.ts";
import { FaultError } from "../../src/core/fault.ts";
import {
  clearEmergency,
  readEmergencies,
  reserveEmergencyFile,
  writeEmergency,
} from "../../src/local/emergency-file.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());
const folder = opened.use(temporaryFolder());
let files = 0;
const newPath = (): string => folder.file(`emergency-${(files += 1)}.log`);

function emergency(id: string, at = 1, sentence = "Put back by ann."): Emergency {
  return {
    format: 1,
    id,
    outcome: "put-back",
    app: "shop",
    environment: "production",
    release: 2,
    stable: "v1",
    candidate: "v2",
    fromShare: 2_500,
    epoch: 7,
    at,
    by: "ann",
    because: { kind: "person", sentence },
  };
}

const idsIn = async (path: string): Promise<readonly string[]> => (await readEmergencies(path)).map(({ id }) => id);

describe("the emergency file", () => {
  it("keeps what is written until it is cleared, oldest first, in the place that it took at the start", async () => {
    const path = newPath();
    reserveEmergencyFile(path);
    const { size } = statSync(path);
    equal(statSync(path).mode & 0o777, 0o600);
    await writeEmergency(path, emergency("b", 2));
    await writeEmergency(path, emergency("a", 1));
    await writeEmergency(path, { ...emergency("b", 2), tookMs: 30 });
    deepEqual(await readEmergencies(path), [emergency("a", 1), { ...emergency("b", 2), tookMs: 30 }]);
    await clearEmergency(path, "a");
    deepEqual(await idsIn(path), ["b"]);
    equal(statSync(path).size, size, "not a byte more than it had");
  });

  it("is made when it is needed and was never reserved", async () => {
    const path = newPath();
    deepEqual(await readEmergencies(path), []);
    await clearEmergency(path, "nothing");
    await writeEmergency(path, emergency("a"));
    deepEqual(await idsIn(path), ["a"]);
  });

  it("writes over the oldest when every slot is taken", async () => {
    const path = newPath();
    for (let n = 1; n <= 9; n += 1) await writeEmergency(path, emergency(`e${n}`, n));
    const ids = await idsIn(path);
    equal(ids.length, 8);
    ok(!ids.includes("e1") && ids.includes("e9"), ids.join());
  });

  it("shortens what does not fit, and keeps what it is about", async () => {
    const path = newPath();
    await writeEmergency(path, emergency("long", 1, "ü".repeat(5_000)));
    const [kept] = await readEmergencies(path);
    equal(kept?.release, 2);
    ok((kept?.because.sentence.length ?? 0) >= 100);
  });

  it("leaves out a slot that was written in part, and keeps the others", async () => {
    const path = newPath();
    await writeEmergency(path, emergency("torn"));
    await writeEmergency(path, emergency("whole"));
    const file = openSync(path, "r+");
    writeSync(file, Buffer.from([0xff, 0xfe, 0x00]), 0, 3, 60);
    closeSync(file);
    deepEqual(await idsIn(path), ["whole"]);
    await writeEmergency(path, emergency("next"));
    deepEqual((await idsIn(path)).toSorted(), ["next", "whole"]);
  });

  it("says where it can't be written", async () => {
    const path = folder.file("missing", "emergency.log");
    await rejects(
      writeEmergency(path, emergency("a")),
      (error) =>
        error instanceof FaultError && error.fault.code === "emergency-not-recorded" && error.fault.where === path,
    );
  });

  it("can be read by a person, a line each", async () => {
    const path = newPath();
    await writeEmergency(path, emergency("a"));
    const [line = "", ...rest] = readFileSync(path, "utf8").split("\n");
    equal((JSON.parse(line) as { emergency: Emergency }).emergency.by, "ann");
    ok(rest.every((each) => each.trim() === ""));
  });
});
