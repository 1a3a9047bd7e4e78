import { factsOf, type Guard, guardId } from "../../plan/guard.ts";
import { LEAST_VISITORS, SHOWN } from "./bounds.ts";
import { logEvidence } from "../statistics/e-process.ts";
import { comparedName, formatCount, formatLimit, formatPercent } from "../figures.ts";
import type { Gathered, GuardEvidence } from "./gathered.ts";
import type { Look } from "../look.ts";
import { excludedBy, LEAST_PAST, type Tolerated } from "./past.ts";
import { isShownByProbes, type ProbedGuard } from "./probes.ts";
import { acting, limitBefore, marginOf, tailToExclude } from "./tested-limits.ts";
import { goodUntilShown } from "./until-shown.ts";

/** What must be shown yet before the step may pass, in words; null: nothing. `n`: requests of the candidate in this step. */
export function stillToShow(
  guard: Guard,
  mine: GuardEvidence,
  gathered: Gathered,
  look: Look,
  n: number,
): string | null {
  const probed = gathered.probed?.guards[guardId(guard)];
  const withoutPast = pastMissing(guard, mine, look);
  if (withoutPast !== null) return withoutPast;
  if (probed !== undefined && isShownByProbes(probed)) return null;
  return notShown(guard, mine, probed, look, n) ?? fewVisitors(guard, gathered);
}

/** I4: held against a time of which nothing is known, nothing passes. */
function pastMissing(guard: Guard, { past }: GuardEvidence, look: Look): string | null {
  const before = limitBefore(guard);
  // Of other days the verdict itself says that nothing is known.
  if (before === null || before.days !== undefined) return null;
  if (past !== undefined && past.days === undefined && past.n >= LEAST_PAST) return null;
  return `to compare with, ${comparedName(look)} had n = ${formatCount(past?.n ?? 0)} of ${LEAST_PAST} needed in the quarter of an hour before the switch`;
}

/** What is not shown yet, in words; null: it is shown that the candidate is good enough, or nothing demands it. */
function notShown(
  guard: Guard,
  { shown, past }: GuardEvidence,
  probed: ProbedGuard | undefined,
  look: Look,
  n: number,
): string | null {
  // Of what only warns nothing need be shown, but something must be known.
  if (acting(guard).length === 0)
    return n >= guard.minRequests ? null : `n = ${formatCount(n)} of ${formatCount(guard.minRequests)} needed`;
  if (logEvidence(shown.byRate) >= SHOWN || logEvidence(shown.byRatio) >= SHOWN) return null;
  const excluded = excludedBy(guard, past);
  const margin = marginOf(guard) ?? excluded;
  const rate = margin?.rate ?? tailToExclude(guard);
  if (rate === null || (look.stable === null && margin === null)) return "not yet enough to exclude that it is worse";
  const ofRequests = margin === excluded && excluded !== null ? shown.byRatio : shown.byRate;
  const requests = `${formatCount(goodUntilShown(ofRequests, rate))} more good requests`;
  const orProbes =
    probed === undefined ? "" : ` or ${formatCount(goodUntilShown(probed.shown, rate))} more good probes`;
  return `to exclude ${formatPercent(rate)}${beyond(guard, margin, look)} it needs about ${requests}${orProbes}`;
}

/** Of which answers the rate is, where it is not of failed requests. */
function beyond(guard: Guard, margin: Tolerated | null, look: Look): string {
  if (margin === null) return ` beyond ${comparedName(look)}'s ${factsOf(guard).label}`;
  if (margin.limitMs === null) return "";
  return ` slower than ${formatLimit(guard, { kind: "absolute", value: margin.limitMs })}`;
}

/** A comparison of a few visitors is one of who they are. */
function fewVisitors(guard: Guard, { visitors }: Gathered): string | null {
  const compares = acting(guard).some(({ limit }) => limit.kind === "relative");
  if (!compares || visitors === null || visitors >= LEAST_VISITORS) return null;
  return `to compare it needs ${LEAST_VISITORS} different visitors, and ${visitors} came so far`;
}
