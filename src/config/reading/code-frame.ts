import { HIDDEN } from "../../core/text/redact.ts";
import type { Source } from "./located.ts";
import { lineAndColumn, lineStart } from "./position.ts";
import { secretsIn, type Span } from "./written-secrets.ts";

const FRAME_WIDTH = 100;

/**
 * The line, and under it carets for the part from `start` to `end` (or to the line's end). Secrets that stand in the line are
 * hidden (I8): what this shows goes to terminals, to `--json` and to the logs of pipelines. `secrets`: places of the source
 * that are known to hold one.
 */
export function codeFrame(
  source: Source,
  start: number,
  end: number,
  secrets: readonly Span[] = [],
): readonly string[] {
  const { line, column } = lineAndColumn(source, start);
  const from = lineStart(source, line);
  const newline = source.text.indexOf("\n", from);
  const whole = source.text.slice(from, newline < 0 ? undefined : newline).replace(/\r$/, "");
  const known = secrets.map(([first, after]): Span => [first - from, after - from]);
  const marked = { text: whole, start: column - 1, end: Math.max(column, end - from) };
  return drawn(`${line} | `, hidden(marked, [...known, ...secretsIn(whole)]));
}

/** A line, and the part of it that the carets stand under. */
interface Marked {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

function hidden(line: Marked, secrets: readonly Span[]): Marked {
  // From the last to the first, so that the places of those before stay true.
  return joined(line.text, secrets).reduceRight(({ text, start, end }, [first, after]) => {
    const moved = (at: number, within: number): number =>
      at <= first ? at : at >= after ? at - (after - first) + HIDDEN.length : within;
    return {
      text: `${text.slice(0, first)}${HIDDEN}${text.slice(after)}`,
      start: moved(start, first),
      end: moved(end, first + HIDDEN.length),
    };
  }, line);
}

/** Within the line, in order, and none within another. */
function joined(line: string, spans: readonly Span[]): readonly Span[] {
  const inside = spans
    .map(([first, after]): Span => [Math.max(0, first), Math.min(line.length, after)])
    .filter(([first, after]) => first < after)
    .sort(([a], [b]) => a - b);
  return inside.reduce<Span[]>((all, span) => {
    const last = all.at(-1);
    if (last === undefined || span[0] > last[1]) return [...all, span];
    return [...all.slice(0, -1), [last[0], Math.max(last[1], span[1])]];
  }, []);
}

function drawn(gutter: string, { text, start, end }: Marked): readonly string[] {
  // A long line is shown from shortly before the mistake.
  const from = start >= FRAME_WIDTH ? start - FRAME_WIDTH / 2 : 0;
  const shown = text.slice(from, from + FRAME_WIDTH);
  const lead = shown.slice(0, start - from).replaceAll(/[^\t]/g, " ");
  const length = Math.max(1, Math.min(end, from + shown.length) - start);
  // One sign for each, so that the carets stand below what they mean.
  const quiet = shown.replaceAll(/(?!\t)\p{Cc}/gu, "\u{FFFD}");
  return [`${gutter}${quiet}`, `${" ".repeat(gutter.length - 2)}| ${lead}${"^".repeat(length)}`];
}
