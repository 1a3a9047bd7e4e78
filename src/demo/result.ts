import { formatCount } from "../core/figures.ts";
import type { Status } from "../core/status.ts";
import type { LoadReport } from "./load-report.ts";
import type { Breakage, Ending } from "./scene.ts";

/** What was seen, from which the result follows. */
export interface Played {
  readonly good: Showing;
  readonly bad: Showing;
  /** null: the load process left none. */
  readonly report: LoadReport | null;
  /** What went wrong beside the releases and the load, one sentence each. */
  readonly troubles: readonly string[];
}

/** One release as it came out. */
export interface Showing {
  readonly ending: Ending;
  /** The last that is known of it. */
  readonly status: Status | null;
  /** By keys. */
  readonly broken: readonly Breakage[];
}

/** The last line of `--json`. null is what could not be measured; then `problemsOf` says why. */
export interface DemoResult {
  readonly type: "demo-finished";
  readonly good: Ending;
  readonly bad: Ending;
  readonly requests: number | null;
  readonly failedRequests: number | null;
  readonly appErrors: number | null;
  readonly lostOrders: number | null;
  /** From the decision to the last request that the bad version began with. */
  readonly rollbackMs: number | null;
  /** Of the visitors who came while it had customers. */
  readonly exposedPercent: number | null;
}

const BAD = "v3";

export function resultOf({ good, bad, report }: Played): DemoResult {
  return {
    type: "demo-finished",
    good: good.ending,
    bad: bad.ending,
    requests: report?.requests ?? null,
    failedRequests: report?.failedRequests ?? null,
    appErrors: report?.appErrors ?? null,
    lostOrders: report?.orders.lost ?? null,
    rollbackMs: rollbackMs(bad, report),
    // A version that answered nobody was seen by nobody.
    exposedPercent: report === null ? null : (report.versions[BAD]?.exposedPercent ?? 0),
  };
}

/** 0 when the last one had begun before the decision already. */
function rollbackMs({ status }: Showing, report: LoadReport | null): number | null {
  const decidedAt = status?.rollback?.decidedAtMs;
  const lastBegunAt = report?.versions[BAD]?.lastBegunAt ?? null;
  if (decidedAt === undefined || lastBegunAt === null) return null;
  return Math.max(0, Math.round(lastBegunAt - decidedAt));
}

/** What is not as it should be, one sentence each; none: the demo has shown what it claims. */
export function problemsOf(played: Played): readonly string[] {
  const { good, bad, report, troubles } = played;
  const result = resultOf(played);
  return [
    ...endingProblems("v2", good, good.broken.length > 0 ? "rolled-back" : "promoted"),
    ...endingProblems("v3", bad, "rolled-back"),
    ...(report === null ? ["The load process left no report, so nothing is known of its requests."] : []),
    ...(report === null ? [] : [...failureProblems(report), ...orderProblems(report)]),
    ...(report !== null && bad.ending === "rolled-back" && result.rollbackMs === null && bad.broken.length === 0
      ? ["v3 never answered a customer, so nothing was seen of how fast it was put back."]
      : []),
    ...troubles,
  ];
}

function endingProblems(version: string, { ending, status, broken }: Showing, wanted: Ending): readonly string[] {
  if (ending === wanted) return [];
  const why = status === null ? "" : `: ${status.sentence.replace(/\.$/, "")}`;
  const pressed = broken.length === 0 ? "" : ` after a key broke it (${broken.join(", ")})`;
  return [`${version} should have been ${inWords(wanted)}${pressed}, and was ${inWords(ending)}${why}.`];
}

export function inWords(ending: Ending): string {
  switch (ending) {
    case "promoted":
    case "held":
      return ending;
    case "rolled-back":
      return "put back";
    case "failed":
      return "left to a person";
    case "not-released":
      return "never released";
  }
}

function failureProblems({ failedRequests, failures, firstFailures }: LoadReport): readonly string[] {
  if (failedRequests === 0) return [];
  const kinds = Object.entries(failures).map(([kind, count]) => `${kind} ${formatCount(count)}`);
  const [first] = firstFailures;
  const example =
    first === undefined
      ? ""
      : `; the first was ${first.what}${first.version === undefined ? "" : ` on ${first.version}`}${first.detail === undefined ? "" : ` (${first.detail})`}`;
  return [`${requestsInWords(failedRequests)} failed: ${kinds.join(", ")}${example}.`];
}

function requestsInWords(count: number): string {
  return `${formatCount(count)} ${count === 1 ? "request" : "requests"}`;
}

function orderProblems({ orders }: LoadReport): readonly string[] {
  if (orders.lost === null) return [`The orders were not checked: ${orders.notChecked ?? "nobody looked"}`];
  if (orders.lost === 0) return [];
  const example = orders.lostIds.slice(0, 3).join(", ");
  return [
    `Of ${formatCount(orders.accepted)} accepted orders ${formatCount(orders.lost)} are not in the store exactly once as they were accepted: ${example}.`,
  ];
}
