import { guardId } from "../../core/plan/guard.ts";
import { paint, type Style, symbols } from "../../cli/render/style.ts";
import { padEnd, wrap } from "../../cli/render/text.ts";
import { explainEvidence } from "../../core/diagnosis/evidence.ts";
import { formatCount } from "../../core/analysis/figures.ts";
import { formatDuration } from "../../core/time/time.ts";
import { cutByCrashes } from "../problems.ts";
import { type DemoResult, inWords, type Played, type Showing } from "../result.ts";

/** How the demo came out. */
export interface Outcome {
  readonly played: Played;
  readonly result: DemoResult;
  /** None: everything is as it should be. */
  readonly problems: readonly string[];
  readonly tookMs: number;
  /** How to look at what was kept; null: all of it is gone. */
  readonly kept: string | null;
}

/** The last words to people: what was served, what became of each version, who saw the bad one, what to do next. */
export function closingLines(outcome: Outcome, style: Style): readonly string[] {
  const { played, result, problems, tookMs, kept } = outcome;
  return [
    ...headline(result, problems, tookMs, style),
    ...rows("served", [servedSentence(played, result)], style),
    ...rows("v2", [goodSentence(played.good)], style),
    ...rows("v3", badSentences(played.bad), style),
    ...rows("seen by", [exposureSentence(played, result)], style),
    ...rows("back", [backSentence(result)], style),
    ...(problems.length === 0 ? [] : rows("wrong", problems, style)),
    ...(kept === null ? [] : rows("kept", [kept], style)),
    ...rows("next", ["in your own service's folder: tidegate init"], style),
  ];
}

const LABEL_WIDTH = 10;

/** Paragraphs behind a short word, later lines under the first. */
function rows(label: string, paragraphs: readonly string[], style: Style): readonly string[] {
  const lines = paragraphs.flatMap((text) => wrap(text, Math.max(20, style.width - LABEL_WIDTH - 2)));
  return lines.map((line, index) => `  ${paint(style, "dim", padEnd(index === 0 ? label : "", LABEL_WIDTH))}${line}`);
}

function headline(result: DemoResult, problems: readonly string[], tookMs: number, style: Style): readonly string[] {
  const marks = symbols(style);
  const isWell = problems.length === 0;
  const text = `${isWell ? success(result) : "NOT AS IT SHOULD BE."} It took ${formatDuration(Math.round(tookMs / 1_000) * 1_000)}.`;
  const line = `${isWell ? marks.passed : marks.failed} ${text}`;
  return wrap(line, style.width, "  ").map((part) => paint(style, isWell ? "good" : "bad", part));
}

function success({ good, failedRequests }: DemoResult): string {
  if (good !== "promoted") return "What you broke and what was bad was put back by itself.";
  // A key may have made v3 crash, with requests on it.
  return failedRequests === 0
    ? "v2 went live, v3 was put back by itself, and nobody's request was lost."
    : "v2 went live, and v3 was put back by itself.";
}

function servedSentence(played: Played, { requests, failedRequests, lostOrders }: DemoResult): string {
  const { report } = played;
  if (report === null || requests === null || failedRequests === null) return "unknown: the load left no report";
  const orders = formatCount(report.orders.accepted);
  const lost =
    lostOrders === null
      ? `${orders} orders accepted, not looked up`
      : `${orders} orders accepted, ${formatCount(lostOrders)} lost`;
  const { opened, dropped } = report.webSockets;
  const cut = cutByCrashes(played);
  const failed = `${formatCount(failedRequests)} failed${cut === 0 ? "" : ` (${formatCount(cut)} cut off by the crash)`}`;
  return `${formatCount(requests)} requests, ${failed}; ${lost}; ${formatCount(opened)} WebSockets, ${formatCount(dropped)} dropped`;
}

function goodSentence({ ending, status, broken }: Showing): string {
  const took =
    status?.liveAtMs === null || status === null
      ? ""
      : ` after ${formatDuration(status.liveAtMs - status.plannedAtMs)}`;
  if (ending === "promoted") {
    const work = status === null ? "" : `, ${formatDuration(status.deploymentMs)} of it work and the rest watching`;
    return `promoted${took}${work}`;
  }
  const by = broken.length === 0 ? "" : ` after a key broke it (${broken.join(", ")})`;
  return `${inWords(ending)}${by}: ${status?.rollback?.sentence ?? status?.sentence ?? "nothing is known of it"}`;
}

function badSentences({ ending, status, broken }: Showing): readonly string[] {
  const { rollback = null } = status ?? {};
  if (rollback === null) return [`${inWords(ending)}: ${status?.sentence ?? "nothing is known of it"}`];
  const by = broken.length === 0 ? "" : ` (a key broke it further: ${broken.join(", ")})`;
  const [why] = rollback.evidence === null ? [] : explainEvidence({ ...rollback.evidence, routes: [] }, "v3");
  return [
    `${inWords(ending)} at ${rollback.fromSharePercent}%${by}: ${rollback.sentence}`,
    ...(why === undefined ? [] : [why]),
  ];
}

function exposureSentence({ report, bad }: Played, { exposedPercent, appErrors }: DemoResult): string {
  if (report === null || exposedPercent === null || appErrors === null) return "unknown";
  const v3 = report.versions["v3"];
  if (v3 === undefined) return "nobody: it never had customers";
  return `${exposedPercent}% of the visitors: ${formatCount(v3.requests)} requests in all, ${formatCount(v3.appErrors)} answered with an error of its own${ofThose(bad, v3.appErrors)}`;
}

/** The judge's sentence has fewer: only those of the seconds that it decided by, without those in which the share changed. */
function ofThose({ status }: Showing, appErrors: number): string {
  const decided = status?.verdicts.find((one) => guardId(one) === "errors" && one.verdict === "fail")?.figures;
  if (decided?.k === undefined || decided.k >= appErrors) return "";
  return `, ${formatCount(decided.k)} of them counted in the ${formatDuration(decided.windowMs)} that decided`;
}

function backSentence({ rollbackMs }: DemoResult): string {
  return rollbackMs === null
    ? "nothing to measure"
    : `${formatDuration(rollbackMs)} from the decision to the last request that v3 began with`;
}
