import { deepEqual, match } from "node:assert/strict";
import { describe, it } from "node:test";
import { createManualClock } from "../../src/adapters/clock/manual.ts";
import { createMemoryTraffic } from "../../src/adapters/traffic/memory.ts";
import { otherDaysOf, unknownDays } from "../../src/cli/other-days.ts";
import { planView } from "../../src/cli/render/plan-view.ts";
import type { Guard } from "../../src/core/plan/guard.ts";
import { DAY, HOUR, MINUTE } from "../../src/core/time/time.ts";
import type { Traffic } from "../../src/ports/traffic.ts";
import { planOf, step } from "../support/plans.ts";

const NOW = Date.UTC(2026, 0, 6, 14, 10);
const BASE = { windowMs: 60_000, minRequests: 100, minEvents: 3, breaches: 3 };
const held = (days: 1 | 7): Guard => ({
  ...BASE,
  metric: "errors",
  limits: { rollback: [{ kind: "before", factor: 1.5, days }] },
});
const PLAN = planOf([
  step.start(),
  step.shift(50, 15 * MINUTE, { guards: [] }),
  step.shift(100, HOUR, { guards: [held(1)] }),
]);

describe("what is known beforehand of another day", () => {
  it("is of the hours in which each step would be, and stands below it", async () => {
    const otherDays = await otherDaysOf(PLAN, await plane(), NOW);
    deepEqual(
      otherDays.map(({ sentence, isKnown }) => [sentence, isKnown]),
      [["errors against the day before, 14:00-15:30 UTC (n = 54 000)", true]],
    );
    const view = planView(
      {
        plan: PLAN,
        planHash: "cafe",
        stable: { version: "v1", label: "v1", isAdopted: false },
        candidate: { version: "v2", label: "v2" },
        requestsPerSecond: 10,
        trafficSeenMs: 60_000,
        power: [],
        otherDays,
        sources: [],
        schema: null,
        rehearsal: null,
        overrides: [],
        lastWorkMs: null,
        warnings: [],
      },
      { width: 100, colours: false, unicode: true },
    ).join("\n");
    match(view, /watched: errors: rolls back at 1\.5x of the day before\n +holds errors against the day before, 14:00/);
  });

  it("is not what is not over, in a step that is further off than a day", async () => {
    const far = planOf([
      step.shift(50, 23 * HOUR + 55 * MINUTE, { guards: [] }),
      step.shift(100, 1, { guards: [held(1)] }),
    ]);
    deepEqual(await otherDaysOf(far, await plane(), NOW), []);
  });

  it("is told where it is missing, with why", async () => {
    const without = await plane();
    delete without.past;
    const older = await plane({ countedMs: 0 });
    const away = createMemoryTraffic({ clock: createManualClock(NOW) });
    away.past = () => Promise.reject(new Error("nobody is there to be asked"));
    for (const [traffic, why] of [
      [without, "this data plane keeps no figures of other days"],
      [older, "the data plane has no figures of 14:00-14:30 UTC then"],
      [away, "no data plane runs"],
    ] as const)
      deepEqual(unknownDays(await otherDaysOf(PLAN, traffic, NOW)), [
        `"shift 100%" can't hold errors against the day before: ${why}. It waits, and holds when twice its time is over.`,
      ]);
    const weekly = planOf([step.shift(100, 1, { guards: [held(7)] })]);
    match(unknownDays(await otherDaysOf(weekly, older, NOW))[0] ?? "", /can't hold errors against the week before: /);
  });
});

async function plane({ countedMs = HOUR / 2 } = {}): Promise<Traffic> {
  const traffic = createMemoryTraffic({ clock: createManualClock(NOW) });
  await traffic.ensure([]);
  const stable = { requests: 18_000, bad: 0, latency: {}, webSockets: { opened: 0, failed: 0 } };
  traffic.past = (from, to) => {
    // Only what is over, and of the right day.
    if (to > NOW || from < NOW - 7 * DAY - HOUR) throw new Error("nobody needs that");
    return Promise.resolve({ from, to, countedMs, requests: 18_000, stable, features: {} });
  };
  return traffic;
}
