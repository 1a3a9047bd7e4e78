import { SECOND } from "../../src/core/time/time.ts";
import type { Fact } from "./fact.ts";
import { randomOf } from "./random.ts";
import type { Rule, Violation } from "./rules/rule.ts";
import { RULES } from "./rules/rules.ts";
import { createHelper, createPeople, FOREIGN_ADDRESS, type Helper, type People } from "./scenario/people.ts";
import { drawScenario, type Incident, type Scenario } from "./scenario/scenario.ts";
import type { EngineProcess } from "./world/wire.ts";
import { createWorld, type World } from "./world/world.ts";

export interface Played {
  readonly seed: number;
  readonly violations: readonly Violation[];
  /** How much virtual time it took. */
  readonly virtualMs: number;
}

/** After its troubles a world must come to rest within this long. */
const REST_WITHIN_MS = 15 * 60 * SECOND;

/** A world takes some thousand steps; one that takes so many goes round in circles. */
const MOST_STEPS = 200_000;

/** Plays one world from its beginning to its rest. Everything in it follows from the seed. */
export async function play(
  seed: number,
  hear: (fact: Fact) => void = () => undefined,
  rules: readonly Rule[] = RULES,
): Promise<Played> {
  const random = randomOf(seed);
  const scenario = drawScenario(random.fork("scenario"));
  const violations: Violation[] = [];
  let now = 0;
  const watchers = rules.map(({ name, begin }) =>
    begin((sentence) => void violations.push({ rule: name, at: now, sentence })),
  );
  const world = createWorld(scenario, random.fork("world"), (fact) => {
    now = fact.at;
    hear(fact);
    for (const watch of watchers) watch(fact);
  });
  const crashed = (error: unknown): void =>
    void violations.push({ rule: "no-crash", at: now, sentence: String(error instanceof Error ? error.stack : error) });
  process.on("unhandledRejection", crashed);
  try {
    const director = direct(world, scenario, random.fork("director"));
    await world.scheduler.run(() => director.isOver() || world.scheduler.steps() > MOST_STEPS);
    world.ground.tell({ kind: "ended", quiet: director.isQuiet() });
  } finally {
    process.off("unhandledRejection", crashed);
  }
  return { seed, violations, virtualMs: world.scheduler.now() };
}

interface Director {
  isOver(): boolean;
  isQuiet(): boolean;
}

/** Has everything happen at its time: the beginning, the troubles, the buttons, the healing, the end. */
function direct(world: World, scenario: Scenario, random: ReturnType<typeof randomOf>): Director {
  const { scheduler, engines, ground, troubles, store, keeper } = world;
  const people = createPeople(world, scenario, random.fork("people"));
  const helper = createHelper(world, people, random.fork("helper"));
  const dooms = [...scenario.dooms];
  let phase: "beginning" | "troubled" | "healed" | "over" = "beginning";
  let quietSince: number | null = null;
  let isQuiet = false;

  /** Somebody notices after a while that nobody acts, and starts an engine. */
  const guard = (): void => {
    const acts = phase === "healed" ? store.holder() !== null : engines.living().some((each) => !each.stopped);
    if (!acts) engines.begin(phase === "troubled" ? (dooms.shift() ?? null) : null, true);
    const [from, to] = phase === "troubled" ? scenario.restartAfterMs : ([0, 500] as const);
    scheduler.after(Math.max(100, random.between(from, to)), null, guard);
  };

  const trouble = (): void => {
    phase = "troubled";
    const acting = engines.acting();
    if (acting !== null) acting.process.doom = dooms.shift() ?? null;
    people.release("ann", "v2", scenario.beginning === "adopted" ? { adopt: FOREIGN_ADDRESS } : {});
    for (const incident of scenario.incidents)
      scheduler.after(incident.atMs, null, () => happen(world, incident, random, (p) => (p.doom = null)));
    for (const press of scenario.presses) scheduler.after(press.atMs, null, () => people.press(press));
    scheduler.after(scenario.troubledMs, null, heal);
  };

  const heal = (): void => {
    phase = "healed";
    troubles.none();
    for (const each of engines.living()) {
      each.doom = null;
      engines.resume(each);
    }
    ground.tell({ kind: "healed" });
    scheduler.after(REST_WITHIN_MS, null, () => (phase = "over"));
  };

  const pulse = (): void => {
    step(helper, people);
    scheduler.after(1_500, null, pulse);
  };

  const step = (helper: Helper, people: People): void => {
    const [newest] = store.releases();
    if (newest !== undefined && random.chance(0.3)) people.look(newest);
    switch (phase) {
      case "beginning": {
        const release = newest === undefined ? null : store.release(newest);
        if (scenario.beginning !== "released" || release?.state === "closed") trouble();
        return;
      }
      case "troubled":
        if (random.chance(0.5)) helper.sign();
        return;
      case "healed": {
        helper.finish();
        const finished = helper.isFinished() && engines.acting() !== null;
        if (!finished) quietSince = null;
        else if (quietSince === null) quietSince = scheduler.now();
        else if (scheduler.now() - quietSince > 3 * SECOND) {
          isQuiet = true;
          phase = "over";
        }
        return;
      }
      case "over":
        return;
    }
  };

  engines.begin(null, true);
  if (scenario.beginning === "adopted") keeper.runForeign(FOREIGN_ADDRESS);
  if (scenario.beginning === "released") people.release("ann", "v1");
  guard();
  scheduler.after(300, null, pulse);
  return { isOver: () => phase === "over", isQuiet: () => isQuiet };
}

function happen(
  world: World,
  incident: Incident,
  random: ReturnType<typeof randomOf>,
  spare: (process: EngineProcess) => void,
): void {
  const { scheduler, engines, ground, troubles, keeper, plane, store } = world;
  const living = engines.living();
  const victim = store.holder() ?? living.at(-1);
  const instance = random.pick([null, ...keeper.instances().filter(({ state }) => state === "running")]);
  switch (incident.kind) {
    case "trouble":
      troubles.begin(incident.trouble);
      ground.tell({ kind: "trouble", what: incident.trouble, begins: true });
      scheduler.after(incident.forMs, null, () => {
        if (!troubles.has(incident.trouble)) return;
        troubles.end(incident.trouble);
        ground.tell({ kind: "trouble", what: incident.trouble, begins: false });
      });
      return;
    case "kill":
      if (victim !== undefined) engines.kill(victim, "now");
      return;
    case "dispose":
      if (victim !== undefined) {
        spare(victim);
        engines.dispose(victim);
      }
      return;
    case "stop":
      if (victim === undefined || victim.stopped) return;
      engines.stop(victim);
      scheduler.after(incident.forMs, null, () => engines.resume(victim));
      return;
    case "rival":
      engines.begin(null, random.chance(0.5));
      return;
    case "lose-lock":
      if (victim === undefined) return;
      store.free(victim);
      ground.tell({ kind: "process", by: victim.id, what: "lost-lock" });
      engines.begin(null, true);
      return;
    case "restart-plane":
      plane.restart();
      return;
    case "crash-instance":
      if (instance !== null) keeper.crash(instance);
      return;
    case "sicken":
      if (instance !== null) keeper.sicken(instance, incident.forMs);
      return;
    case "meddle": {
      // What nobody releases nobody watches.
      const newest = store.release(store.releases()[0] ?? 0);
      if (newest?.state === "running" && newest.stable !== null) plane.meddle(incident.share);
      return;
    }
    case "clock":
      ground.putClock(incident.byMs);
      return;
  }
}
