import { formatCount, formatPercent } from "../../core/analysis/figures.ts";
import type { Replayed, ReplayedGuard } from "../../core/forecast/replay.ts";
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
    ...labelled("span", [`${candidate} beside ${stable}, ${span(replayed)}`], style),
    ...labelled("power", [powerOf(catches)], style),
    ...labelled("note", notes, style),
  ];
}

function powerOf(catches: ReplayedRecording["catches"]): string {
  const words = catchWords(catches);
  return words === null
    ? "stable fails so often that nothing can be much worse"
    : `so much traffic and time catches ${words}`;
}

function sentence({ replayed, acts }: ReplayedRecording): string {
  const { decidedBy, guards, logTotal, watchedSeconds } = replayed;
  const evidence = `evidence ${formatEvidence(logTotal)} (acts at ${formatCount(acts)})`;
  const guard = guards.find((one) => one.guard === decidedBy);
  const watched = formatDuration(watchedSeconds * SECOND);
  return guard === undefined
    ? `It would not have rolled back in ${watched}: ${evidence}.`
    : `It would have rolled back after ${watched}, by ${figures(guard)}, ${evidence}.`;
}

/** `errors 5.9% (4/68) against 0.08% (1/1 302)` */
function figures({ guard, counted, limitMs }: ReplayedGuard): string {
  const name = limitMs === null ? "errors" : `answers slower than stable's ${guard} of ${ms(limitMs)}:`;
  return `${name} ${rate(counted.bad, counted.n)} against ${rate(counted.badStable, counted.nStable)}`;
}

function rate(bad: number, n: number): string {
  return n === 0 ? "none seen" : `${formatPercent(bad / n)} (${formatCount(bad)}/${formatCount(n)})`;
}

const HEADS = ["candidate", "stable", "evidence"];
const WIDTHS = [24, 26, 12];

function table({ guards }: Replayed, style: Style): readonly string[] {
  const row = (name: string, cells: readonly string[]): string =>
    `  ${padEnd(name, 24)}${cells.map((cell, column) => padStart(cell, WIDTHS[column] ?? 0)).join("")}`;
  return [
    paint(style, "dim", row("", HEADS)),
    ...guards.map(({ guard, counted, limitMs, logEvidence }) =>
      row(guard === "errors" ? "errors" : `slower than ${guard}${limitMs === null ? "" : `, ${ms(limitMs)}`}`, [
        rate(counted.bad, counted.n),
        rate(counted.badStable, counted.nStable),
        counted.n === 0 || counted.nStable === 0 ? "-" : formatEvidence(logEvidence),
      ]),
    ),
  ];
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
