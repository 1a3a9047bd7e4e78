import { mkdirSync, mkdtempSync, rmdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * Makes a folder with those above it, each readable as `mode` says; one that is there stays as it is. Not with Node's
 * `recursive`: where the system says ENOENT although the folder above is there, as below /proc, that tries for ever.
 */
export function makeFolder(path: string, mode: number): void {
  if (isFolder(path)) return;
  if (dirname(path) !== path) makeFolder(dirname(path), mode);
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    // Another process may have made it in the same moment.
    if (!isFolder(path)) throw error;
  }
}

/** Why no folder can be made in this one, by making one and taking it away again; null: it can. */
export function whyNothingCanBeMadeIn(folder: string): string | null {
  try {
    rmdirSync(mkdtempSync(join(folder, ".tidegate-try-")));
    return null;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    return `the system makes no folder in ${folder} (${code})`;
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
