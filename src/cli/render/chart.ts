import { paint, type Style } from "./style.ts";
import { padEnd, padStart } from "./text.ts";

const HEIGHT = 5;
const BLOCKS = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"] as const;

export interface Chart {
  /** From left to right, 0 … 1. */
  readonly values: readonly number[];
  /** What the left end, the middle and the right end stand for. */
  readonly marks: readonly [string, string, string];
}

/** Values as bars from 0 to 100 %, one a column. */
export function chart({ values, marks }: Chart, style: Style): readonly string[] {
  const rows = Array.from({ length: HEIGHT }, (_, index) => {
    const floor = HEIGHT - 1 - index;
    const label = index === 0 ? "100%" : "";
    const bars = values.map((value) => sign(value * HEIGHT - floor, style)).join("");
    return `${paint(style, "dim", padStart(label, 6))} ${edge(style)}${paint(style, "active", bars.trimEnd())}`;
  });
  const [left, middle, right] = marks;
  const half = Math.floor(values.length / 2);
  const axis = `${padEnd(left, half - Math.floor(middle.length / 2))}${middle}`;
  const foot = `${axis}${padStart(right, Math.max(1, values.length - axis.length))}`;
  return [...rows, paint(style, "dim", `     0 ${edge(style)}${foot}`)];
}

/** A cell that is filled from below by so much. */
function sign(filled: number, style: Style): string {
  const part = Math.max(0, Math.min(1, filled));
  if (!style.unicode) return part > 0.66 ? "#" : part > 0.33 ? "+" : part > 0.05 ? "." : " ";
  // What is there at all is shown.
  return BLOCKS[part > 0 ? Math.max(1, Math.round(part * 8)) : 0] ?? " ";
}

function edge(style: Style): string {
  return style.unicode ? "│" : "|";
}
