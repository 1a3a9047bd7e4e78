import { FASTEST_BURN, HOLDING_BURN } from "../../core/analysis/objective/burn-rate.ts";
import { dayInWords, formatCount, formatFigure, formatLimit, formatPercent } from "../../core/analysis/figures.ts";
import {
  factsOf,
  type Guard,
  type GuardLevel,
  guardLabel,
  isActedOn,
  isOfRequests,
  type Limit,
} from "../../core/plan/guard.ts";
import { formatDuration } from "../../core/time/time.ts";

const VERBS: Readonly<Record<GuardLevel, string>> = { warn: "warns", hold: "holds", rollback: "rolls back" };

/** `errors: rolls back at 1%; p95: warns at 1s, rolls back at 2x`. */
export function guardsSentence(guards: readonly Guard[]): string {
  return guards
    .map((guard) => {
      const { limits, slo } = guard;
      const levels = (["warn", "hold", "rollback"] as const).flatMap((level) => {
        const ofLevel = limits[level];
        return ofLevel === undefined || ofLevel.length === 0
          ? []
          : [
              `${VERBS[level]} at ${ofLevel.map((limit) => `${limitWords(guard, limit)}${ofWhen(limit)}`).join(" and ")}`,
            ];
      });
      const objective =
        slo === undefined
          ? []
          : [
              `objective ${formatFigure(guard, slo)} (rolls back at ${FASTEST_BURN}x its pace, holds at ${HOLDING_BURN}x)`,
            ];
      const excludes = guard.promote === undefined ? [] : [`passes once ${formatPercent(guard.promote)} is excluded`];
      const terms = [
        ...(guard.delayMs === undefined ? [] : [`after ${formatDuration(guard.delayMs)}`]),
        ...windowWords(guard),
        ...(isActedOn(guard) ? [] : ["dry run"]),
      ];
      const aside = terms.length === 0 ? "" : ` (${terms.join(", ")})`;
      return `${guardLabel(guard)}${aside}: ${[...levels, ...objective, ...excludes].join(", ")}`;
    })
    .join("; ");
}

/** As in the plan, where a limit over a window is `> 1%`: it acts by other rules than `1%`, which is tested with evidence. */
function limitWords(guard: Guard, limit: Limit): string {
  const text = formatLimit(guard, limit);
  if (limit.kind !== "plain") return text;
  return `${factsOf(guard).worse === "higher" ? ">" : "<"} ${text}`;
}

/** What a limit over a window counts, and how often it is broken in a row before it acts. */
function windowWords({ limits, windowMs, minRequests, breaches, failures, ...of }: Guard): readonly string[] {
  if (!Object.values(limits).some((limit) => limit.some(({ kind }) => kind === "plain"))) return [];
  return [
    // Without one it is the figure of the moment.
    ...(windowMs === 0 ? [] : [`over ${formatDuration(windowMs)}`]),
    ...(isOfRequests(of) ? [`from ${formatCount(minRequests)} requests on`] : []),
    `${breaches === 1 ? "at once" : `${breaches} times in a row`}${failures === undefined ? "" : ` or ${failures} in all`}`,
  ];
}

function ofWhen(limit: Limit): string {
  if (limit.kind !== "before") return "";
  return limit.days === undefined ? " of before" : ` of ${dayInWords(limit.days)}`;
}
