import { type Guard, GUARD_LEVELS, guardId, type GuardLevel, type Limit } from "../plan/guard.ts";
import { BESIDE, BROKEN, LEAST_FAILING_VISITORS, TOLD } from "./bounds.ts";
import { type EProcess, logEvidence } from "./e-process.ts";
import type { GuardEvidence } from "./gathered.ts";
import type { Look } from "./look.ts";
import type { ProbedGuard } from "./probes.ts";
import { acting, comparesAlone, evidenceKey, tested, type TestedLimit } from "./tested-limits.ts";
import type { Total } from "./total.ts";

/** Limits of one level that are broken. */
export interface Broken {
  readonly level: GuardLevel;
  /** The one to tell of. */
  readonly limit: Limit;
  /** ln of the evidence. */
  readonly log: number;
}

/** The worst level that the evidence has broken; null: none. */
export function worstBroken(
  guard: Guard,
  mine: GuardEvidence,
  probed: ProbedGuard | undefined,
  look: Look,
  total: Total,
): Broken | null {
  for (const level of GUARD_LEVELS) {
    const limits = tested(guard).filter((one) => one.level === level);
    // The first of a list is the one that people know by heart.
    const [first] = limits;
    if (first === undefined || limits.length !== guard.limits[level]?.length) continue;
    const { limit } = first;
    if (level === "rollback" && comparesAlone(guard)) {
      if (isBrokenOfAll(guard, mine, probed, look, total)) return { level, limit, log: total.log };
    } else if (areBroken(limits, level, guard, mine, look)) {
      return { level, limit, log: logOf(mine.against[evidenceKey(first, look)]) };
    }
  }
  return null;
}

/** Of all comparisons together this one says most, and they say enough. */
function isBrokenOfAll(
  guard: Guard,
  { failing }: GuardEvidence,
  probed: ProbedGuard | undefined,
  { alpha }: Look,
  total: Total,
): boolean {
  const bound = Math.log(1 / alpha);
  if (total.strongest !== guardId(guard) || total.log < bound) return false;
  const { weight = 0 } = guard;
  const isByProbes = probed !== undefined && logEvidence(probed.against) + Math.log(weight) >= bound;
  return failing === null || failing >= LEAST_FAILING_VISITORS || isByProbes;
}

function areBroken(
  limits: readonly TestedLimit[],
  level: GuardLevel,
  guard: Guard,
  mine: GuardEvidence,
  look: Look,
): boolean {
  const hasAbsolute = limits.some(({ limit }) => limit.kind === "absolute");
  const bound = level === "warn" ? TOLD : BROKEN;
  const isAsBad = isBrokenOnStable(guard, mine);
  return limits.every((one) => {
    const log = logOf(mine.against[evidenceKey(one, look)]);
    if (one.limit.kind === "absolute" || !hasAbsolute) return log >= bound;
    // Where stable breaks the limit too, the environment does: that holds, and goes on to be told as such.
    return log >= BESIDE || (level === "rollback" && isAsBad);
  });
}

/** ln of the strongest evidence against the candidate by which something would be done. */
export function strongestAgainst(guard: Guard, mine: GuardEvidence, look: Look, total: Total): number {
  const own = acting(guard)
    .filter(({ level, limit }) => limit.kind !== "relative" || level === "hold")
    .map((one) => logOf(mine.against[evidenceKey(one, look)]));
  const ofAll = comparesAlone(guard) && total.strongest === guardId(guard) ? [total.log] : [];
  return Math.max(Number.NEGATIVE_INFINITY, ...own, ...ofAll);
}

/** Whether stable breaks the same limits of a rollback that it can break: absolute ones, and those of other days. */
export function isBrokenOnStable(guard: Guard, evidence: GuardEvidence | undefined): boolean {
  const absolute = tested(guard).filter(
    ({ level, limit }) =>
      level === "rollback" && (limit.kind === "absolute" || (limit.kind === "before" && limit.days !== undefined)),
  );
  const { onStable = {} } = evidence ?? {};
  return absolute.length > 0 && absolute.every(({ key }) => logOf(onStable[key]) >= BROKEN);
}

function logOf(process: EProcess | undefined): number {
  return process === undefined ? 0 : logEvidence(process);
}
