import { closeSync, fstatSync, openSync, writeSync } from "node:fs";

/** Writes over a file of SQLite from a byte on, by default behind its header: it opens, and nothing in it can be read. */
export function spoil(path: string, from = 100): void {
  const file = openSync(path, "r+");
  try {
    const { size } = fstatSync(file);
    writeSync(file, Buffer.alloc(size - from, 0xa5), 0, size - from, from);
  } finally {
    closeSync(file);
  }
}
