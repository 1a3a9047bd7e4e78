import type { ReadStream } from "node:tty";

const CTRL_C = "\u0003";
const CTRL_D = "\u0004";

/** Calls `onKey` for each key pressed; Ctrl-C and Ctrl-D, which a raw terminal hands over as keys, are `quit`. */
export function readKeys(input: ReadStream, onKey: (key: string) => void): Disposable {
  const read = (data: Buffer): void => {
    for (const key of data.toString("utf8")) onKey(key === CTRL_C || key === CTRL_D ? "quit" : key.toLowerCase());
  };
  input.setRawMode(true);
  input.on("data", read);
  input.resume();
  return {
    [Symbol.dispose]() {
      input.off("data", read);
      input.setRawMode(false);
      input.pause();
    },
  };
}
