import { formatCount, formatPercent } from "../../core/analysis/figures.ts";
import type { Replayed } from "../../core/forecast/replay.ts";
import type { Decided, ReplayedGuard } from "../../core/forecast/replayed-comparison.ts";
import { onOneLine, withoutControls } from "../../core/text/plain-text.ts";
import { formatDuration, SECOND } from "../../core/time/time.ts";
import type { ReplayedRecording } from "../simulate/replay-recording.ts";
import { catchWords } from "./catch-words.ts";
import { labelled } from "./labelled.ts";
import { paint, type Style } from "./style.ts";
import { padEnd, padStart, wrap } from "./text.ts";

/** When recorded traffic would have been judged bad, and by what. */
export function replayView(recording: ReplayedRecording, style: Style): readonly string[] {
  const { replayed, candidate, stable, catches, notes } = recording;
  return [
    ...wrap(sentence(recording), style.width).map((line) => paint(style, "strong", line)),
    "",
    ...table(replayed, style),
    "",
    // Names come from the file, and must not speak to the terminal.
    ...labelled(
      "span",
      [`${shortName(onOneLine(candidate))} beside ${shortName(onOneLine(stable))}, ${span(replayed)}`],
      style,
    ),
    ...labelled("power", [powerOf(catches, replayed)], style),
    ...labelled("note", notes.map(withoutControls), style),
  ];
}

/** A commit by as much of its hash as people read; `--candidate` takes that too. */
function shortName(version: string): string {
  return version.replace(/^([0-9a-f]{7})[0-9a-f]{33}(?=$|~)/, "$1");
}

function powerOf(catches: ReplayedRecording["catches"], { whole, watchedSeconds }: Replayed): string {
  const words = catchWords(catches);
  if (words === null) return "stable fails so often that nothing can be much worse";
  return whole.seconds === watchedSeconds
    ? `so much traffic and time catches ${words}`
    : `all that is recorded of it, ${formatDuration(whole.seconds * SECOND)}, catches ${words}`;
}

function sentence({ replayed, acts }: ReplayedRecording): string {
  const { decided, guards, logTotal, watchedSeconds } = replayed;
  const evidence = `evidence ${formatEvidence(logTotal)} (acts at ${formatCount(acts)})`;
  const guard = guards.find((one) => one.guard === decided?.guard);
  const watched = formatDuration(watchedSeconds * SECOND);
  return guard === undefined || decided === null
    ? `It would not have rolled back in ${watched}: ${evidence}.`
    : `It would have rolled back after ${watched}, by ${figures(guard, decided)}, ${evidence}.`;
}

/** `errors 5.9% (4/68) against 0.08% (1/1 302) in the last 10s` */
function figures({ guard, limit }: ReplayedGuard, { counted, seconds }: Decided): string {
  const name =
    limit === null
      ? "errors"
      : `answers slower than ${ms(limit.candidateMs)} (of stable than ${ms(limit.stableMs)}, its ${guard}):`;
  const within = seconds === null ? "" : ` in the last ${formatDuration(seconds * SECOND)}`;
  return `${name} ${rate(counted.bad, counted.n)} against ${rate(counted.badStable, counted.nStable)}${within}`;
}

function rate(bad: number, n: number): string {
  return n === 0 ? "none seen" : `${formatPercent(bad / n)} (${formatCount(bad)}/${formatCount(n)})`;
}

const HEADS = ["candidate", "stable", "evidence"];
/** At least; a column is as wide as its widest cell. */
const WIDTHS = [18, 26, 26, 16];
const GAP = 2;

function table({ guards }: Replayed, style: Style): readonly string[] {
  const rows = guards.map(({ guard, counted, limit, logEvidence }) => [
    guard === "errors" ? "errors" : `slower than ${guard}`,
    rate(counted.bad, counted.n) + (limit === null ? "" : ` above ${ms(limit.candidateMs)}`),
    rate(counted.badStable, counted.nStable) + (limit === null ? "" : ` above ${ms(limit.stableMs)}`),
    counted.n === 0 || counted.nStable === 0 ? "-" : formatEvidence(logEvidence),
  ]);
  const widths = WIDTHS.map((least, column) => Math.max(least, ...rows.map((row) => GAP + (row[column] ?? "").length)));
  const line = ([name = "", ...cells]: readonly string[]): string =>
    `  ${padEnd(name, widths[0] ?? 0)}${cells.map((cell, index) => padStart(cell, widths[index + 1] ?? 0)).join("")}`;
  return [paint(style, "dim", line(["", ...HEADS])), ...rows.map(line)];
}

function span({ from, to, gaps, watchedSeconds }: Replayed): string {
  const missing = gaps.reduce((sum, { seconds }) => sum + seconds, 0);
  const left =
    missing === 0
      ? ""
      : `; nothing is recorded for ${formatDuration(missing * SECOND)} of the time in between (${gaps.length === 1 ? "one gap" : `${gaps.length} gaps`}), which counts for nothing`;
  return `${instant(from)} to ${instant(to)}, ${formatDuration(watchedSeconds * SECOND)}${left}`;
}

function instant(second: number): string {
  return new Date(second * SECOND).toISOString().replace(".000", "").replace("T", " ");
}

function ms(value: number): string {
  return value < 10 ? `${Number(value.toPrecision(2))}ms` : formatDuration(value);
}

const MOST = 1e6;

/** The evidence itself, for people; ln of it is kept, because it can be larger than any number. */
function formatEvidence(log: number): string {
  const value = Math.exp(log);
  if (value >= MOST) return "over a million";
  return value < 100 ? String(Number(value.toPrecision(2))) : formatCount(value);
}
