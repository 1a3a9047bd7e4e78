import { DAY, SECOND } from "../../src/core/time/time.ts";
import type { Plan } from "../../src/core/plan/plan.ts";
import type { Command } from "../../src/core/command/command.ts";
import type { Engine } from "../../src/engine/api.ts";
import type { StoredEvent } from "../../src/ports/journal.ts";
import { engineUnderTest, type EngineUnderTest } from "./engine-under-test.ts";
import { planOf, step, USUAL, WEB, WORKER } from "./plans.ts";

/** A release under way in a world of memory, brought to where its scenario ends. */
export interface Stage {
  readonly under: EngineUnderTest;
  readonly engine: Engine;
  /** Of the scenario's release, which is the second. */
  readonly events: readonly StoredEvent[];
}

type Scenario = (under: EngineUnderTest, engine: Engine, ask: (command: Command) => Promise<unknown>) => Promise<void>;

const FULL: Plan = planOf(
  [step.run("do", "undo"), ...USUAL.steps.slice(0, 4), step.approve("day-1", { afterMs: DAY }), step.retire()],
  { services: [WEB, WORKER], notify: [{ kind: "terminal" }] },
);

/** The ways of a release that the journals of every published version are recorded of. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  "at-5-percent": async (under) => {
    await under.until(() => under.traffic.table?.share === 500);
    await under.pass(20 * SECOND);
  },
  "live-and-waiting": async (under, engine) => {
    await under.until(async () => (await engine.status(2))?.state === "live");
    await under.pass(60 * SECOND);
  },
  closed: async (under, engine, ask) => {
    await under.until(async () => (await engine.status(2))?.state === "live");
    await under.pass(DAY, 60 * SECOND);
    await ask({ kind: "approve" });
    await under.until(async () => (await engine.status(2))?.state === "closed");
  },
  "rolled-back-by-a-guard": async (under, engine) => {
    await under.until(() => under.traffic.table?.share === 2_500);
    under.load = { perSecond: 200, badShare: { v2: 0.3 } };
    await under.until(async () => (await engine.status(2))?.state === "rolled-back");
  },
  "rolled-back-by-a-person": async (under, engine, ask) => {
    await under.until(() => under.traffic.table?.share === 500);
    await ask({ kind: "pause" });
    await ask({ kind: "resume" });
    await ask({ kind: "promote" });
    await under.until(() => under.traffic.table?.share === 2_500);
    await ask({ kind: "step-back" });
    await under.until(() => under.traffic.table?.share === 500);
    await ask({ kind: "rollback" });
    await under.until(async () => (await engine.status(2))?.state === "rolled-back");
  },
  "with-a-plane-that-went-away": async (under) => {
    await under.until(() => under.traffic.table?.share === 500);
    under.traffic.setAway(true);
    await under.pass(180 * SECOND);
    under.traffic.setAway(false);
    await under.until(() => under.traffic.table?.share === 2_500);
  },
};

/** Runs a scenario: v1 serves, v2 is released by a plan that has something of everything. */
export async function play(name: string): Promise<Stage> {
  const scenario = SCENARIOS[name];
  if (scenario === undefined) throw new Error(`There is no scenario ${name}.`);
  const under = engineUnderTest();
  const engine = await under.start();
  const ask = async (command: Command): Promise<unknown> => {
    const answer = engine.ask({ kind: "command", command }, 2, "ann");
    await under.pass(2 * SECOND);
    return answer;
  };
  await under.release(engine, USUAL, "v1");
  await under.until(async () => (await engine.status(1))?.state === "closed");
  await under.release(engine, FULL, "v2");
  await scenario(under, engine, ask);
  return { under, engine, events: await under.journal.read(2) };
}
