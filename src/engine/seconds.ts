import type { Moment } from "../core/time/time.ts";
import type { World } from "./world.ts";

/** Seconds are closed this long after they ended (design/engine.md, Observations). */
export const CLOSED_AFTER_SECONDS = 2;

/** The data plane's second of a moment, by watched time, which no clock that is set can shift: rather too late than too early. */
export function secondSince(world: World, moment: Moment, now: Moment): number {
  return world.secondAgo(now.watched - moment.watched);
}
