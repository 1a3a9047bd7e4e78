import { type Guard, guardLabel, isOfProcesses, METRICS, QUANTILES } from "../../core/plan/guard.ts";
import { formatPercent } from "../../core/analysis/figures.ts";
import type { PathProblem } from "../reading/problem.ts";
import { type Scope, writtenIn } from "./entries.ts";

const OF_PLAIN = [
  "window",
  "minRequests",
  "minEvents",
  "breaches",
  "failures",
  "inconclusive",
  "sourceErrors",
  "successes",
] as const;

/** Keys that would change nothing: those of plain limits where there is none, and what a metric can't have. */
export function keysWithoutUse(scopes: readonly Scope[], guards: readonly Guard[]): readonly PathProblem[] {
  return scopes.flatMap((scope) =>
    writtenIn(scope).flatMap((entry) => {
      const { metric, mine, path } = entry;
      const told = (key: string, what: string, fix: string): PathProblem => ({
        code: "plan-value-invalid",
        what,
        fix,
        path: [...path, key],
        on: "key",
      });
      const label = guardLabel(entry);
      const plain = isPlain(entry, guards)
        ? []
        : OF_PLAIN.filter((key) => mine[key] !== undefined).map((key) =>
            told(
              key,
              `\`${key}\` is for limits over a window, and ${label} has none.`,
              `Write the limit as \`"> ${METRICS[metric].unit === "ms" ? "1s" : "1%"}"\`, or remove \`${key}\`.`,
            ),
          );
      const isRate = !isOfProcesses(metric) && QUANTILES[metric] === undefined;
      const promote =
        mine.promote === undefined
          ? []
          : !isRate
            ? [told("promote", `\`promote\` is a rate, and ${label} is none.`, "Remove it.")]
            : mine.promote > 0 && mine.promote < 1
              ? []
              : [
                  told(
                    "promote",
                    `A rate of ${formatPercent(mine.promote)} can't be excluded.`,
                    "Write more than 0% and less than 100%: `1%` takes some 450 good requests.",
                  ),
                ];
      const source =
        mine.sourceErrors === undefined || !isOfProcesses(metric)
          ? []
          : [
              told(
                "sourceErrors",
                `\`sourceErrors\` is for figures of the data plane, and ${label} is known of the processes themselves.`,
                "Remove it.",
              ),
            ];
      return [...plain, ...promote, ...source];
    }),
  );
}

/** Of what only warns nothing is shown, so it asks for a number of requests as a window does. */
function isPlain({ metric, feature }: Pick<Guard, "metric" | "feature">, guards: readonly Guard[]): boolean {
  if (isOfProcesses(metric) || metric === "availability") return true;
  return guards.some(
    ({ metric: mine, feature: part, limits }) =>
      mine === metric &&
      part === feature &&
      (Object.values(limits).some((list) => list.some(({ kind }) => kind === "plain")) ||
        (Object.keys(limits).length > 0 && Object.keys(limits).every((level) => level === "warn"))),
  );
}
