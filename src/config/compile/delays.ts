import { plannedHoldMs } from "../../core/plan/hold-time.ts";
import type { Guard } from "../../core/plan/guard.ts";
import { formatShare } from "../../core/traffic/share.ts";
import { spellDuration } from "../../core/text/units.ts";
import type { PathProblem } from "../reading/problem.ts";
import type { Draft } from "./drafts.ts";
import { layersOf, type Scope } from "./entries.ts";
import { holdOf } from "./steps.ts";

/** Guards that are looked at only when their step should be over: it would always take longer than was planned, or nobody would look. */
export function delaysTooLong(
  draft: Draft,
  guards: readonly Guard[],
  layers: readonly Scope[],
): readonly PathProblem[] {
  if (draft.share === undefined) return [];
  const lasts = plannedHoldMs(holdOf(draft));
  return guards.flatMap((guard): readonly PathProblem[] => {
    const { delayMs = 0 } = guard;
    if (delayMs < lasts || delayMs === 0) return [];
    const entry = layersOf(guard, layers).findLast(({ mine }) => mine !== "off" && mine.delay !== undefined);
    if (entry === undefined || entry.path === null) return [];
    return [
      {
        code: "plan-value-invalid",
        what: `The step at ${formatShare(draft.share?.value ?? 0)} lasts ${spellDuration(lasts)}, so nobody would look at this guard in it before its time is over.`,
        fix: "Write a shorter `delay`, or a longer `for` at the step; `delay: 0s` in the step's own `guards` switches it off there.",
        path: [...entry.path, "delay"],
        on: "value",
      },
    ];
  });
}
