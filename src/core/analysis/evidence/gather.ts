import type { SecondRow } from "../../observation.ts";
import { type Guard, type GuardId, guardId, isOfRequests } from "../../plan/guard.ts";
import { burntSince } from "../objective/budget.ts";
import { countSecond } from "./count-second.ts";
import { type Gathered, type GuardEvidence, NO_EVIDENCE } from "./gathered.ts";
import type { Look } from "../look.ts";
import { heldAgainstDayBefore } from "./day-before.ts";
import { beforeSwitch, rateBefore } from "./past.ts";
import { countProbes, NOTHING_PROBED } from "./probes.ts";
import { secondsOfBoth } from "./seconds.ts";
import { daysBeforeOf, isRateCompared } from "./tested-limits.ts";
import { lookOf } from "../views.ts";

/** Counts what has come since the last look. */
export function gather(before: Gathered, look: Look): Gathered {
  const now = gatherSeconds(before, look);
  return look.probes === undefined ? now : { ...now, probed: countProbes(before.probed ?? NOTHING_PROBED, look) };
}

/** The seconds that have closed. A second that is missing on either side compares nothing. */
function gatherSeconds(before: Gathered, look: Look): Gathered {
  const from = Math.max(look.fromSecond, (before.upTo ?? Number.NEGATIVE_INFINITY) + 1);
  if (look.sourceDown !== null || from > look.toSecond) return before;
  const guards: Record<GuardId, GuardEvidence> = { ...before.guards };
  const seconds = secondsOfBoth(look.rows, look, from, look.toSecond);
  const newest = seconds.at(-1)?.second ?? null;
  for (const guard of look.guards) {
    if (!isOfRequests(guard)) continue;
    const view = lookOf(guard, look);
    const begin = Math.max(from, view.fromSecond);
    if (begin > look.toSecond) continue;
    const looked =
      view.rows === look.rows
        ? seconds.filter(({ second }) => second >= begin)
        : secondsOfBoth(view.rows, look, begin, look.toSecond);
    const known = withUsual(guard, withPast(guard, guards[guardId(guard)] ?? NO_EVIDENCE, view), view, begin);
    const mine = looked.reduce((evidence, both) => {
      const past = heldAgainstDayBefore(guard, evidence.past, view, both.second);
      return countSecond(guard, past === undefined ? evidence : { ...evidence, past }, both, view);
    }, known);
    guards[guardId(guard)] =
      guard.slo === undefined
        ? mine
        : { ...mine, burnt: burntSince(mine.burnt, guard, looked, { from: begin, to: look.toSecond }) };
  }
  const shifts = seconds.flatMap(({ candidate }) => (candidate?.visitors === undefined ? [] : [candidate.visitors]));
  return {
    ...before,
    upTo: newest ?? before.upTo,
    visitors: visitorsIn(
      [...seconds.flatMap(({ candidate }) => candidate ?? []), ...whoCameMeanwhile(before, look, newest)],
      before.visitors,
    ),
    shifts: [...before.shifts, ...shifts],
    guards,
  };
}

/** What stable did before the switch is taken once: nothing that comes later changes what the candidate is held against. */
function withPast(guard: Guard, mine: GuardEvidence, look: Look): GuardEvidence {
  const isHeldAgainstDay = daysBeforeOf(guard) !== null;
  if (isHeldAgainstDay || look.switched === undefined) return mine;
  // What another step was held against is none of this one's.
  const { past: known, ...others } = mine;
  if (known !== undefined && known.days === undefined) return mine;
  const past = beforeSwitch(guard, look, look.switched);
  return past === null ? others : { ...others, past };
}

/** Asked once, before the release has begun to change anything. */
function withUsual(guard: Guard, mine: GuardEvidence, look: Look, begin: number): GuardEvidence {
  return mine.usual !== undefined || !isRateCompared(guard) ? mine : { ...mine, usual: rateBefore(guard, look, begin) };
}

function visitorsIn(candidate: readonly SecondRow[], before: number | null): number | null {
  return candidate.reduce<number | null>((sum, { newVisitors }) => {
    return newVisitors === undefined ? sum : (sum ?? 0) + newVisitors;
  }, before);
}

/** A share is in force so long before the step that waits for it begins. */
const IN_FORCE_BEFORE_SECONDS = 2;

/**
 * What was answered in seconds in which a share changed is no evidence, but who came then came: a visitor is new once, and
 * most of those who ask often come in the very second in which they are let in.
 */
function whoCameMeanwhile({ upTo }: Gathered, look: Look, newest: number | null): readonly SecondRow[] {
  if (newest === null) return [];
  const from = upTo === null ? look.fromSecond - IN_FORCE_BEFORE_SECONDS : upTo + 1;
  return look.rows.filter(
    ({ version, second, mixed }) => mixed && version === look.candidate && second >= from && second < newest,
  );
}
