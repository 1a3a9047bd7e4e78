import { fullStop } from "../core/text/plain-text.ts";
import { formatCount } from "../core/analysis/figures.ts";
import type { FailureSeen, LoadReport } from "./load-report.ts";
import { inWords, type Played, resultOf, type Showing } from "./result.ts";
import type { Ending } from "./show/scene.ts";

/** What is not as it should be, one sentence each; none: the demo has shown what it claims. */
export function problemsOf(played: Played): readonly string[] {
  const { good, bad, report, troubles } = played;
  return [
    ...endingProblems("v2", good, good.broken.length > 0 ? "rolled-back" : "promoted"),
    ...endingProblems("v3", bad, "rolled-back"),
    ...(report === null
      ? ["The process that plays the customers left no report, so nothing is known of their requests."]
      : [...failureProblems(played, report), ...orderProblems(report), ...unseenProblems(played)]),
    ...troubles,
  ];
}

function endingProblems(
  version: string,
  { ending, status, fault, broken }: Showing,
  wanted: Ending,
): readonly string[] {
  if (ending === wanted) return [];
  const pressed = broken.length === 0 ? "" : `, because a key broke it (${broken.join(", ")})`;
  const why = fault?.what ?? status?.sentence ?? "Tidegate ended without a word";
  return [`${version} should have been ${inWords(wanted)}${pressed}; it was ${inWords(ending)}: ${fullStop(why)}`];
}

/**
 * How many of the failed requests were on a process at the moment at which a key made it crash: nobody can answer those
 * any more, and a POST must not be sent twice.
 */
export function cutByCrashes({ good, bad, report }: Played): number {
  const isCut = ({ at, version }: FailureSeen): boolean =>
    [good, bad].some(
      ({ crashes, status }) =>
        crashes !== null &&
        at >= crashes.from &&
        at <= crashes.until &&
        (version === undefined || version === status?.candidate.label),
    );
  return report?.firstFailures.filter(isCut).length ?? 0;
}

function failureProblems(played: Played, { failedRequests, failures, firstFailures }: LoadReport): readonly string[] {
  if (failedRequests === cutByCrashes(played)) return [];
  const kinds = Object.entries(failures).map(([kind, count]) => `${kind} ${formatCount(count)}`);
  const requests = `${formatCount(failedRequests)} ${failedRequests === 1 ? "request" : "requests"}`;
  const [first] = firstFailures;
  const example = first === undefined ? "" : `; the first was ${failureInWords(first)}`;
  return [`${requests} failed: ${kinds.join(", ")}${example}.`];
}

function failureInWords({ what, version, detail }: FailureSeen): string {
  const where = version === undefined ? "" : ` on ${version}`;
  return `${what}${where}${detail === undefined ? "" : ` (${detail.trim()})`}`;
}

function orderProblems({ orders }: LoadReport): readonly string[] {
  if (orders.lost === null) return [`The orders were not checked: ${fullStop(orders.notChecked ?? "nobody looked")}`];
  if (orders.lost === 0) return [];
  const ids = orders.lostIds.slice(0, 3).join(", ");
  return [
    `Of ${formatCount(orders.accepted)} accepted orders ${formatCount(orders.lost)} are not in the store exactly once as they were accepted: ${ids}.`,
  ];
}

/** A version that never had a customer shows nothing of how fast it is taken away from them. */
function unseenProblems(played: Played): readonly string[] {
  const { bad } = played;
  if (bad.ending !== "rolled-back" || bad.broken.length > 0 || resultOf(played).rollbackMs !== null) return [];
  return ["v3 never answered a customer, so nothing was seen of how fast it is put back."];
}
