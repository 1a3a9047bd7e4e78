import { formatCount } from "../../core/analysis/figures.ts";
import type { PartName, Rehearsal, RehearsedStep } from "../../core/rehearsal/rehearsal.ts";
import { onOneLine } from "../../core/text/plain-text.ts";
import { type Duration, formatDuration, SECOND } from "../../core/time/time.ts";
import { labelled } from "./labelled.ts";
import { paint, type Style, symbols } from "./style.ts";
import { cut, padStart, wrap } from "./text.ts";

const TITLES: Readonly<Record<PartName, string>> = {
  copy: "the copy of the database",
  stable: "what serves now",
  "there-and-back": "the release, and back",
  whole: "the release, to its end",
  recovery: "full recovery: the database from the backup, and the old version on it",
};

export function partTitle(name: PartName, style: Style): string {
  return paint(style, "strong", TITLES[name]);
}

/** `✔    6.9s  backup restore`; what a release takes longer for, and what came of it, stand behind. */
export function stepLine({ name, state, tookMs, insteadOfMs, note = "" }: RehearsedStep, style: Style): string {
  const { passed, failed } = symbols(style);
  const mark = state === "passed" ? paint(style, "good", passed) : paint(style, "bad", failed);
  const instead = insteadOfMs === undefined ? "" : ` (${formatDuration(insteadOfMs)} in a release)`;
  const [first = "", ...more] = wrap(
    `${name}${instead}${note === "" ? "" : `: ${note}`}`,
    Math.max(20, style.width - INDENT),
  );
  return [
    `${mark} ${padStart(formatDuration(tookMs), 8)}  ${first}`,
    ...more.map((line) => " ".repeat(INDENT) + line),
  ].join("\n");
}

/** What goes on now, on one line; its time in whole seconds, so that it changes no more often than that. */
export function liveLine(step: string, said: string, sinceMs: Duration, style: Style): string {
  const took = padStart(formatDuration(Math.floor(sinceMs / SECOND) * SECOND), 8);
  const words = onOneLine(`${step}${said === "" ? "" : `: ${said}`}`, 500);
  return `${paint(style, "active", symbols(style).running)} ${took}  ${cut(words, Math.max(20, style.width - INDENT))}`;
}

const INDENT = 12;

/** The last word. */
export function rehearsalLines(rehearsal: Rehearsal, path: string | null, style: Style): readonly string[] {
  const { passed, trouble, rollback, recovery, requests, leftOut, tookMs } = rehearsal;
  const { passed: good, failed: bad } = symbols(style);
  const title = passed
    ? `${paint(style, "good", `${good} REHEARSED`)} in ${formatDuration(tookMs)}`
    : `${paint(style, "bad", `${bad} FAILED`)} after ${formatDuration(tookMs)}${trouble === null ? "" : ` at "${trouble.step}": ${trouble.fault.what}`}`;
  const sent = `${formatCount(requests.sent)} ${requests.sent === 1 ? "request" : "requests"}, ${formatCount(requests.failed)} failed, ${formatCount(requests.appErrors)} answered with 5xx`;
  return [
    "",
    ...wrap(title, style.width),
    ...(trouble?.fault.where === undefined ? [] : labelled("where", [trouble.fault.where], style)),
    ...(trouble?.fault.cause === undefined ? [] : labelled("cause", [trouble.fault.cause], style)),
    ...(trouble?.fault.detail === undefined ? [] : labelled("seen", trouble.fault.detail, style)),
    ...(trouble?.fault.fix === undefined ? [] : labelled("fix", [trouble.fault.fix], style)),
    ...(rollback === null ? [] : labelled("back", [rollbackSentence(rollback)], style)),
    ...(recovery === null
      ? []
      : labelled(
          "full",
          [
            `full recovery with the database: ${formatDuration(recovery.wholeMs)} (${formatDuration(recovery.restoreMs)} to restore ${formatCount(recovery.rows)} rows, ${formatDuration(recovery.startMs)} to start the old version)`,
          ],
          style,
        )),
    ...labelled("load", [sent], style),
    ...labelled(
      "not",
      leftOut.map(({ what, why }) => `${what}: ${why}`),
      style,
    ),
    ...(path === null ? [] : labelled("kept", [path], style)),
  ];
}

function rollbackSentence({
  fromSharePercent,
  trafficMs,
  lastRequestMs,
  wholeMs,
  schema,
}: NonNullable<Rehearsal["rollback"]>): string {
  const last =
    lastRequestMs === null
      ? ""
      : lastRequestMs <= 0
        ? "; no request began on it after that decision"
        : `; the last request began on it ${formatDuration(lastRequestMs)} after the decision`;
  return `from ${fromSharePercent}% in ${formatDuration(trafficMs)}, read back${last}; all undone after ${formatDuration(wholeMs)}. ${schema ?? ""}`.trim();
}
