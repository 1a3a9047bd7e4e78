import { StringDecoder } from "node:string_decoder";
import { withoutControls } from "../../core/text/plain-text.ts";

/** Kept of one line while it comes; more is dropped as it arrives. */
const LONGEST_RAW = 16 * 1024;
const LONGEST_SHOWN = 500;

/** The last lines of any number of streams, in memory that does not grow with what they write. */
export class LineTail {
  readonly #keep: number;
  readonly #lines: string[] = [];
  readonly #ends: (() => void)[] = [];

  constructor(keep: number) {
    this.#keep = keep;
  }

  /** Takes what one stream writes; lines of several streams keep the order in which they ended. */
  stream(): (chunk: Buffer) => void {
    const decoder = new StringDecoder("utf8");
    let open = "";
    const add = (text: string): void => {
      let from = 0;
      for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", from)) {
        this.#push(open + text.slice(from, Math.min(end, from + LONGEST_RAW)));
        open = "";
        from = end + 1;
      }
      open = (open + text.slice(from, from + LONGEST_RAW)).slice(0, LONGEST_RAW);
    };
    this.#ends.push(() => {
      add(decoder.end());
      if (open !== "") this.#push(open);
      open = "";
    });
    return (chunk) => add(decoder.write(chunk));
  }

  /** The lines so far, oldest first, cleaned of control characters and then of secrets; unfinished ones too. */
  lines(redact: (text: string) => string): readonly string[] {
    for (const end of this.#ends) end();
    return this.#lines.map((line) => {
      const clean = redact(withoutControls(overwritten(line)).trimEnd());
      return clean.length > LONGEST_SHOWN ? `${clean.slice(0, LONGEST_SHOWN - 1)}…` : clean;
    });
  }

  #push(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > this.#keep) this.#lines.shift();
  }
}

/** What a terminal would show of a line that returns to its start (progress bars). */
function overwritten(line: string): string {
  return (
    line
      .trimEnd()
      .split("\r")
      .findLast((part) => part !== "") ?? ""
  );
}
