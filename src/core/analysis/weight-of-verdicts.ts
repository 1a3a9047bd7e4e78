import type { GuardLevel, Verdict, VerdictKind } from "../plan/guard.ts";

type Weight = VerdictKind | GuardLevel | `${Exclude<VerdictKind, "pass" | "fail">}, overdue`;

/** From what says least to what says most. A warning lets pass, and so what can't be told says more: it keeps a step from passing. */
const WEIGHTS: readonly Weight[] = [
  "pass",
  "warn",
  "inconclusive",
  "inconclusive, overdue",
  "no-data",
  "no-data, overdue",
  "source-down",
  "source-down, overdue",
  "fail",
  "hold",
  "rollback",
];

/** Of two verdicts on one guard, whether the one is to be told rather than the other. */
export function saysMore(one: Verdict, other: Verdict): boolean {
  return WEIGHTS.indexOf(weightOf(one)) > WEIGHTS.indexOf(weightOf(other));
}

function weightOf({ verdict, level, isOverdue }: Verdict): Weight {
  switch (verdict) {
    case "fail":
      return level ?? "fail";
    case "pass":
      return "pass";
    case "inconclusive":
    case "no-data":
    case "source-down":
      return isOverdue === true ? `${verdict}, overdue` : verdict;
  }
}
