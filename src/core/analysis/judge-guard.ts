import { type Guard, guardId, type Verdict } from "../plan/guard.ts";
import { verdictByBurnRate } from "./objective/burn-rate.ts";
import { verdictByEvidence } from "./evidence/by-evidence.ts";
import type { CountedLooks } from "./windows/counted-looks.ts";
import { isIncident } from "./evidence/broken-by-evidence.ts";
import { NO_BLOCKS } from "./gauges/gauge-blocks.ts";
import { verdictOfBlocks } from "./gauges/gauge-limits.ts";
import type { Gathered } from "./evidence/gathered.ts";
import { partsOf } from "./guard-parts.ts";
import { judgePlainly } from "./windows/plain-limits.ts";
import { isSourced } from "./sources/source-figures.ts";
import { judgeSource } from "./sources/source-limits.ts";
import type { Total } from "./evidence/total.ts";
import type { View } from "./views.ts";
import { saysMore } from "./weight-of-verdicts.ts";

/** What is said of a guard. */
export interface Said {
  readonly verdict: Verdict;
  /** Stable breaks the same limits of a rollback, and is no better: then it is the environment's incident. */
  readonly isAsBadOnStable: boolean;
}

/** What a guard says: the worst of what its parts say. Counts this look among those that found the same. null: it has no part. */
export function judgeGuard(
  guard: Guard,
  view: View,
  { gathered, total, looks }: { readonly gathered: Gathered; readonly total: Total; readonly looks: CountedLooks },
): Said | null {
  if (isSourced(guard)) return judgeSource(guard, view, { gathered, looks });
  const { tested, plain, ofBlocks } = partsOf(guard, view.look.judge);
  const { slo } = guard;
  const mine = gathered.guards[guardId(guard)];
  const said: Said[] = [];
  if (tested !== null) {
    const verdict = verdictByEvidence(tested, gathered, view, total);
    const isRollback = verdict.verdict === "fail" && verdict.level === "rollback";
    said.push({ verdict, isAsBadOnStable: isRollback && isIncident(guard, mine, view.look) });
  }
  if (plain !== null) said.push(judgePlainly(plain, view, looks));
  if (slo !== undefined) said.push(ofCandidate(verdictByBurnRate({ ...guard, slo }, mine?.burnt, view.look)));
  if (ofBlocks !== null)
    said.push(ofCandidate(verdictOfBlocks(ofBlocks, gathered.gauges?.[guardId(guard)] ?? NO_BLOCKS, view)));
  return said.reduce<Said | null>(
    (worst, one) => (worst === null || saysMore(one.verdict, worst.verdict) ? one : worst),
    null,
  );
}

function ofCandidate(verdict: Verdict): Said {
  return { verdict, isAsBadOnStable: false };
}
