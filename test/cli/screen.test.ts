import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openScreen } from "../../src/cli/render/screen.ts";

const ESCAPE = "\u001B";
/** A sequence, with how many lines it goes up; or one character. */
const SEQUENCE = new RegExp(String.raw`${ESCAPE}\[(?:\?\d+[hl]|(\d+)A|[JK])|[\s\S]`, "g");

/** A terminal that does what this screen's sequences ask: up, clear, write. Lines longer than it is wide wrap. */
function terminal(columns: number, rows = 24) {
  const lines: string[] = [""];
  let row = 0;
  let column = 0;
  let cursor = true;
  const put = (sign: string): void => {
    if (column >= size.columns) newline();
    lines[row] = (lines[row] ?? "").padEnd(column).slice(0, column) + sign + (lines[row] ?? "").slice(column + 1);
    column += 1;
  };
  const newline = (): void => {
    row += 1;
    column = 0;
    lines[row] ??= "";
  };
  const size = {
    columns,
    rows,
    write(text: string): void {
      for (const [part, up] of text.matchAll(SEQUENCE)) {
        if (part === "\u001B[?25l") cursor = false;
        else if (part === "\u001B[?25h") cursor = true;
        else if (up !== undefined) row = Math.max(0, row - Number(up));
        else if (part === "\u001B[K") lines[row] = (lines[row] ?? "").slice(0, column);
        else if (part === "\u001B[J") lines.splice(row + (column > 0 ? 1 : 0));
        else if (part === "\n") newline();
        else if (part === "\r") column = 0;
        else if (!part.startsWith("\u001B")) put(part);
      }
    },
    shown: (): readonly string[] => lines.filter((line) => line !== ""),
    hasCursor: (): boolean => cursor,
    /** The user makes the window narrower: what was one line takes more. */
    narrow(to: number): void {
      size.columns = to;
      const wrapped = lines.flatMap((line) => line.match(new RegExp(`.{1,${to}}`, "g")) ?? [line]);
      lines.splice(0, lines.length, ...wrapped);
      row = lines.length - 1;
    },
  };
  return size;
}

describe("the screen", () => {
  it("draws a picture over the one before, longer or shorter", () => {
    const output = terminal(40);
    using screen = openScreen(output);
    screen.draw(["one", "two", "three"]);
    screen.draw(["eins", "zwei"]);
    assert.deepEqual(output.shown(), ["eins", "zwei"]);
    screen.draw(["a", "b", "c", "d"]);
    assert.deepEqual(output.shown(), ["a", "b", "c", "d"]);
  });

  it("keeps what is printed above the picture", () => {
    const output = terminal(40);
    using screen = openScreen(output);
    screen.draw(["one", "two"]);
    screen.print("this stays");
    screen.draw(["three"]);
    assert.deepEqual(output.shown(), ["this stays", "three"]);
  });

  it("keeps a few lines that are printed at once clean of the picture that stood there", () => {
    const screen = terminal(40);
    const block = openScreen(screen);
    block.draw(["a long line of the picture", "and another one of it"]);
    block.print("what\n  fix  this");
    assert.deepEqual(screen.shown(), ["what", "  fix  this", "a long line of the picture", "and another one of it"]);
    block[Symbol.dispose]();
  });

  it("writes nothing when nothing has changed", () => {
    const output = terminal(40);
    const written: string[] = [];
    using screen = openScreen({ columns: 40, rows: 24, write: (text: string) => written.push(text) });
    screen.draw(["one"]);
    const before = written.length;
    screen.draw(["one"]);
    assert.equal(written.length, before);
    assert.equal(output.hasCursor(), true);
  });

  it("finds its first line again in a window that was made narrower", () => {
    const output = terminal(40);
    using screen = openScreen(output);
    screen.draw(["a line that is longer than twenty", "short"]);
    output.narrow(20);
    screen.draw(["new", "short"]);
    assert.deepEqual(output.shown(), ["new", "short"]);
  });

  it("shows of a picture that is taller than the window only what it can redraw", () => {
    const output = terminal(40, 4);
    using screen = openScreen(output);
    screen.draw(["1", "2", "3", "4", "5", "6"]);
    screen.draw(["a", "b", "c", "d", "e", "f"]);
    assert.deepEqual(output.shown(), ["a", "b", "c"]);
  });

  it("counts a line that wraps as the rows that it takes", () => {
    const output = terminal(10, 4);
    using screen = openScreen(output);
    screen.draw(["0123456789abc", "2", "3"]);
    assert.deepEqual(output.shown(), ["0123456789", "abc", "2"]);
  });

  it("shows the last picture whole, however tall it is", () => {
    const output = terminal(40, 4);
    using screen = openScreen(output);
    screen.draw(["1", "2"]);
    screen.last(["a", "b", "c", "d", "e", "f"]);
    assert.deepEqual(output.shown(), ["a", "b", "c", "d", "e", "f"]);
  });

  it("hides the cursor, and gives it back at its end", () => {
    const output = terminal(40);
    const screen = openScreen(output);
    assert.equal(output.hasCursor(), false);
    screen[Symbol.dispose]();
    assert.equal(output.hasCursor(), true);
    screen.draw(["nothing any more"]);
    assert.deepEqual(output.shown(), []);
  });
});
