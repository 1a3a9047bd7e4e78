import { deepEqual, equal, match } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Guard } from "../../src/core/plan/guard.ts";
import { MINUTE, SECOND } from "../../src/core/time/time.ts";
import { twinName } from "../../src/core/traffic/routing.ts";
import type { Engine } from "../../src/engine/api.ts";
import { engineUnderTest, type EngineUnderTest } from "../support/engine-under-test.ts";
import { GUARDS, planOf, step, WEB } from "../support/plans.ts";

const TWIN = twinName("v1");
const WARM = { service: "web", pages: ["/"], withinMs: SECOND, rounds: 1, boundMs: 5 * SECOND };

const compared = (metric: Guard["metric"], factor: number): Guard => ({
  ...(GUARDS[0] as Guard),
  metric,
  limits: { rollback: [{ kind: "relative", factor }] },
  weight: 1,
  promote: 0.4,
});

/** v1 live, and a plan that compares the next version with its twin. */
async function withTwin(guards: readonly Guard[] = [compared("errors", 1.5)]) {
  const under = engineUnderTest();
  let engine = await under.start();
  const web = {
    ...WEB,
    health: { ...WEB.health, everyMs: 2 * SECOND, timeoutMs: SECOND } as typeof WEB.health & object,
  };
  const plan = planOf(
    [
      step.start(),
      { ...step.start(), kind: "warm", id: "warm", name: "warm", warm: WARM },
      step.shift(5, 30 * SECOND, { guards }),
      step.shift(25, 30 * SECOND, { guards }),
      step.shift(100, SECOND, { guards: [] }),
    ],
    { judge: 2, services: [web], twin: true },
  );
  await under.release(
    engine,
    planOf([step.start(), step.shift(100, SECOND, { guards: [] })], { services: [web] }),
    "v1",
  );
  await under.until(async () => (await engine.status(1))?.state === "closed");
  return {
    under,
    plan,
    engine: () => engine,
    state: async () => (await engine.status(2))?.state ?? "",
    sentence: async () => (await engine.status(2))?.sentence ?? "",
    say: async (kind: "retry" | "promote") => {
      const asked = engine.ask({ kind: "command", command: { kind } as never }, 2, "ann");
      let isAnswered = false;
      void asked.then(() => (isAnswered = true));
      await under.until(() => isAnswered);
      equal((await asked).kind, "accepted", JSON.stringify(await asked));
    },
    takeOver: async () => {
      await stop(engine, under);
      engine = await under.start();
    },
    twins: async () =>
      (await under.runtime.instances())
        .filter(({ slot }) => slot === "twin")
        .map(({ version, state }) => [version, state]),
  };
}

const stop = (engine: Engine, under: EngineUnderTest): Promise<unknown> =>
  Promise.all([engine[Symbol.asyncDispose](), under.clock.advance(5 * SECOND)]);

describe("a plan with a twin", () => {
  it("starts it with the candidate, warms it, gives it as much, and stops it when the candidate has everything", async () => {
    const { under, plan, engine, state, twins } = await withTwin();
    const warmed: string[] = [];
    under.ports.warmer.warm = async (_, { baseUrls }) => {
      warmed.push(Object.values(baseUrls).join());
      return { warm: true, rounds: 1, slowestMs: 1, detail: "" };
    };
    await under.release(engine(), plan, "v2");
    await under.until(() => under.traffic.table?.share === 2_500);
    await under.pass(5 * SECOND);
    equal(new Set(warmed).size, 2);
    deepEqual(await twins(), [["v1", "running"]]);
    deepEqual(
      (await engine().status(2))?.versions?.map(({ role, version, wantedPercent, measuredPercent }) => [
        role,
        version,
        wantedPercent,
        measuredPercent,
      ]),
      [
        ["stable", "v1", 50, 50],
        ["twin", "v1", 25, 25],
        ["candidate", "v2", 25, 25],
      ],
    );
    await under.until(async () => (await state()) === "closed");
    const ofBoth = under.traffic.writes.filter(({ candidate, share }) => candidate?.version === "v2" && share > 0);
    deepEqual(
      [...new Set(ofBoth.map(({ share, twin }) => `${share} ${twin === undefined ? "alone" : "beside a twin"}`))],
      ["500 beside a twin", "2500 beside a twin", "10000 beside a twin", "10000 alone"],
    );
    deepEqual(await twins(), [["v1", "exited"]]);
    await stop(engine(), under);
  });

  it("compares with the twin alone: with what is as bad at first, and not with what has long been good", async () => {
    const { under, plan, engine, state } = await withTwin();
    under.load = { perSecond: 400, badShare: { v2: 0.1, [TWIN]: 0.1 } };
    await under.release(engine(), plan, "v2");
    await under.until(async () => (await state()) === "closed");
    const shift = (await engine().status(2))?.steps.find(({ kind }) => kind === "shift");
    match(shift?.sentence ?? "", /errors 10% \([\d ]+\/[\d ]+\) against its twin's 10% \([\d ]+\/[\d ]+\), limit 1.5x/);
    await stop(engine(), under);
  });

  it("puts back what is worse than its twin, and the twin goes with it; another engine does so too", async () => {
    const { under, plan, engine, state, sentence, takeOver, twins } = await withTwin();
    await under.release(engine(), plan, "v2");
    await under.until(() => under.traffic.table?.share === 2_500);
    await takeOver();
    under.load = { perSecond: 400, badShare: { v2: 0.3, [TWIN]: 0.05, v1: 0.3 } };
    await under.until(async () => (await state()) === "rolled-back");
    match(await sentence(), /^Rolled back at 25%: errors \d+% \(.*\) against its twin's [\d.]+% \(.*\), limit 1\.5x/);
    deepEqual(await twins(), [["v1", "exited"]]);
    deepEqual([under.traffic.table?.twin, under.traffic.table?.share], [undefined, 0]);
    await stop(engine(), under);
  });

  it("holds where it can't be started; whoever retries has it tried again, whoever promotes goes on without", async () => {
    const { under, plan, engine, state, sentence, say } = await withTwin();
    under.runtime.script({ startFault: { code: "instance-not-started", what: "No port is free." } }, "v1");
    await under.release(engine(), plan, "v2");
    const isHeld = async (): Promise<boolean> => (await engine().status(2))?.hold?.needsPerson === true;
    await under.until(isHeld);
    match(await sentence(), /Its twin can't be had, so nothing can be compared with it: No port is free\./);
    equal(under.traffic.table?.share, 0);
    await say("promote");
    await under.until(async () => (await engine().status(2))?.current?.name === "shift 5%");
    await under.until(isHeld);
    equal(under.traffic.table?.share, 0);
    under.runtime.script({}, "v1");
    await say("retry");
    await under.until(() => under.traffic.table?.twin !== undefined);
    await under.until(async () => (await state()) === "closed");
    await stop(engine(), under);
  });

  it("passes nothing while the twin is away, and never falls back to stable", async () => {
    const { under, plan, engine, state } = await withTwin();
    await under.release(engine(), plan, "v2");
    await under.until(() => under.traffic.table?.share === 500);
    await under.pass(10 * SECOND);
    const [twin] = (await under.runtime.instances()).filter(({ slot }) => slot === "twin");
    under.runtime.die(twin?.id ?? "");
    await under.pass(MINUTE);
    const status = await engine().status(2);
    equal(status?.sharePercent, 5);
    deepEqual(
      status?.verdicts.map(({ verdict }) => verdict),
      ["no-data"],
    );
    match(status?.verdicts[0]?.sentence ?? "", /; not compared, its twin can't serve: 0 of 1 instances of web run$/);
    // A limit of its own acts all the same.
    equal(await state(), "running");
    await stop(engine(), under);
  });

  it("is refused for a version that Tidegate did not start", async () => {
    const under = engineUnderTest();
    const engine = await under.start();
    under.ports.health.http = async () => ({ at: 0, ok: true, status: 200, tookMs: 1, text: "" });
    const { plan } = await withTwin();
    const answer = await under.release(engine, plan, "v2", { adopt: "127.0.0.1:9100" });
    equal(answer.kind === "refused" ? answer.fault.code : answer.kind, "twin-not-possible");
    await stop(engine, under);
  });
});
