import {
  type Figures,
  type Guard,
  GUARD_LEVELS,
  guardId,
  type GuardLevel,
  namedAs,
  type Verdict,
} from "../../plan/guard.ts";
import type { CountedLooks } from "./counted-looks.ts";

/** One look of a guard over its window, and those before it. */
export interface PlainLook {
  readonly guard: Guard;
  readonly figures: Figures;
  readonly looks: CountedLooks;
}

/** What is said of a limit that is broken: not by one look, but by `breaches` in a row, or by `failures` in all of the step. */
export function whenBroken(
  look: PlainLook,
  sentence: string,
  { level, isAsBad }: { readonly level: GuardLevel; readonly isAsBad: boolean },
): Verdict {
  const { guard, looks } = look;
  const inRow = looks.again(kindOf(guard, level));
  // What stable breaks as well is no failure of the candidate's.
  if (guard.failures !== undefined && !isAsBad) looks.oneMore(kindOf(guard, level));
  if (inRow >= guard.breaches) return say(look, "fail", sentence, { level });
  return (
    tooManyInStep(look, sentence) ??
    say(look, "inconclusive", `${sentence} (broken ${inRow} of ${guard.breaches} looks)`)
  );
}

/** What is said while no limit is broken: `found` is what this look alone says. */
export function whenUnbroken(
  look: PlainLook,
  sentence: string,
  [verdict, said]: readonly ["pass" | "inconclusive", string],
): Verdict {
  const tooMany = tooManyInStep(look, sentence);
  if (tooMany !== null) return tooMany;
  if (verdict === "inconclusive") return cantTell(look, verdict, said);
  const { successes = 1 } = look.guard;
  const good = look.looks.again(kindOf(look.guard, "good"));
  return good >= successes
    ? say(look, "pass", said)
    : say(look, "inconclusive", `${said} (good ${good} of ${successes} looks)`);
}

/** What is said where nothing can be told. After so many of them in a row as the plan has patience for it is overdue; never a failure. */
export function cantTell(
  look: PlainLook,
  verdict: "inconclusive" | "no-data" | "source-down",
  sentence: string,
): Verdict {
  const { guard, figures, looks } = look;
  const isOfSource = verdict === "source-down";
  // Before the first second is known there is nothing that could tell.
  if (!isOfSource && figures.windowMs === 0) return say(look, verdict, sentence);
  const inRow = looks.again(kindOf(guard, isOfSource ? "source" : "unclear"));
  const most = isOfSource ? guard.sourceErrors : guard.inconclusive;
  return most === undefined || inRow < most
    ? say(look, verdict, sentence)
    : say(look, verdict, `${sentence} (${inRow} looks in a row)`, { isOverdue: true });
}

/** That a limit was broken so often in this step stays true when it is not broken now. */
function tooManyInStep(look: PlainLook, sentence: string): Verdict | null {
  const { guard, looks } = look;
  if (guard.failures === undefined) return null;
  for (const level of GUARD_LEVELS) {
    const count = looks.inStep(kindOf(guard, level));
    if (count >= guard.failures)
      return say(look, "fail", `${sentence} (broken in ${count} looks of this step)`, { level });
  }
  return null;
}

function say(
  { guard, figures }: PlainLook,
  verdict: Verdict["verdict"],
  sentence: string,
  more: Partial<Verdict> = {},
): Verdict {
  return { ...namedAs(guard), verdict, sentence, figures, ...more };
}

function kindOf(guard: Guard, found: GuardLevel | "good" | "unclear" | "source"): string {
  return `${guardId(guard)}:${found}`;
}
