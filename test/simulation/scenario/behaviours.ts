import { SECOND } from "../../../src/core/time/time.ts";
import type { Random } from "../random.ts";
import { type Behaviour, GOOD } from "../world/app.ts";

/** Most versions are good; each of the others is bad in a way of its own. */
export function drawBehaviour(random: Random): Behaviour {
  const good: Behaviour = { ...GOOD, prepareMs: random.between(0, 1_500), readyAfterMs: random.between(0, 2_000) };
  if (random.chance(0.5)) return good;
  return { ...good, ...random.pick(WAYS_TO_BE_BAD)(random) };
}

/** Stable's twin is of a version that has served well, and may be out of luck all the same. */
export function drawTwin(random: Random): Behaviour {
  const good: Behaviour = { ...GOOD, readyAfterMs: random.between(0, 2_000) };
  return random.chance(0.5) ? good : { ...good, ...random.pick(WAYS_TO_BE_AWAY)(random) };
}

const WAYS_TO_BE_AWAY: readonly ((random: Random) => Partial<Behaviour>)[] = [
  (random) => ({ crashAfterMs: random.between(2, 20) * SECOND }),
  (random) => ({ unreadyAfterMs: random.between(2, 30) * SECOND }),
  (random) => ({ unreadyAfterMs: random.between(2, 30) * SECOND }),
  () => ({ readyAfterMs: "never" }),
  () => ({ startFails: true }),
];

const WAYS_TO_BE_BAD: readonly ((random: Random) => Partial<Behaviour>)[] = [
  (random) => ({ badShare: random.pick([0.04, 0.1, 0.3, 1]) }),
  (random) => ({ badShare: random.pick([0.1, 0.5]) }),
  () => ({ latencyMs: 400 }),
  (random) => ({ crashAfterMs: random.between(1, 40) * SECOND }),
  (random) => ({ crashAfterMs: random.between(100, 900) }),
  () => ({ readyAfterMs: "never" }),
  (random) => ({ readyAfterMs: random.between(4, 9) * SECOND }),
  (random) => ({ unreadyAfterMs: random.between(2, 60) * SECOND }),
  () => ({ startFails: true }),
  (random) => ({ prepareFails: random.pick([1, Number.POSITIVE_INFINITY]) }),
  () => ({ smokeFails: true }),
  () => ({ warm: false }),
  () => ({ memory: 0.95 }),
  () => ({ failedJobs: 50 }),
];
