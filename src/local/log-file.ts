import { openSync } from "node:fs";
import { open, rename, rm, stat, truncate, type FileHandle } from "node:fs/promises";

/** How much output of one program stays on disk: the current file and `keep` older ones, each at most twice the limit. */
export interface LogBounds {
  readonly limitBytes: number;
  readonly keep: number;
}

export const LOG_BOUNDS: LogBounds = { limitBytes: 10 * 1024 * 1024, keep: 3 };

/** How far from its end a log is read for its last lines. */
const TAIL_BYTES = 512 * 1024;

/**
 * A descriptor for a program's output. A file outlives whoever started the program, but takes nothing when the disk is
 * full (keeper/log-writer.ts). In append mode, so that truncating it leaves no hole.
 */
export function openForAppending(path: string): number {
  return openSync(path, "a", 0o600);
}

/**
 * Moves a grown log into `PATH.1` (and that into `PATH.2`, …) by copying and truncating: the program goes on writing to
 * the same file. What it writes between the last copied byte and the truncation is lost: that is microseconds, unless it
 * writes more than the bound while a rotation lasts.
 */
export async function rotateWhenGrown(path: string, bounds: LogBounds): Promise<boolean> {
  const size = await sizeOf(path);
  if (size <= bounds.limitBytes) return false;
  for (let n = bounds.keep - 1; n >= 1; n--) await rename(`${path}.${n}`, `${path}.${n + 1}`).catch(() => undefined);
  // Of a log that exploded between two looks only its end is kept.
  await copyEnd(path, `${path}.1`, Math.max(0, size - bounds.limitBytes), 2 * bounds.limitBytes);
  await truncate(path, 0);
  return true;
}

export async function removeLog(path: string, bounds: LogBounds): Promise<void> {
  const older = Array.from({ length: bounds.keep }, (_, n) => `${path}.${n + 1}`);
  await Promise.all([path, ...older].map((file) => rm(file, { force: true })));
}

/** The last lines of a log, oldest first, reaching back over its latest rotation; empty when there is none. */
export async function lastLines(path: string, count: number): Promise<readonly string[]> {
  const current = await readEnd(path);
  const lines = linesOf(current);
  if (lines.length >= count) return count === 0 ? [] : lines.slice(-count);
  return [...linesOf(await readEnd(`${path}.1`)), ...lines].slice(-count);
}

function linesOf(text: string): string[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

async function readEnd(path: string): Promise<string> {
  let file: FileHandle;
  try {
    file = await open(path, "r");
  } catch {
    return "";
  }
  try {
    const { size } = await file.stat();
    const from = Math.max(0, size - TAIL_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
    const text = buffer.subarray(0, bytesRead).toString("utf8");
    // Cut in the middle of a line: that one is left out.
    return from === 0 ? text : text.slice(text.indexOf("\n") + 1);
  } finally {
    await file.close();
  }
}

async function copyEnd(from: string, to: string, start: number, atMost: number): Promise<void> {
  const source = await open(from, "r");
  const target = await open(to, "w", 0o600);
  try {
    const chunk = Buffer.alloc(Math.min(atMost, 1024 * 1024));
    // Until nothing more has come meanwhile, so that as little as possible falls into the gap; but not for ever behind
    // a program that writes faster than this reads.
    for (let copied = 0; copied < atMost;) {
      const { bytesRead } = await source.read(chunk, 0, Math.min(chunk.length, atMost - copied), start + copied);
      if (bytesRead === 0) return;
      await target.write(chunk, 0, bytesRead);
      copied += bytesRead;
    }
  } finally {
    await source.close();
    await target.close();
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    return 0;
  }
}
