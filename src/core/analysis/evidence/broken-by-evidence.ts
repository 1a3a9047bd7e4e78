import { type Guard, GUARD_LEVELS, guardId, type GuardLevel, type Limit } from "../../plan/guard.ts";
import { BESIDE, BROKEN, LEAST_FAILING_VISITORS, TOLD } from "./bounds.ts";
import { type EProcess, logEvidence } from "../statistics/e-process.ts";
import type { GuardEvidence } from "./gathered.ts";
import type { Look } from "../look.ts";
import type { ProbedGuard } from "./probes.ts";
import { acting, comparesAlone, evidenceKey, ownLimits, tested, type TestedLimit } from "./tested-limits.ts";
import type { Total } from "./total.ts";
import { isStableInTrouble, isStableSuspect } from "./trouble.ts";

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
  // A limit that stable breaks too says nothing of the candidate: then it must be the worse of the two.
  if (level === "rollback" && isStableInTrouble(guard, mine, look))
    return worseThanStable(limits, mine, look) >= BROKEN || isIncident(guard, mine, look);
  return limits.every((one) => {
    const log = logOf(mine.against[evidenceKey(one, look)]);
    if (one.limit.kind === "relative" && hasAbsolute) return log >= BESIDE;
    return log >= bound && !(level === "rollback" && isStableSuspect(one, mine, look));
  });
}

/** ln of what says that the candidate is worse than stable. */
function worseThanStable(limits: readonly TestedLimit[], { against, beside }: GuardEvidence, look: Look): number {
  const compared = limits.filter(({ limit }) => limit.kind === "relative");
  return Math.max(logOf(beside), ...compared.map((one) => logOf(against[evidenceKey(one, look)])));
}

/** Whether both versions break the guard's own limits of a rollback just now, and nothing says that the candidate is the worse. */
export function isIncident(guard: Guard, mine: GuardEvidence | undefined, look: Look): boolean {
  if (mine === undefined || !isStableInTrouble(guard, mine, look)) return false;
  const rollback = tested(guard).filter(({ level }) => level === "rollback");
  return (
    ownLimits(guard).every((one) => mine.trouble?.[evidenceKey(one, look)]?.candidate.isOn === true) &&
    worseThanStable(rollback, mine, look) < BROKEN
  );
}

/** ln of the strongest evidence against the candidate by which something would be done. */
export function strongestAgainst(guard: Guard, mine: GuardEvidence, look: Look, total: Total): number {
  const own = acting(guard)
    .filter(({ level, limit }) => limit.kind !== "relative" || level === "hold")
    .map((one) => logOf(mine.against[evidenceKey(one, look)]));
  const ofAll = comparesAlone(guard) && total.strongest === guardId(guard) ? [total.log] : [];
  return Math.max(Number.NEGATIVE_INFINITY, ...own, ...ofAll);
}

function logOf(process: EProcess | undefined): number {
  return process === undefined ? 0 : logEvidence(process);
}
