import { existsSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { isProgram } from "./program.ts";

/** The nearest folder from `from` up to `top` that has one of the files; else `top`. */
export function nearestFolder(from: string, top: string, names: readonly string[]): string {
  for (let folder = from; folder.startsWith(top); folder = dirname(folder)) {
    if (names.some((name) => existsSync(join(folder, name)))) return folder;
    if (folder === dirname(folder)) break;
  }
  return top;
}

/** A program that npm has installed for a version, as its folder's own; else by its name. */
export function installed(name: string, folder: string, top: string): readonly string[] {
  const path = join("node_modules", ".bin", name);
  const at = nearestFolder(folder, top, [path]);
  return isProgram(join(at, path)) ? [relative(folder, join(at, path))] : [name];
}
