import { equal, match, notEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import { MINUTE, SECOND } from "../../src/core/time/time.ts";
import type { Status } from "../../src/core/status/status.ts";
import type { Engine } from "../../src/engine/api.ts";
import { engineUnderTest, type EngineUnderTest } from "../support/engine-under-test.ts";
import { GUARDS, planOf, step } from "../support/plans.ts";

/** v2 has 5 % and is to show something within a minute. */
async function shiftingTo(load: EngineUnderTest["load"], guards = GUARDS): Promise<[EngineUnderTest, Engine]> {
  const under = engineUnderTest();
  const engine = await under.start();
  const plan = planOf([step.start(), step.shift(5, MINUTE, { guards }), step.shift(100, MINUTE), step.retire()]);
  await under.release(engine, plan, "v1");
  await under.until(async () => (await engine.status(1))?.state === "closed");
  under.load = load;
  await under.release(engine, plan, "v2");
  await under.until(async () => (await engine.status(2))?.hold?.sentence !== undefined);
  return [under, engine];
}

const statusOf2 = async (engine: Engine): Promise<Status> => {
  const status = await engine.status(2);
  if (status === null) throw new Error("There is a second release.");
  return status;
};

const stop = (engine: Engine, under: EngineUnderTest): Promise<unknown> =>
  Promise.all([engine[Symbol.asyncDispose](), under.clock.advance(5 * SECOND)]);

describe("where a release is held, its sentence", () => {
  it("counts on how long nothing was seen", async () => {
    const [under, engine] = await shiftingTo({ perSecond: 0, badShare: {} });
    const before = await statusOf2(engine);
    match(before.sentence, /^Held at 5%: errors unknown: no requests on the candidate for [\dms ]+\.$/);
    await under.pass(10 * MINUTE);
    const { sentence, hold } = await statusOf2(engine);
    notEqual(sentence, before.sentence);
    equal(sentence, `Held at 5%: ${hold?.sentence}.`);
    await stop(engine, under);
  });

  it("counts on how much is still missing, and says so in the hold too", async () => {
    const guards = GUARDS.map((guard) => ({ ...guard, minRequests: 20_000, windowMs: 60 * MINUTE }));
    const [under, engine] = await shiftingTo({ perSecond: 200, badShare: {} }, guards);
    const seen = async (): Promise<number> => {
      const { sentence } = await statusOf2(engine);
      const [, n] = /^Held at 5%: errors .*, n = ([\d ]+) of 20 000 needed\.$/.exec(sentence) ?? [];
      return Number((n ?? sentence).replaceAll(" ", ""));
    };
    const before = await seen();
    await under.pass(30 * SECOND);
    equal(await seen(), before + 30 * 10);
    equal((await statusOf2(engine)).verdicts[0]?.figures.n, await seen(), "the same figures as beside it");
    await stop(engine, under);
  });
});
