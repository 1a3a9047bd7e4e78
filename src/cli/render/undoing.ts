import { fullStop } from "../../core/text/plain-text.ts";
import { type Evidence, explainEvidence } from "../../core/diagnosis/evidence.ts";
import type { Fault } from "../../core/fault.ts";
import { formatCount } from "../../core/analysis/figures.ts";
import { guardId, isActedOn } from "../../core/plan/guard.ts";
import type { RollbackStatus } from "../../core/status/rollback-status.ts";
import type { Status } from "../../core/status/status.ts";
import { formatDuration } from "../../core/time/time.ts";
import { labelled } from "./labelled.ts";
import { paint, type Style, symbols, type Tone } from "./style.ts";
import { cut, padEnd, widthOf, wrap, wrapItems } from "./text.ts";

/** A rollback, under way or done: why, what was undone and how fast, and the bug that it hands over. */
export function undoing(
  status: Status,
  style: Style,
  around: { readonly exitCode?: number; readonly isStatus?: boolean } = {},
): readonly string[] {
  const { rollback } = status;
  if (rollback === null) return [];
  const stable = status.stable?.label ?? null;
  const seen = rollback.fault?.detail?.slice(-SEEN_LINES) ?? [];
  const why =
    rollback.evidence === null ? [] : explainEvidence(withoutSeen(rollback.evidence, seen), status.candidate.label);
  return [
    ...title(status, rollback, style),
    ...timeline(rollback, stable, style),
    ...facts(status, rollback, stable).map((line) => `  ${line}`),
    ...(rollback.seen === undefined ? [] : wrap(`  ${rollback.seen}`, style.width, "  ")),
    ...(rollback.schema === undefined ? [] : wrap(`  ${rollback.schema}`, style.width, "  ")),
    ...(rollback.fault === null ? [] : said(rollback.fault, seen, style)),
    ...labelled(isAboutFailures(rollback) ? "why" : "found", why, style),
    ...(status.state === "rolled-back" && around.isStatus !== true ? next(status, style, around.exitCode) : []),
  ];
}

function title(status: Status, rollback: RollbackStatus, style: Style): readonly string[] {
  const marks = symbols(style);
  const [words, tone] = ((): readonly [string, Tone] => {
    const { fromSharePercent: from } = rollback;
    if (status.state === "rolled-back") return [`${marks.failed} ROLLED BACK at ${from}%:`, "bad"];
    if (status.state === "failed") return [`${marks.failed} ROLLBACK STOPPED, from ${from}%:`, "bad"];
    if (isLeftPutBack(status)) return [`${marks.running} TRAFFIC PUT BACK from ${from}%:`, "warn"];
    return [`${marks.running} ROLLING BACK from ${from}%:`, "warn"];
  })();
  const found = foundIn(status, rollback);
  const sentence = `${fullStop(rollback.sentence)}${found === null ? "" : ` Found in ${formatDuration(found)}.`}`;
  return wrap(`${words} ${sentence}`, style.width, "  ").map((line, index) =>
    index === 0 && line.startsWith(words) ? paint(style, tone, words) + line.slice(words.length) : line,
  );
}

/** Broken by what fails: routes that fail explain them, and explain nothing of an answer that is slow. */
const OF_FAILURES: readonly string[] = ["errors", "availability", "websockets", "restarts"];

/** A person had reasons of their own, and so has a guard of something else: the title says them, and this is what else is known. */
function isAboutFailures({ by, metric }: RollbackStatus): boolean {
  return by === null && (metric === undefined || OF_FAILURES.includes(metric));
}

/** All traffic is back, and nobody is there to do the rest. */
function isLeftPutBack({ isWatched, sharePercent, rollback }: Status): boolean {
  return !isWatched && sharePercent === 0 && (rollback?.putBackEarly ?? null) !== null;
}

/** A log line that stands there already, of the process that did not start, is no second finding. */
function withoutSeen(evidence: Evidence, seen: readonly string[]): Evidence {
  return { ...evidence, lines: evidence.lines.filter(({ text }) => !seen.some((line) => line.trim() === text.trim())) };
}

/** Of a long log the end, where the reason stands; all of it is in the file that `where` names. */
const SEEN_LINES = 8;

/** What the outside said when a step's own work failed: without it nobody could mend it. */
function said({ where, cause, fix }: Fault, seen: readonly string[], style: Style): readonly string[] {
  return [
    ...(where === undefined ? [] : labelled("where", [where], style)),
    ...(cause === undefined ? [] : labelled("cause", [cause], style)),
    ...labelled(
      "seen",
      seen.map((line) => cut(line, Math.max(20, style.width - 8))),
      style,
    ),
    ...(fix === undefined ? [] : labelled("fix", fix.split("\n"), style)),
  ];
}

/** From the start of the shift that failed to the decision; null where no guard found it: of a crash that is no time to find it. */
function foundIn(status: Status, rollback: RollbackStatus): number | null {
  if (rollback.by !== null || rollback.kind !== "guard") return null;
  return status.steps.find(({ kind, state }) => kind === "shift" && state === "failed")?.tookMs ?? null;
}

function timeline({ undone }: RollbackStatus, stable: string | null, style: Style): readonly string[] {
  const items = undone
    // The last stroke of the pen, and nothing that anybody waits for.
    .filter(({ name, failed }) => name !== "settle-stable" || failed)
    .toSorted((a, b) => a.afterMs - b.afterMs)
    .map(({ name, afterMs, failed, stopped }) => {
      const text = `${after(afterMs)} ${doneInWords(name, stable, stopped)}`;
      return failed ? paint(style, "bad", `${text}: FAILED`) : text;
    });
  return items.length === 0 ? [] : wrapItems(items, style.width, { between: "   ", lead: "  ", indent: "  " });
}

function after(ms: number): string {
  return ms < 60_000 ? `+${(ms / 1_000).toFixed(2)}s` : `+${formatDuration(ms)}`;
}

/** Names of what a rollback does, as the core's undo recipe calls it, for people. */
function doneInWords(
  name: string,
  stable: string | null,
  stopped: RollbackStatus["undone"][number]["stopped"],
): string {
  switch (name) {
    case "put-back-early":
      return `100% on ${stable ?? "stable"}, read back, before the journal could be told`;
    case "share-to-stable":
      return stable === null ? "candidate without traffic, read back" : `100% on ${stable}, read back`;
    case "prepare-stable":
      return `${stable ?? "stable"} prepared`;
    case "start-stable":
      return `${stable ?? "stable"} started again`;
    case "start-stable-workers":
      return `workers of ${stable ?? "stable"} run`;
    case "stop-candidate":
      if (stopped === "none") return "candidate had ended already";
      return stopped === "killed" ? "candidate drained, and killed: it did not end" : "candidate drained and stopped";
    case "stop-twin":
      return "twin stopped";
    case "settle-stable":
      return "table settled";
    case "migrate-back":
      return "schema looked after";
    default:
      return name.startsWith("undo-") ? `undid ${name.slice("undo-".length)}` : name.replaceAll("-", " ");
  }
}

function facts(status: Status, rollback: RollbackStatus, stable: string | null): readonly string[] {
  // Without traffic there was nobody to see an error.
  // What no engine has gathered yet is known as it was at the last change alone.
  const isUnknown = rollback.evidence === null && !status.isWatched;
  const errors = rollback.fromSharePercent === 0 || isUnknown ? null : appErrors(status, rollback);
  const failed = rollback.undone.filter((one) => one.failed).length;
  const parts = [
    ...(errors === null
      ? []
      : [`app errors ${formatCount(errors)}${inWindow(status, errors)}`, ...unanswered(rollback)]),
    ...(failed === 0 ? [] : [`${failed} could not be undone`]),
    ...(status.state === "rolled-back" && stable === null ? ["nothing serves, as before the release"] : []),
  ];
  return parts.length === 0 ? [] : [parts.join(" · ")];
}

/**
 * The sentence above has the figures of the guard's window, and leaves out the seconds in which a share changed; these are
 * all of the release's. Where they differ, which is which is said.
 */
function inWindow({ verdicts }: Status, errors: number): string {
  const decided = verdicts
    .filter(isActedOn)
    .find((one) => guardId(one) === "errors" && one.verdict === "fail")?.figures;
  if (decided?.k === undefined || decided.k >= errors) return "";
  return ` in all, ${formatCount(decided.k)} of them in the ${formatDuration(decided.windowMs)} that decided`;
}

/** Failures of the candidate that people saw; while nothing has been gathered yet, as the guard counted them. */
function appErrors(status: Status, { evidence }: RollbackStatus): number | null {
  if (evidence?.failures !== undefined) return evidence.failures;
  const counted = status.verdicts.find((one) => guardId(one) === "errors")?.figures.k;
  const named = evidence === null ? undefined : evidence.routes.reduce((sum, { bad }) => sum + bad, 0);
  return counted === undefined && named === undefined ? null : Math.max(counted ?? 0, named ?? 0);
}

/**
 * Where every failure is an answer of the app's own, the switching there and back cost nobody anything. Where some are
 * not, a process that died looks the same as a fault of the data plane: then only their number is told.
 */
function unanswered({ evidence }: RollbackStatus): readonly string[] {
  if (evidence?.unanswered === undefined) return [];
  const { candidate, stable } = evidence.unanswered;
  if (candidate + stable === 0) return ["failed by Tidegate 0"];
  return [
    ...(candidate === 0 ? [] : [`${formatCount(candidate)} of them without an answer in time`]),
    ...(stable === 0 ? [] : [`${formatCount(stable)} without an answer in time on stable`]),
  ];
}

function next(status: Status, style: Style, exitCode: number | undefined): readonly string[] {
  const [line = ""] = labelled("next", [`tidegate status ${status.release}`], style);
  if (exitCode === undefined) return [line];
  const right = `exit ${exitCode}`;
  return [padEnd(line, Math.max(widthOf(line) + 2, style.width - right.length)) + paint(style, "dim", right)];
}
