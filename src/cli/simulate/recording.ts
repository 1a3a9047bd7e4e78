import { existsSync, readFileSync, statSync } from "node:fs";
import { FaultError } from "../../core/fault.ts";
import type { SecondRow } from "../../core/observation.ts";
import { rowsOfCsv } from "./recording-csv.ts";
import { rowsOfJson } from "./recording-json.ts";

/** Recorded traffic. */
export interface Recording {
  readonly rows: readonly SecondRow[];
  /** What to know of it, in sentences. */
  readonly notes: readonly string[];
  readonly hasLatencies: boolean;
}

const MOST_BYTES = 500_000_000;

/** Reads a CSV of requests, or the data plane's rows, as its socket gives them or one a line. Faults: usage, with file and line. */
export function readRecording(path: string): Recording {
  const text = textOf(path);
  const first = text.trimStart();
  if (first === "") throw refused(path, null, "The file is empty: there is nothing to judge.");
  return first.startsWith("{") ? rowsOfJson(text, path) : rowsOfCsv(text, path);
}

function textOf(path: string): string {
  if (!existsSync(path)) throw refused(path, null, `There is no file "${path}".`);
  const { size } = statSync(path);
  if (statSync(path).isDirectory()) throw refused(path, null, `"${path}" is a folder and no recording.`);
  if (size > MOST_BYTES)
    throw refused(
      path,
      null,
      `"${path}" has ${Math.round(size / 1e6)} MB, and 500 are read at most: give a part of it.`,
    );
  // A file of Excel's begins with a mark of its byte order.
  return readFileSync(path, "utf8").replace(/^\uFEFF/, "");
}

/** `line` counts from 1. */
export function refused(path: string, line: number | null, what: string, fix?: string): FaultError {
  return new FaultError({
    code: "usage",
    what,
    ...(line === null ? {} : { where: `${path}:${line}` }),
    fix:
      fix ??
      "a CSV with the columns time, version, status and latency, or the data plane's rows, as its socket gives them or one a line: docs/simulate.md",
  });
}
