import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { missingInstances, missingWords } from "../../src/cli/missing-instances.ts";
import type { InstanceSeen } from "../../src/core/observation.ts";
import { WEB, WORKER } from "../support/plans.ts";

const SERVICES = [{ ...WEB, replicas: 2 }, WORKER];
const CANDIDATE = { version: "v2", label: "v2", slot: "green" } as const;

function instance(service: string, index: number, more: Partial<InstanceSeen> = {}): InstanceSeen {
  const id = `${service}-green-${index}`;
  return { id, service, slot: "green", version: "v2", state: "running", restarts: 0, adopted: false, ...more };
}

const told = (state: "closed" | "live" | "rolled-back" | "running", instances: readonly InstanceSeen[]) =>
  missingInstances({ state, candidate: CANDIDATE }, SERVICES, instances).map(missingWords);

const ALL = [instance("web", 0), instance("web", 1), instance("worker", 0)];

describe("Of a version that serves it is said what does not run", () => {
  it("where somebody stopped it, whether it is gone or lies there ended", () => {
    assert.deepEqual(told("closed", ALL), []);
    assert.deepEqual(told("closed", ALL.slice(1)), ["1 of 2 instances of web runs"]);
    assert.deepEqual(told("live", [instance("web", 0, { state: "exited" }), ...ALL.slice(1)]), [
      "1 of 2 instances of web runs",
    ]);
    assert.deepEqual(told("closed", ALL.slice(0, 2)), ["0 of 1 instance of worker run"]);
  });

  it("but not while the release is at work, after it was put back, nor of what was taken over or stopped as a whole", () => {
    assert.deepEqual(told("running", ALL.slice(1)), []);
    assert.deepEqual(told("rolled-back", ALL.slice(1)), []);
    assert.deepEqual(told("closed", [instance("web", 0, { adopted: true })]), []);
    assert.deepEqual(told("closed", []), []);
  });
});
