import { equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Guard } from "../../src/core/plan/guard.ts";
import { DAY, HOUR, type Instant, MINUTE, SECOND } from "../../src/core/time/time.ts";
import type { PastTraffic } from "../../src/core/traffic/past-traffic.ts";
import type { Engine } from "../../src/engine/api.ts";
import type { Traffic } from "../../src/ports/traffic.ts";
import { engineUnderTest, type EngineUnderTest } from "../support/engine-under-test.ts";
import { GUARDS, planOf, step, USUAL } from "../support/plans.ts";

const [USUAL_GUARD] = GUARDS as readonly [Guard];
/** One second of every minute is counted, so it stands for the whole minute. */
const PACE = { busyMs: MINUTE, idleMs: MINUTE };

const stop = (engine: Engine, under: EngineUnderTest): Promise<unknown> =>
  Promise.all([engine[Symbol.asyncDispose](), under.clock.advance(5 * SECOND)]);

interface Baking {
  readonly under: EngineUnderTest;
  readonly state: () => Promise<string>;
  readonly sentence: () => Promise<string>;
  /** Another engine takes over. */
  readonly takeOver: () => Promise<void>;
  readonly end: () => Promise<unknown>;
}

/** v2 beside v1, until it has all traffic and is watched by these guards alone. */
async function baking(
  guards: readonly Guard[],
  badShare: Readonly<Record<string, number>> = {},
  past?: Traffic["past"],
): Promise<Baking> {
  const under = engineUnderTest();
  if (past !== undefined) under.traffic.past = past;
  under.load = { perSecond: 4_000, badShare };
  let engine = await under.start({ pace: PACE });
  await under.release(engine, planOf(USUAL.steps.slice(0, 4)), "v1");
  await under.until(async () => (await engine.status(1))?.state === "closed", HOUR);
  const steps = [step.start(), step.shift(50, 10 * MINUTE), step.shift(100, DAY, { guards }), step.retire()];
  await under.release(engine, planOf(steps, { judge: 2 }), "v2");
  for (let left = 120; left > 0 && under.traffic.table?.share !== 10_000; left -= 1) await under.pass(MINUTE, MINUTE);
  equal(under.traffic.table?.share, 10_000);
  return {
    under,
    state: async () => (await engine.status(2))?.state ?? "",
    sentence: async () => (await engine.status(2))?.sentence ?? "",
    takeOver: async () => {
      await stop(engine, under);
      engine = await under.start({ pace: PACE });
    },
    end: () => stop(engine, under),
  };
}

describe("an objective, while a version bakes with all traffic", () => {
  const guard: Guard = { ...USUAL_GUARD, limits: {}, slo: 0.001 };

  it("puts it back when its budget burns fast over an hour, which another engine knows too", async () => {
    const { under, state, sentence, takeOver, end } = await baking([guard]);
    await under.pass(3 * HOUR, MINUTE);
    await takeOver();
    under.load = { perSecond: 4_000, badShare: { v2: 0.02 } };
    // An engine that knew of no good hour would see 2 % in all that there is.
    await under.pass(30 * MINUTE, MINUTE);
    equal(await state(), "running");
    await under.pass(20 * MINUTE, MINUTE);
    equal(await state(), "rolled-back");
    match(
      await sentence(),
      /^Rolled back at 100%: errors: the budget of 0\.1% burns 1[45]x over .*1h \(.*\) and 20x over 5m/,
    );
    await end();
  });

  it("holds it while its budget burns slowly over six hours, and goes on when that is over", async () => {
    const { under, state, sentence, end } = await baking([guard]);
    under.load = { perSecond: 4_000, badShare: { v2: 0.008 } };
    await under.pass(8 * HOUR, MINUTE);
    equal(await state(), "running");
    match(
      await sentence(),
      /^Held at 100%: errors: the budget of 0\.1% burns 8x over 6h \(.*\) and 8x over 30m, limit 6x\.$/,
    );
    under.load = { perSecond: 4_000, badShare: {} };
    await under.pass(17 * HOUR, MINUTE);
    ok(["live", "closed"].includes(await state()), await state());
    await end();
  });
});

describe("a comparison with stable before the switch", () => {
  const guard: Guard = { ...USUAL_GUARD, limits: { rollback: [{ kind: "before", factor: 1.5 }] } };

  it("holds against what was measured then, hours later and with another engine too", async () => {
    const { under, state, sentence, takeOver, end } = await baking([guard], { v1: 0.005 });
    await under.pass(2 * HOUR, MINUTE);
    equal(await state(), "running");
    await takeOver();
    await under.pass(20 * MINUTE, MINUTE);
    under.load = { perSecond: 4_000, badShare: { v2: 0.02 } };
    await under.pass(10 * MINUTE, MINUTE);
    equal(await state(), "rolled-back");
    match(
      await sentence(),
      /^Rolled back at 100%: errors .* against 0\.5% \(.*\) before the switch \(22:\d\d-22:\d\d UTC\), limit 1\.5x\.$/,
    );
    await end();
  });

  it("goes live where the version does as stable did", async () => {
    const { under, state, end } = await baking([guard], { v1: 0.005, v2: 0.005 });
    await under.pass(25 * HOUR, MINUTE);
    ok(["live", "closed"].includes(await state()), await state());
    await end();
  });
});

describe("a limit that is held against the day before", () => {
  const guard: Guard = { ...USUAL_GUARD, limits: { rollback: [{ kind: "before", factor: 1.5, days: 1 }] } };
  /** 0.5 % of as many requests as come in this pace. */
  const usual = (from: Instant, to: Instant): Promise<PastTraffic> => {
    const stable = { requests: 120_000, bad: 600, latency: {}, webSockets: { opened: 0, failed: 0 } };
    return Promise.resolve({ from, to, countedMs: to - from, requests: 120_000, stable, features: {} });
  };

  it("meets each half hour's own bound, with another engine too, and puts back what is worse", async () => {
    const asked: (readonly [Instant, Instant])[] = [];
    const past = (from: Instant, to: Instant): Promise<PastTraffic> => {
      asked.push([from, to]);
      return usual(from, to);
    };
    const { under, state, sentence, takeOver, end } = await baking([guard], { v1: 0.005, v2: 0.005 }, past);
    await under.pass(2 * HOUR, MINUTE);
    equal(await state(), "running");
    match(await sentence(), /^Watching at 100%: errors 0\.5% /);
    await takeOver();
    await under.pass(20 * MINUTE, MINUTE);
    under.load = { perSecond: 4_000, badShare: { v2: 0.02 } };
    await under.pass(10 * MINUTE, MINUTE);
    equal(await state(), "rolled-back");
    match(
      await sentence(),
      /^Rolled back at 100%: errors 2% \(.*\), limit 0\.9%: 1\.5x of at most 0\.6% the day before \(600\/120 000, \d\d:[03]0-\d\d:[03]0 UTC\)\.$/,
    );
    const now = under.clock.wall();
    ok(asked.length >= 5 && asked.length <= 12, `asked ${asked.length} times`);
    ok(asked.every(([from, to]) => to - from === HOUR / 2 && now - from < DAY + 4 * HOUR && from % (HOUR / 2) === 0));
    await end();
  });

  it("says that nothing is known where the data plane keeps nothing of other days, and puts nothing back", async () => {
    const { under, state, sentence, end } = await baking([guard]);
    under.load = { perSecond: 4_000, badShare: { v2: 0.02 } };
    await under.pass(HOUR, MINUTE);
    equal(await state(), "running");
    match(
      await sentence(),
      /^Watching at 100%: errors 2% \(.*\), limit 1\.5x; it can't be held against the day before: this data plane keeps no figures of other days\.$/,
    );
    await end();
  });
});
