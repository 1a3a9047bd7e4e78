import type { Slot } from "../../../src/core/observation.ts";
import type { Fact } from "../fact.ts";
import type { Random } from "../random.ts";
import { createScheduler, type Scheduler } from "../scheduler.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { GOOD } from "./app.ts";
import { createEngines, type Engines } from "./engines.ts";
import { rollBackNow } from "./emergency.ts";
import { createGround, type Ground } from "./ground.ts";
import { createKeeper, type Keeper } from "./keeper.ts";
import { createPlane, type Plane } from "./plane.ts";
import { createStore, type Store } from "./store.ts";
import { createDatabase } from "./database.ts";
import { createTasks } from "./tasks.ts";
import { createTroubles, type Troubles } from "./troubles.ts";

/** Everything but the engine itself: what it works on, who looks at it, and what goes wrong. */
export interface World {
  readonly scheduler: Scheduler;
  readonly ground: Ground;
  readonly troubles: Troubles;
  readonly store: Store;
  readonly keeper: Keeper;
  readonly plane: Plane;
  readonly engines: Engines;
  rollBackNow(by: string): void;
}

export function createWorld(scenario: Scenario, random: Random, hear: (fact: Fact) => void): World {
  const scheduler = createScheduler(random.fork("order"));
  const troubles = createTroubles(random.fork("troubles"));
  const ground = createGround(scheduler, random.fork("world"), troubles, hear);
  const behaviourOf = (version: string, slot?: Slot) =>
    slot === "twin" ? scenario.twin : (scenario.behaviours[version] ?? GOOD);
  const store = createStore(ground);
  const keeper = createKeeper(ground, behaviourOf);
  const plane = createPlane({
    ground,
    perSecond: scenario.perSecond,
    lingering: 0.3,
    serving: (version) => {
      const mine = keeper.instances().filter((each) => each.version === version && each.isRouted);
      const { badShare, latencyMs } = behaviourOf(version);
      if (troubles.has("incident")) return { badShare: 0.4, latencyMs: 2_000 };
      return mine.some(keeper.isServing) ? { badShare, latencyMs } : { badShare: 1, latencyMs: 1 };
    },
  });
  const tasks = createTasks({ ground, keeper, behaviourOf });
  const database = createDatabase(ground);
  const engines = createEngines({
    ground,
    store,
    keeper,
    plane,
    tasks,
    database,
    options: { pace: scenario.pace, patrol: scenario.patrol },
  });
  return {
    scheduler,
    ground,
    troubles,
    store,
    keeper,
    plane,
    engines,
    rollBackNow: (by) => rollBackNow({ ground, store, keeper, plane, tasks }, engines.beside(), by),
  };
}
