import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createManualClock } from "../../src/adapters/clock/manual.ts";
import { createEvidenceGatherer, type EvidenceSources } from "../../src/adapters/evidence/gather.ts";
import { FaultError } from "../../src/core/fault.ts";
import type { InstanceSeen } from "../../src/core/observation.ts";
import { redactor } from "../../src/core/text/redact.ts";

const instance = (id: string, version: string, adopted = false): InstanceSeen => ({
  id,
  service: "web",
  slot: "green",
  version,
  state: "running",
  restarts: 0,
  adopted,
});

const logs: Record<string, readonly string[]> = {
  "old-1": ["listening on 9001", "ready in 12ms"],
  "new-1": ["listening on 9002", "ready in 8ms", "Error: no cart for token tok-55555"],
  "new-2": ["listening on 9003", "Error: no cart for token tok-55555"],
};

type Runtime = EvidenceSources["runtime"];
const runtime: Runtime = {
  instances: () =>
    Promise.resolve([instance("old-1", "a1f09c"), instance("new-1", "9f2c1e"), instance("new-2", "9f2c1e")]),
  log: (id) => Promise.resolve(logs[id] ?? []),
  commits: (from, to) => Promise.resolve([`${from}..${to} me:tok-55555@x`]),
};
const gatherer = (change: Partial<Runtime> = {}) => {
  const clock = createManualClock(0);
  const sources = { runtime: { ...runtime, ...change }, clock, redact: redactor(["tok-55555"]).text };
  return { clock, gatherer: createEvidenceGatherer(sources) };
};
const versions = { candidate: "9f2c1e", stable: "a1f09c", rows: [] };

describe("evidence", () => {
  it("compares the logs of all instances of both versions, without their secrets", async () => {
    const evidence = await gatherer().gatherer.gather(versions);
    assert.deepEqual(evidence.lines, [{ text: "Error: no cart for token •••", count: 2 }]);
    assert.deepEqual(evidence.commits, ["a1f09c..9f2c1e me:•••@x"]);
    assert.deepEqual(evidence.missing, []);
  });

  it("gives what there is when a source faults, and says what is missing", async () => {
    const { gatherer: limping } = gatherer({
      log: (id) =>
        id === "new-2"
          ? Promise.reject(new FaultError({ code: "runtime-unreachable", what: "The keeper does not answer." }))
          : runtime.log(id, 0),
      commits: () => Promise.reject(new Error("not a git repository")),
    });
    const evidence = await limping.gather(versions);
    assert.equal(evidence.lines[0]?.count, 1);
    assert.deepEqual([...evidence.missing].sort(), [
      "The commits between could not be read: not a git repository.",
      "The log of new-2 could not be read: The keeper does not answer.",
    ]);
  });

  it("does not wait for a source that never answers", async () => {
    const { clock, gatherer: hanging } = gatherer({ instances: () => new Promise(() => undefined) });
    const gathered = hanging.gather(versions);
    await clock.untilSleeping();
    await clock.advance(5_000);
    const evidence = await gathered;
    assert.deepEqual(evidence.lines, []);
    assert.equal(evidence.commits.length, 1);
    assert.deepEqual(evidence.missing, ["The instances could not be listed: no answer within 5s."]);
  });

  it("says that the log of an instance that was taken over is not known", async () => {
    const { gatherer: adopting } = gatherer({
      instances: () => Promise.resolve([instance("old-1", "a1f09c", true), instance("new-1", "9f2c1e")]),
    });
    const evidence = await adopting.gather(versions);
    assert.equal(evidence.lines.length, 3);
    assert.match(evidence.missing[0] ?? "", /^old-1 was taken over/);
  });

  it("asks for no commits on the first release", async () => {
    const evidence = await gatherer().gatherer.gather({ ...versions, stable: null });
    assert.deepEqual(evidence.commits, []);
    assert.equal(evidence.lines[0]?.text, "Error: no cart for token •••");
  });
});
