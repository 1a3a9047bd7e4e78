import { temporaryFolder, type TemporaryFolder } from "../../test/support/temporary-folder.ts";
import { atTheEnd } from "./endings.ts";

/** A folder of its own, gone when it is disposed of or a signal ends the program. */
export function scratchFolder(): TemporaryFolder {
  const folder = temporaryFolder();
  const ending = atTheEnd(() => folder[Symbol.asyncDispose]());
  return { ...folder, [Symbol.asyncDispose]: () => ending[Symbol.asyncDispose]() };
}
