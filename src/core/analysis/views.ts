import type { Guard } from "../plan/guard.ts";
import { firstSecondOf } from "./delay.ts";
import { rowsOfFeature } from "./feature-rows.ts";
import type { Look } from "./look.ts";
import { addClosed, type StepSums } from "./windows/step-sums.ts";
import { type Windows, windowsOf } from "./windows/window.ts";

/** What one guard sees, and others that see the same: the look without what is not its business, and what was counted in it. */
export interface View {
  readonly look: Look;
  /** All of the step. null: nothing yet. */
  readonly step: StepSums | null;
  /** Its newest spans. */
  readonly windows: Windows;
}

/** By what a guard sees: figures of the step so far. */
export type SumsByView = Readonly<Record<string, StepSums>>;

/** Each view is made but once a look, however many guards share it. */
export function viewsOf(
  look: Look,
  before: SumsByView,
): { readonly viewOf: (guard: Guard) => View; readonly sums: () => SumsByView } {
  const known = new Map<string, View>();
  return {
    viewOf: (guard) => {
      const key = keyOf(guard);
      const mine = lookOf(guard, look);
      const view = known.get(key) ?? {
        look: mine,
        step: look.judge === 1 ? null : addClosed(before[key] ?? null, mine),
        windows: windowsOf(mine),
      };
      known.set(key, view);
      return view;
    },
    sums: () =>
      Object.fromEntries([...known].flatMap(([key, { step }]) => (step === null ? [] : [[key, step] as const]))),
  };
}

/** What a guard sees of a look: of the seconds those that count for it, and of their requests those that it is about. */
export function lookOf(guard: Guard, look: Look): Look {
  const fromSecond = firstSecondOf(guard, look);
  if (guard.feature === undefined) return fromSecond === look.fromSecond ? look : { ...look, fromSecond };
  return { ...look, fromSecond, rows: rowsOfFeature(look.rows, guard.feature) };
}

/** The same for guards that see the same. */
function keyOf({ delayMs = 0, feature = "" }: Guard): string {
  return `${delayMs}:${feature}`;
}
