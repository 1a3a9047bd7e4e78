import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { createManualClock } from "../../src/adapters/clock/manual.ts";
import type { HealthSeen, InstanceSeen, ProbeAnswer } from "../../src/core/observation.ts";
import { HOUR, SECOND } from "../../src/core/time/time.ts";
import { createProber } from "../../src/engine/prober.ts";
import { WEB, WORKER } from "../support/plans.ts";

const INSTANCE: InstanceSeen = {
  id: "web-green-0",
  service: "web",
  slot: "green",
  version: "v2",
  address: "127.0.0.1:9000",
  state: "running",
  restarts: 0,
  adopted: false,
};

it("a good answer grows as old as it is, whatever the clock on the wall is set to", async () => {
  const clock = createManualClock(10 * HOUR);
  const answer = async () => ({ at: clock.wall(), ok: true, status: 200, tookMs: 1, text: "ok" });
  const prober = createProber({ http: answer, tcp: answer }, clock, () => undefined);
  prober.probe([INSTANCE], [WEB]);
  await new Promise((resolve) => setImmediate(resolve));
  const ageMs = (): number => clock.wall() - (prober.seen()["web-green-0"]?.readyAt ?? Number.NaN);
  equal(ageMs(), 0);
  await clock.advance(20 * SECOND);
  clock.setWall(10 * HOUR);
  equal(ageMs(), 20 * SECOND);
  clock.setWall(12 * HOUR);
  equal(ageMs(), 20 * SECOND);
});

it("an answer is as old as its question: a process that was stopped before it could read it has seen nothing since", async () => {
  const clock = createManualClock(10 * HOUR);
  const answered = Promise.withResolvers<ProbeAnswer>();
  const answer = (): Promise<ProbeAnswer> => answered.promise;
  const prober = createProber({ http: answer, tcp: answer }, clock, () => undefined);
  prober.probe([INSTANCE], [WEB]);
  await clock.advance(40 * SECOND);
  answered.resolve({ at: clock.wall(), ok: true, status: 200, tookMs: 1, text: "ok" });
  await new Promise((resolve) => setImmediate(resolve));
  const seen = prober.seen()["web-green-0"];
  equal(seen?.ready, true);
  equal(clock.wall() - (seen.readyAt ?? Number.NaN), 40 * SECOND);
});

describe("a worker, which nobody can ask", () => {
  const { address: _, ...rest } = INSTANCE;
  const BEGUN: InstanceSeen = { ...rest, id: "worker-green-0", service: "worker", pid: 7 };
  const never = (): Promise<ProbeAnswer> => Promise.reject(new Error("It has no address."));

  async function looked(afterMs: number, of: Partial<InstanceSeen> = {}): Promise<HealthSeen | undefined> {
    const clock = createManualClock(10 * HOUR);
    const prober = createProber({ http: never, tcp: never }, clock, () => undefined);
    for (let ms = 0; ms <= afterMs; ms += 100) {
      prober.probe([{ ...BEGUN, ...of }], [WORKER]);
      await new Promise((resolve) => setImmediate(resolve));
      if (ms < afterMs) await clock.advance(100);
    }
    return prober.seen()["worker-green-0"];
  }

  it("is ready when its process has lived for two seconds, and neither ready nor down before", async () => {
    const young = await looked(1_800);
    deepEqual([young?.ready, young?.down], [false, false]);
    equal(young?.last?.text, "its process has run for less than 2s");
    equal((await looked(2_300))?.ready, true);
  });

  it("is ready at once where it has run for longer, or its own check has passed", async () => {
    equal((await looked(0, { startedAt: 9 * HOUR }))?.ready, true);
    equal((await looked(0, { ownCheck: { state: "healthy", says: "" } }))?.ready, true);
  });
});
