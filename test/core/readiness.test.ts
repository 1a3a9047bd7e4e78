import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { HealthSeen, InstanceSeen } from "../../src/core/observation.ts";
import { NOTHING_SEEN, readiness } from "../../src/core/decide/seen.ts";
import { USUAL } from "../support/plans.ts";
import { PureWorld } from "../support/pure-world.ts";

const CANDIDATE: InstanceSeen = {
  id: "web-green-0",
  service: "web",
  slot: "green",
  version: "v2",
  address: "127.0.0.1:9000",
  state: "running",
  restarts: 0,
  adopted: false,
};
const UNASKED: HealthSeen = { instance: "web-green-0", ready: false, down: false, live: true };

function sentenceOf(instance: InstanceSeen, health: HealthSeen): string {
  const { release, wall } = new PureWorld(USUAL);
  const seen = { ...NOTHING_SEEN, instances: [instance], health: { [instance.id]: health } };
  return readiness(release, "candidate", seen, wall).sentence;
}

describe("why a version is not ready", () => {
  it("is that it never was, while nothing else is known", () => {
    assert.equal(sentenceOf(CANDIDATE, UNASKED), "web-green-0 was never seen ready");
  });

  it("is that its process ended, whatever the process before had answered", () => {
    const ended = (code: number | null, signal: string | null): string =>
      sentenceOf({ ...CANDIDATE, state: "backoff", restarts: 1, lastExit: { code, signal, at: 1 } }, UNASKED);
    assert.equal(ended(1, null), "web-green-0 ended with code 1");
    assert.equal(ended(null, "SIGKILL"), "web-green-0 ended with SIGKILL");
    assert.equal(ended(null, null), "web-green-0 ended");
  });

  it("is what it answers, once it has been ready", () => {
    const last = { at: 1_000_000, ok: false, status: 503, tookMs: 2, text: "draining" };
    const health = { ...UNASKED, readyAt: 999_000, last };
    assert.equal(sentenceOf(CANDIDATE, health), "web-green-0 is not ready: it answers 503");
  });
});
