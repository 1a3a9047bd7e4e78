import {
  type Guard,
  GUARD_LEVELS,
  type GuardLevel,
  guardId,
  isActedOn,
  type Limit,
  type Verdict,
  type VerdictKind,
} from "../plan/guard.ts";
import { isBrokenOnStable, verdictByEvidence } from "./by-evidence.ts";
import { verdictByBurnRate } from "./burn-rate.ts";
import { notYet, restartsIn, withRestarts } from "./delay.ts";
import { gather } from "./gather.ts";
import { forNextStep, type Gathered, NOTHING_GATHERED } from "./gathered.ts";
import { type Gauges, watchGauge } from "./gauge-blocks.ts";
import { verdictOfBlocks } from "./gauge-limits.ts";
import type { Judged, Look } from "./look.ts";
import { countLooks, type LookCounts } from "./counted-looks.ts";
import { judgePlainly } from "./plain-limits.ts";
import { isOfBlocks, isTested } from "./tested-limits.ts";
import { totalAlone, totalOf } from "./total.ts";
import { type SumsByView, viewsOf } from "./views.ts";

/** What the judge keeps between two looks. */
export interface JudgeState {
  /** Looks in a row, by what they found (plain-limits.ts). */
  readonly breaches: LookCounts;
  readonly gathered: Gathered;
  /** For the figures that people are told; empty: none of this step yet. No evidence, so no checkpoint keeps them. */
  readonly step: SumsByView;
  /** Crashes by instance up to which those don't count of a guard that was not looked at so far. Absent: there is none. */
  readonly restartsBefore?: Look["restartsBefore"];
}

/** Where a release begins. */
export const FRESH_JUDGE: JudgeState = { breaches: {}, gathered: NOTHING_GATHERED, step: {} };

/** Another step, or another try of it: what speaks against the candidate stays. */
export function judgeNextStep({ gathered }: JudgeState): JudgeState {
  return { breaches: {}, gathered: forNextStep(gathered), step: {} };
}

/** What a look at all guards says, and the state for the next. */
export interface Judgement extends Judged {
  readonly state: JudgeState;
}

/** One look at all guards. Call it once a second with the state of the look before. */
export function judge({ breaches, gathered, step, restartsBefore = {} }: JudgeState, look: Look): Judgement {
  const now = look.judge === 1 ? gathered : gather(gathered, look);
  const looks = countLooks(breaches, now.brokenLooks ?? {});
  const { viewOf, sums } = viewsOf(look, step);
  const total = totalOf(now, look);
  const verdicts: Verdict[] = [];
  const stableVerdicts: Verdict[] = [];
  let restarts = restartsBefore;
  let gauges: Gauges = now.gauges ?? {};
  for (const guard of look.guards) {
    const silent = notYet(guard, look);
    if (silent !== null) {
      if (guard.metric === "restarts") restarts = restartsIn(look);
      verdicts.push(isActedOn(guard) ? silent : triedOut(silent));
      continue;
    }
    const view = withRestarts(viewOf(guard), guard, restarts);
    const parts = partsOf(guard, look.judge);
    const plain = parts.plain === null ? null : judgePlainly(parts.plain, view, looks);
    const ofAll = isActedOn(guard) ? total : totalAlone(guard, now, look);
    const byEvidence = parts.tested === null ? null : verdictByEvidence(parts.tested, now, view, ofAll);
    const { slo } = guard;
    const burning =
      slo === undefined ? null : verdictByBurnRate({ ...guard, slo }, now.guards[guardId(guard)]?.burnt, look);
    let ofBlocks: Verdict | null = null;
    if (parts.ofBlocks !== null) {
      const blocks = watchGauge(gauges[guard.metric], guard, view);
      gauges = { ...gauges, [guard.metric]: blocks };
      ofBlocks = verdictOfBlocks(parts.ofBlocks, blocks, view);
    }
    const verdict = [plain?.verdict ?? null, burning, ofBlocks].reduce(worse, byEvidence);
    if (verdict === null) continue;
    verdicts.push(isActedOn(guard) ? verdict : triedOut(verdict));
    if (!isActedOn(guard)) continue;
    const isAsBad =
      verdict === byEvidence
        ? verdict.verdict === "fail" &&
          verdict.level === "rollback" &&
          isBrokenOnStable(guard, now.guards[guardId(guard)])
        : verdict === plain?.verdict && plain.isAsBadOnStable;
    if (isAsBad) stableVerdicts.push(verdict);
  }
  const brokenLooks = looks.totals();
  const state: JudgeState = {
    breaches: looks.rows(),
    gathered: {
      ...now,
      ...(Object.keys(brokenLooks).length === 0 ? {} : { brokenLooks }),
      ...(Object.keys(gauges).length === 0 ? {} : { gauges }),
    },
    step: sums(),
    restartsBefore: restarts,
  };
  return { state, verdicts, stableVerdicts };
}

/** What it would have done is part of what it says. */
function triedOut(verdict: Verdict): Verdict {
  const would = verdict.verdict === "fail" && verdict.level !== undefined ? `, it would ${WOULD[verdict.level]}` : "";
  return { ...verdict, dryRun: true, sentence: `${verdict.sentence} (dry run${would})` };
}

const WOULD: Readonly<Record<GuardLevel, string>> = { warn: "warn", hold: "hold", rollback: "roll back" };

interface Parts {
  /** Levels whose limits are all tested with evidence. */
  readonly tested: Guard | null;
  /** Those of CPU and memory that are compared, or looked at for their growth. */
  readonly ofBlocks: Guard | null;
  /** The others, which are looked at over a window. */
  readonly plain: Guard | null;
}

function partsOf(guard: Guard, judgeVersion: Look["judge"]): Parts {
  if (judgeVersion === 1) return { plain: guard, tested: null, ofBlocks: null };
  const levels = Object.entries(guard.limits) as [GuardLevel, NonNullable<Guard["limits"][GuardLevel]>][];
  const kindOf = (limits: readonly Limit[]): keyof Parts =>
    limits.some((limit) => isOfBlocks(guard, limit))
      ? "ofBlocks"
      : limits.every((limit) => isTested(guard, limit))
        ? "tested"
        : "plain";
  const part = (kind: keyof Parts): Guard | null => {
    const wanted = levels.filter(([, limits]) => kindOf(limits) === kind);
    return wanted.length === 0 ? null : { ...guard, limits: Object.fromEntries(wanted) };
  };
  return { plain: part("plain"), tested: part("tested"), ofBlocks: part("ofBlocks") };
}

const ORDER: readonly VerdictKind[] = ["pass", "inconclusive", "no-data", "source-down", "fail"];
/** From what says least to what says most. */
const LEVELS: readonly (GuardLevel | undefined)[] = [undefined, ...GUARD_LEVELS.toReversed()];

/** A warning lets pass what nothing else keeps. */
function worse(one: Verdict | null, other: Verdict | null): Verdict | null {
  if (one === null || other === null) return one ?? other;
  const rank = ({ verdict, level, isOverdue }: Verdict): number =>
    verdict === "fail" && level === "warn"
      ? 0.5
      : ORDER.indexOf(verdict) + LEVELS.indexOf(level) / 10 + (isOverdue === true ? 0.5 : 0);
  return rank(other) > rank(one) ? other : one;
}
