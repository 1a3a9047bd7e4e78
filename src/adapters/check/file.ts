import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { CheckResult } from "../../core/plan/checklist.ts";
import type { CheckOf, CheckSettings } from "./checker.ts";

/** Of a larger file only so much is searched. */
const SEARCHED_BYTES = 256 * 2 ** 20;

/** A file (or folder) exists, and holds a text. Paths are relative to the plan file's folder. */
export async function checkFile(
  { path, contains }: CheckOf<"file">,
  signal: AbortSignal,
  { directory }: CheckSettings,
): Promise<CheckResult> {
  const place = resolve(directory, path);
  const found = await stat(place).catch((error: NodeJS.ErrnoException) => error.code ?? error.message);
  if (typeof found === "string") {
    return {
      passed: false,
      detail: found === "ENOENT" ? `${path} does not exist` : `${path} can't be read (${found})`,
    };
  }
  if (contains === undefined) return { passed: true, detail: `${path} exists` };
  // Opening a pipe would wait for somebody to write into it.
  if (!found.isFile()) return { passed: false, detail: `${path} is not a file, so nothing can be looked for in it` };
  const holds = await searches(place, Buffer.from(contains), signal);
  return { passed: holds, detail: `${path} ${holds ? "contains" : "does not contain"} "${contains}"` };
}

async function searches(place: string, wanted: Buffer, signal: AbortSignal): Promise<boolean> {
  let end: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(place, { end: SEARCHED_BYTES, signal })) {
    const window = Buffer.concat([end, chunk as Buffer]);
    if (window.includes(wanted)) return true;
    // The text may begin in one chunk and end in the next.
    end = wanted.length > 1 ? window.subarray(-(wanted.length - 1)) : Buffer.alloc(0);
  }
  return false;
}
