import { readlinkSync, renameSync, symlinkSync, unlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** Lets the well-known name lead to this process's own socket, in one step: whoever asks reaches one or the other. */
export function takeName(name: string, ownSocket: string): void {
  const temporary = join(dirname(name), `.${basename(ownSocket)}.link`);
  try {
    unlinkSync(temporary);
  } catch {
    // None was left there.
  }
  symlinkSync(basename(ownSocket), temporary);
  renameSync(temporary, name);
}

/** Removes the name, unless it leads to another process by now. */
export function giveNameUp(name: string, ownSocket: string): void {
  try {
    if (readlinkSync(name) === basename(ownSocket)) unlinkSync(name);
  } catch {
    // It is gone.
  }
}
