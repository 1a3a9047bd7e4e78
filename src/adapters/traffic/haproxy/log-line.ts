import type { Instant } from "../../../core/time/time.ts";

/** One request, as HAProxy logged it when it ended. */
export interface LoggedRequest {
  readonly endedAt: Instant;
  readonly backend: string;
  /** `<NOSRV>` where none was reached. */
  readonly server: string;
  /** −1: no answer. */
  readonly status: number;
  /** The first two letters of the termination state: who ended it, and in which phase; `--` is the usual end. */
  readonly end: string;
  /** From its first byte to the last of the answer. */
  readonly tookMs: number;
  /** Until the head of the answer came, of the last attempt; −1: none did. */
  readonly answeredMs: number;
  readonly isStream: boolean;
  /** Release and revision of the table that it was decided by. */
  readonly release: number;
  readonly revision: number;
  /** The candidate's slot where that was drawn, whoever served it; `pinned`; empty where stable was. */
  readonly drawn: string;
  /** null: none was drawn. */
  readonly cohort: number | null;
  /** crc32 of the visitor's id, if they came with one. */
  readonly key: number | null;
  /** Connection attempts after the first; it was passed on to another server if above 0. */
  readonly retries: number;
  readonly method: string;
  readonly path: string;
}

/** Before the line of the table, which has seven of its own, and the path. */
const BEFORE = 13;
const OF_TABLE = 7;

/** Reads Tidegate's fields at the end of a line; null: they are not there, or cut. */
export function parseLogLine(line: string, mark: string): LoggedRequest | null {
  const at = line.lastIndexOf(mark);
  if (at === -1) return null;
  const cells = line.slice(at + mark.length).split("|");
  const [endedAt, backend = "", server = "", status, end = "", took, answered, stream, drawn = ""] = cells;
  const [cohort, key, retries, method = ""] = cells.slice(9);
  // Where no table decided there is one cell in the place of its seven.
  const isDecided = /^\d+$/.test(cells[BEFORE] ?? "");
  const path = BEFORE + (isDecided ? OF_TABLE : 1);
  const ended = Number(endedAt);
  if (cells.length <= path || !Number.isSafeInteger(ended)) return null;
  return {
    endedAt: ended,
    backend,
    server,
    status: Number(status),
    end,
    tookMs: Math.max(0, Number(took)),
    answeredMs: Number(answered),
    isStream: stream === "stream",
    release: isDecided ? (numberOrNull(cells[path - 1]) ?? 0) : 0,
    revision: isDecided ? (numberOrNull(cells[BEFORE]) ?? 0) : 0,
    drawn: drawn === "-" ? "" : drawn,
    cohort: numberOrNull(cohort),
    key: numberOrNull(key),
    retries: Number(retries?.replace("+", "")),
    method,
    // A path may have the separator in it.
    path: cells.slice(path).join("|"),
  };
}

function numberOrNull(text: string | undefined): number | null {
  return text === undefined || !/^\d+$/.test(text) ? null : Number(text);
}
