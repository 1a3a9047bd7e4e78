import { widthOf } from "./text.ts";

/** Where a screen writes: a terminal, or a test's stand-in. */
export interface ScreenOutput {
  write(text: string): unknown;
  readonly columns: number;
  readonly rows: number;
}

const HIDE_CURSOR = "\u001B[?25l";
const SHOW_CURSOR = "\u001B[?25h";
const CLEAR_LINE = "\u001B[K";
const CLEAR_BELOW = "\u001B[J";
/** Terminals that know it show what lies between at once; the others ignore it. Source: DEC private mode 2026. */
const BEGIN_FRAME = "\u001B[?2026h";
const END_FRAME = "\u001B[?2026l";

/** A block of lines at the end of the terminal that is redrawn in place. Disposing of it leaves the last picture. */
export interface Screen extends Disposable {
  draw(lines: readonly string[]): void;
  /** The last picture, which nothing is drawn over: as tall as it is. */
  last(lines: readonly string[]): void;
  /** A line, or a few, that stay above the block. */
  print(line: string): void;
}

export function openScreen(output: ScreenOutput): Screen {
  let drawn: readonly string[] = [];
  let isOpen = true;
  const restore = (): void => {
    if (isOpen) output.write(SHOW_CURSOR);
    isOpen = false;
  };
  process.once("exit", restore);
  output.write(HIDE_CURSOR);

  const frame = (above: readonly string[], shown: readonly string[]): void => {
    const body = [...above, ...shown].map((line) => `${line}${CLEAR_LINE}\n`).join("");
    output.write(`${BEGIN_FRAME}${back(drawn, output.columns)}${body}${CLEAR_BELOW}${END_FRAME}`);
    drawn = shown;
  };
  return {
    draw(lines) {
      // What is taller than the terminal could not be redrawn: its first lines would have scrolled away.
      const shown = fitting(lines, output);
      if (isOpen && shown.join("\n") !== drawn.join("\n")) frame([], shown);
    },
    last(lines) {
      if (isOpen) frame([], lines);
    },
    print(line) {
      // Each on a row of its own: what stood there before is cleared at the end of a row only.
      if (isOpen) frame(line.split("\n"), drawn);
    },
    [Symbol.dispose]() {
      process.removeListener("exit", restore);
      restore();
    },
  };
}

/** To the first line of the block, as many rows up as it takes at today's width: the user may have made it narrower. */
function back(drawn: readonly string[], columns: number): string {
  const rows = drawn.reduce((sum, line) => sum + rowsOf(line, columns), 0);
  return rows === 0 ? "" : `\u001B[${rows}A\r`;
}

/** As many of the first lines as there are rows for, the last row left to the cursor; one at least. */
function fitting(lines: readonly string[], { columns, rows }: ScreenOutput): readonly string[] {
  let left = rows - 1;
  const over = lines.findIndex((line) => (left -= rowsOf(line, columns)) < 0);
  return over < 0 ? lines : lines.slice(0, Math.max(1, over));
}

function rowsOf(line: string, columns: number): number {
  return Math.max(1, Math.ceil(widthOf(line) / Math.max(1, columns)));
}
