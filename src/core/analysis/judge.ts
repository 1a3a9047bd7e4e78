import { type Guard, type GuardLevel, isActedOn } from "../plan/guard.ts";
import { countLooks, type LookCounts } from "./windows/counted-looks.ts";
import { notYet, restartsBefore, withRestarts } from "./delay.ts";
import { gather } from "./evidence/gather.ts";
import { forNextStep, type Gathered, NOTHING_GATHERED } from "./evidence/gathered.ts";
import { watchGauges } from "./gauges/gauge-blocks.ts";
import { judgeGuard, type Said } from "./judge-guard.ts";
import type { Judged, Look } from "./look.ts";
import { whileTwinIsAway } from "./while-twin-is-away.ts";
import { totalAlone, totalOf } from "./evidence/total.ts";
import { type SumsByView, type View, viewsOf } from "./views.ts";

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
export function judge(before: JudgeState, look: Look): Judgement {
  const { viewOf, sums } = viewsOf(look, before.step);
  const gathered = gatherAll(before.gathered, look, viewOf);
  const looks = countLooks(before.breaches, gathered.brokenLooks ?? {});
  const total = totalOf(gathered, look);
  const restarts = restartsBefore(before.restartsBefore ?? {}, look);
  const judged = (guard: Guard): Said | null => {
    const silent = notYet(guard, look);
    if (silent !== null) return { verdict: silent, isAsBadOnStable: false };
    const ofAll = isActedOn(guard) ? total : totalAlone(guard, gathered, look);
    const one = judgeGuard(guard, withRestarts(viewOf(guard), guard, restarts), { gathered, total: ofAll, looks });
    return one === null ? null : { ...one, verdict: whileTwinIsAway(one.verdict, guard, look) };
  };
  const said = look.guards.flatMap((guard): readonly Said[] => {
    const one = judged(guard);
    if (one === null) return [];
    return [isActedOn(guard) ? one : triedOut(one)];
  });
  const brokenLooks = looks.totals();
  const state: JudgeState = {
    breaches: looks.rows(),
    gathered: Object.keys(brokenLooks).length === 0 ? gathered : { ...gathered, brokenLooks },
    step: sums(),
    restartsBefore: restarts,
  };
  return {
    state,
    verdicts: said.map(({ verdict }) => verdict),
    stableVerdicts: said.filter(({ isAsBadOnStable }) => isAsBadOnStable).map(({ verdict }) => verdict),
  };
}

function gatherAll(before: Gathered, look: Look, viewOf: (guard: Guard) => View): Gathered {
  if (look.judge === 1) return before;
  const gathered = gather(before, look);
  const looked = look.guards.filter((guard) => notYet(guard, look) === null);
  const gauges = watchGauges(gathered.gauges ?? {}, looked, viewOf);
  return Object.keys(gauges).length === 0 ? gathered : { ...gathered, gauges };
}

/** What it would have done is part of what it says, and nothing follows from it. */
function triedOut({ verdict }: Said): Said {
  const would = verdict.verdict === "fail" && verdict.level !== undefined ? `, it would ${WOULD[verdict.level]}` : "";
  return {
    verdict: { ...verdict, dryRun: true, sentence: `${verdict.sentence} (dry run${would})` },
    isAsBadOnStable: false,
  };
}

const WOULD: Readonly<Record<GuardLevel, string>> = { warn: "warn", hold: "hold", rollback: "roll back" };
