import { FASTEST_BURN } from "../analysis/objective/burn-rate.ts";
import { formatPercent } from "../analysis/figures.ts";
import { limitRate } from "../analysis/evidence/tested-limits.ts";
import { misread, type Parsed, parsed } from "../text/units.ts";
import { isOfProcesses, type Metric, METRICS, QUANTILES } from "./guard.ts";
import { parseWritten } from "./limit.ts";

/** How an objective of a metric is written. */
export const OBJECTIVES: Readonly<Record<Metric, string>> = {
  errors: "0.1%",
  availability: "99.9%",
  p50: "200ms",
  p95: "500ms",
  p99: "1s",
  websockets: "1%",
  cpu: "80%",
  memory: "90%",
  restarts: "2",
};

/**
 * An objective (SLO) as people write it for one metric: `0.1%` of errors, `99.9%` available, a p95 of `500ms`. What can't burn as
 * fast as is acted on would never be.
 */
export function parseObjective(metric: Metric, written: string | number): Parsed<number> {
  const { label } = METRICS[metric];
  if (isOfProcesses(metric))
    return misread(
      `\`slo\` is about requests, and ${label} is not.`,
      "Write it for errors, availability, p95, p99 or websockets.",
    );
  const like = `Objectives of ${label} are written as \`${OBJECTIVES[metric]}\`.`;
  const limit = parseWritten(metric, written);
  if (!limit.ok) return misread(limit.what, like);
  if (limit.value.kind !== "absolute") return misread(`\`${String(written)}\` is a limit and no objective.`, like);
  const { value } = limit.value;
  const budget = limitRate({ metric }, value);
  if (budget <= 0)
    return misread(`\`${String(written)}\` leaves nothing that may fail, and so no budget to burn.`, like);
  if (budget * FASTEST_BURN < 1) return parsed(value);
  return QUANTILES[metric] === undefined
    ? misread(
        `With \`${String(written)}\` as objective for ${label} ${formatPercent(budget)} may fail, so no failure burns that ${FASTEST_BURN} times as fast.`,
        metric === "errors" ? `${like} Or write \`availability: { slo: 99.9% }\`.` : like,
      )
    : misread(
        `Half of all answers may take longer than an objective for ${label}, so nothing burns that ${FASTEST_BURN} times as fast.`,
        "Write it for p95 or p99.",
      );
}
