import { equal } from "node:assert/strict";
import { it } from "node:test";
import { createManualClock } from "../../src/adapters/clock/manual.ts";
import type { InstanceSeen } from "../../src/core/observation.ts";
import { HOUR, SECOND } from "../../src/core/time/time.ts";
import { createProber } from "../../src/engine/prober.ts";
import { WEB } from "../support/plans.ts";

it("a good answer grows as old as it is, whatever the clock on the wall is set to", async () => {
  const clock = createManualClock(10 * HOUR);
  const answer = async () => ({ at: clock.wall(), ok: true, status: 200, tookMs: 1, text: "ok" });
  const prober = createProber({ http: answer, tcp: answer }, clock, () => undefined);
  const instance: InstanceSeen = {
    id: "web-green-0",
    service: "web",
    slot: "green",
    version: "v2",
    address: "127.0.0.1:9000",
    state: "running",
    restarts: 0,
    adopted: false,
  };
  prober.probe([instance], [WEB]);
  await new Promise((resolve) => setImmediate(resolve));
  const ageMs = (): number => clock.wall() - (prober.seen()["web-green-0"]?.readyAt ?? Number.NaN);
  equal(ageMs(), 0);
  await clock.advance(20 * SECOND);
  clock.setWall(10 * HOUR);
  equal(ageMs(), 20 * SECOND);
  clock.setWall(12 * HOUR);
  equal(ageMs(), 20 * SECOND);
});
