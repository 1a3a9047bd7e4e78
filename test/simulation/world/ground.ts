import type { Fact, FactBody } from "../fact.ts";
import type { Random } from "../random.ts";
import type { Scheduler } from "../scheduler.ts";
import type { Troubles } from "./troubles.ts";

/** What everything in a simulated world stands on. */
export interface Ground {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly troubles: Troubles;
  /** What the clock on the wall shows; it can be put forward and back. */
  wall(): number;
  putClock(byMs: number): void;
  tell(fact: FactBody): void;
}

/** A Tuesday morning, in whole seconds. */
const BEGINNING = 1_700_000_000_000;

export function createGround(
  scheduler: Scheduler,
  random: Random,
  troubles: Troubles,
  hear: (fact: Fact) => void,
): Ground {
  let ahead = BEGINNING;
  const ground: Ground = {
    scheduler,
    random,
    troubles,
    wall: () => Math.floor(scheduler.now() + ahead),
    putClock: (byMs) => {
      ahead += byMs;
      ground.tell({ kind: "clock", byMs });
    },
    tell: (fact) => hear({ at: scheduler.now(), wall: ground.wall(), ...fact }),
  };
  return ground;
}
