import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Guard } from "../../src/core/plan/guard.ts";
import type { Plan } from "../../src/core/plan/plan.ts";
import { MINUTE, SECOND } from "../../src/core/time/time.ts";
import type { Engine } from "../../src/engine/api.ts";
import { sourceOf } from "../metrics/stand.ts";
import { engineUnderTest, type EngineUnderTest } from "../support/engine-under-test.ts";
import { planOf, step } from "../support/plans.ts";

const JOBS: Guard = {
  metric: "failed-jobs",
  source: sourceOf({ kind: "prometheus", at: { url: "http://x", headers: {} }, query: "jobs" }),
  limits: { rollback: [{ kind: "plain", value: 10 }] },
  windowMs: 0,
  minRequests: 1,
  minEvents: 1,
  breaches: 2,
};

describe("A guard whose figure comes from outside", () => {
  it("is asked about both versions in its rhythm, and lets a good one pass", async () => {
    const { under, engine } = await serving([JOBS]);
    under.metrics.figure = () => 3;
    await under.release(engine, planWith([JOBS]), "v2");
    await under.until(() => isDone(engine, 2));
    const { asked } = under.metrics;
    const versions = asked.map(({ version }) => version);
    // Four a minute; of stable while it has a part of the traffic.
    equal(versions.filter((version) => version === "v1").length, 4, versions.join(" "));
    match(await passedBy(under), /failed-jobs 3 against 3, limit 10/);
    await stop(under, engine);
  });

  it("puts a version back by it, with the sentence of its figures", async () => {
    const { under, engine } = await serving([JOBS]);
    under.metrics.figure = (_, { version }) => (version === "v2" ? 42 : 1);
    await under.release(engine, planWith([JOBS]), "v2");
    await under.until(async () => (await engine.status(2))?.state === "rolled-back");
    match((await engine.status(2))?.sentence ?? "", /failed-jobs 42 against 1, limit 10/);
    await stop(under, engine);
  });

  it("keeps a step while its source is away, hangs or has nothing to say, and never blames the version", async () => {
    for (const trouble of ["hangs", "down", "no-data"] as const) {
      const { under, engine } = await serving([JOBS]);
      under.metrics.figure = () =>
        trouble === "hangs" ? trouble : { kind: trouble, why: `${trouble} for the sake of it` };
      await under.release(engine, planWith([JOBS]), "v2");
      await under.until(() => under.traffic.table?.share === 500);
      await under.pass(6 * MINUTE);
      const held = await engine.status(2);
      equal(held?.sharePercent, 5, trouble);
      match(held?.sentence ?? "", trouble === "hangs" ? /no answer within 2s/ : new RegExp(`${trouble} for the sake`));
      equal(held?.verdicts[0]?.verdict, trouble === "no-data" ? "no-data" : "source-down");
      ok(held?.hold !== null, "people are told");
      // It is there again, and the step goes on by itself.
      under.metrics.figure = () => 1;
      await under.until(() => isDone(engine, 2));
      await stop(under, engine);
    }
  });

  it("is told in the journal only when its verdict changes", async () => {
    const { under, engine } = await serving([JOBS]);
    let count = 0;
    under.metrics.figure = () => (count += 0.001);
    await under.release(engine, planWith([JOBS]), "v2");
    await under.until(() => isDone(engine, 2));
    const told = (await under.journal.read(2)).flatMap(({ event }) =>
      event.type === "verdict-changed" ? [`${event.step} ${event.verdict.verdict}`] : [],
    );
    deepEqual(told, ["shift-5 no-data", "shift-5 pass", "shift-100 no-data", "shift-100 pass"]);
    await stop(under, engine);
  });

  it("is compared with stable's by blocks of a minute", async () => {
    const carts: Guard = {
      ...JOBS,
      metric: "carts",
      source: {
        ...sourceOf({ kind: "prometheus", at: { url: "http://x", headers: {} }, query: "carts" }),
        worse: "lower",
        unit: "/s",
      },
      limits: { rollback: [{ kind: "relative", factor: 0.9 }] },
    };
    const { under, engine } = await serving([carts]);
    let turn = 0;
    under.metrics.figure = (_, { version }) => (version === "v2" ? 0.71 : 1.02) * (1 + 0.1 * Math.sin((turn += 1)));
    const plan = {
      ...planOf([
        step.start(),
        step.shift(5, 20 * MINUTE, { guards: [carts] }),
        step.shift(100, SECOND, { guards: [] }),
      ]),
      judge: 2 as const,
    };
    await under.release(engine, plan, "v2");
    await under.until(async () => (await engine.status(2))?.state === "rolled-back", 30 * MINUTE);
    match(
      (await engine.status(2))?.sentence ?? "",
      /carts 0\.\d+\/s against 1(\.\d+)?\/s, limit 0\.9x, n = \d\d, 10 blocks/,
    );
    await stop(under, engine);
  });
});

function planWith(guards: readonly Guard[]): Plan {
  return {
    ...planOf([
      step.start(),
      step.shift(5, MINUTE, { guards: [...guards] }),
      step.shift(100, MINUTE, { guards: [...guards] }),
    ]),
    judge: 2,
  };
}

/** v1 serves. */
async function serving(
  guards: readonly Guard[],
): Promise<{ readonly under: EngineUnderTest; readonly engine: Engine }> {
  const under = engineUnderTest();
  under.metrics.figure = () => 1;
  const engine = await under.start();
  await under.release(engine, planWith(guards), "v1");
  await under.until(() => isDone(engine, 1));
  under.metrics.asked.length = 0;
  return { under, engine };
}

async function isDone(engine: Engine, release: number): Promise<boolean> {
  return ["live", "closed"].includes((await engine.status(release))?.state ?? "");
}

async function passedBy(under: EngineUnderTest): Promise<string> {
  const events = (await under.journal.read(2)).map(({ event }) => event);
  return events.flatMap((event) => (event.type === "step-passed" ? [event.because.sentence] : [])).join("\n");
}

async function stop(under: EngineUnderTest, engine: Engine): Promise<void> {
  await Promise.all([engine[Symbol.asyncDispose](), under.clock.advance(5 * SECOND)]);
}
