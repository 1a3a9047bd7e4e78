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
  /** A line that stays, above the block. */
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

  const frame = (above: readonly string[], lines: readonly string[]): void => {
    // What is taller than the terminal could not be redrawn: its first lines would have scrolled away.
    const shown = lines.slice(0, Math.max(1, output.rows - 1));
    const body = [...above, ...shown].map((line) => `${line}${CLEAR_LINE}\n`).join("");
    output.write(`${BEGIN_FRAME}${back(drawn, output.columns)}${body}${CLEAR_BELOW}${END_FRAME}`);
    drawn = shown;
  };
  return {
    draw(lines) {
      if (isOpen && lines.join("\n") !== drawn.join("\n")) frame([], lines);
    },
    print(line) {
      if (isOpen) frame([line], drawn);
    },
    [Symbol.dispose]() {
      process.removeListener("exit", restore);
      restore();
    },
  };
}

/** To the first line of the block, as many rows up as it takes at today's width: the user may have made it narrower. */
function back(drawn: readonly string[], columns: number): string {
  const rows = drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / Math.max(1, columns))), 0);
  return rows === 0 ? "" : `\u001B[${rows}A\r`;
}
