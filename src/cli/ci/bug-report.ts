import { type Evidence, type RouteEvidence } from "../../core/diagnosis/evidence.ts";
import type { Status } from "../../core/status/status.ts";
import { fullStop } from "../../core/text/plain-text.ts";
import { formatDuration } from "../../core/time/time.ts";

const MOST_LINES = 10;
const MOST_COMMITS = 20;

/** The bug that a rollback hands over, or what a person is needed for, in Markdown; null: the release went well. */
export function bugReport(status: Status): string | null {
  const { state, rollback, candidate, environment, app, release } = status;
  if (state === "live" || state === "closed") return null;
  if (rollback === null) {
    const words = state === "failed" ? "failed and needs a person" : "waits for a person";
    return [
      `### Release ${release} of ${code(app)} ${words}`,
      "",
      `${code(candidate.label)} in **${environment}**: ${text(fullStop(status.fault?.what ?? status.sentence))}`,
      "",
      `Next: \`tidegate status ${release}\``,
      "",
    ].join("\n");
  }
  const { evidence } = rollback;
  return [
    `### ${code(candidate.label)} was ${state === "rolled-back" ? "rolled back" : "to be rolled back, which stopped"} in ${environment}`,
    "",
    `Release ${release} of ${code(app)}, at **${rollback.fromSharePercent}%** of the traffic: ${text(fullStop(rollback.sentence))}`,
    ...(state === "rolled-back"
      ? [`All traffic is on ${code(status.stable?.label ?? "nothing")}${howFast(status)}.`]
      : []),
    ...(rollback.fault === null ? [] : ["", block([rollback.fault.what, ...(rollback.fault.detail ?? [])])]),
    ...(evidence === null ? [] : found(evidence)),
    "",
    `Next: \`tidegate status ${release}\`, mend it, release again.`,
    "",
  ].join("\n");
}

function howFast({ rollback }: Status): string {
  const back = rollback?.undone.find(({ name, failed }) => name === "share-to-stable" && !failed);
  return back === undefined ? "" : `, ${formatDuration(back.afterMs)} after the decision`;
}

function found({ routes, lines, commits, missing }: Evidence): readonly string[] {
  return [
    ...(routes.length === 0
      ? []
      : [
          "",
          "| route | answer | failures | of stable in the same time |",
          "|---|---|---|---|",
          ...routes.map(routeRow),
        ]),
    ...(lines.length === 0
      ? []
      : [
          "",
          "New in its log:",
          "",
          block(
            lines
              .slice(0, MOST_LINES)
              .map((line) => (line.frame === undefined ? line.text : `${line.text}  (${line.frame})`)),
          ),
        ]),
    ...(commits.length === 0
      ? []
      : [
          "",
          `${commits.length} ${commits.length === 1 ? "commit" : "commits"} between:`,
          "",
          ...commits.slice(0, MOST_COMMITS).map((subject) => `- ${text(subject)}`),
        ]),
    ...(missing.length === 0 ? [] : ["", ...missing.map((sentence) => `_${text(sentence)}_`)]),
  ];
}

function routeRow({ route, status, bad, stableBad }: RouteEvidence): string {
  return `| ${code(route)} | ${status === 0 ? "none" : status} | ${bad} | ${stableBad} |`;
}

/** What the app and its commits say is shown as it is: it calls nobody, links nowhere and ends no table. */
function text(raw: string): string {
  return raw
    .replaceAll(/[\\`*_[\]<>#|~]/g, String.raw`\$&`)
    .replaceAll("@", "@\u200b")
    .replaceAll(/\s+/g, " ");
}

function code(raw: string): string {
  return `\`${raw.replaceAll("`", "'").replaceAll("|", "¦").replaceAll(/\s+/g, " ")}\``;
}

/** Indented, so that no line of a log can end it. */
function block(lines: readonly string[]): string {
  return lines.map((line) => `    ${line.replaceAll(/\s*\n\s*/g, " ")}`).join("\n");
}
