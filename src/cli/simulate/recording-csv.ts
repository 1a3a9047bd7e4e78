import { bucketOf } from "../../core/analysis/histogram.ts";
import type { SecondRow } from "../../core/observation.ts";
import { nearest } from "../../core/text/nearest.ts";
import { SECOND } from "../../core/time/time.ts";
import { cellsOf } from "./csv-cells.ts";
import { timeNotes } from "./recording-notes.ts";
import { type Recording, refused } from "./recording.ts";
import { millisecondsOf, timeOf } from "./recorded-values.ts";

/** Names under which the columns are found, in small letters and without anything between the letters. */
const NAMES = {
  time: [
    "time",
    "timestamp",
    "ts",
    "at",
    "date",
    "datetime",
    "when",
    "start",
    "timems",
    "timestampms",
    "unix",
    "epoch",
  ],
  version: ["version", "variant", "backend", "upstream", "group", "release", "track", "arm", "deployment"],
  status: ["status", "code", "statuscode", "httpstatus", "responsecode", "sc", "scstatus"],
  latency: [
    "latency",
    "latencyms",
    "duration",
    "durationms",
    "ms",
    "took",
    "tookms",
    "elapsed",
    "elapsedms",
    "responsetime",
    "responsetimems",
    "requesttime",
    "latencys",
    "durations",
    "timetaken",
    "seconds",
  ],
} as const;
type Column = keyof typeof NAMES;

interface Columns {
  readonly time: number;
  readonly version: number;
  readonly status: number;
  /** −1: no latencies. */
  readonly latency: number;
  /** What a bare number in it counts, in milliseconds. */
  readonly latencyUnitMs: number;
}

/** One request a line, under a line with the columns' names. Faults: usage, with file and line. */
export function rowsOfCsv(text: string, path: string): Recording {
  const [head = "", ...lines] = text.split(/\r?\n/);
  const separator = [",", ";", "\t"].reduce(
    (best, one) => (head.split(one).length > head.split(best).length ? one : best),
    ",",
  );
  const names = cellsOf(head, separator) ?? [];
  const columns = columnsOf(names, path);
  const rows = new Map<string, MutableRow>();
  const times: number[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.trim() === "") continue;
    const wrong = (what: string): Error => refused(path, index + 2, what);
    const cells = cellsOf(line, separator);
    if (cells === null) throw wrong("A quotation mark has no end on this line.");
    if (cells.length !== names.length)
      throw wrong(`This line has ${cells.length} cells, and the first line names ${names.length}.`);
    const second = addTo(rows, cells, columns, wrong);
    times.push(second);
  }
  if (rows.size === 0)
    throw refused(path, null, "There is no request in the file: nothing stands below its first line.");
  return { rows: [...rows.values()], hasLatencies: columns.latency !== -1, notes: timeNotes(times) };
}

type MutableRow = Omit<SecondRow, "requests" | "status" | "latency"> & {
  requests: number;
  readonly status: { -readonly [K in keyof SecondRow["status"]]: number };
  readonly latency: Record<number, number>;
};

/** Answers the second of the request. */
function addTo(
  rows: Map<string, MutableRow>,
  cells: readonly string[],
  columns: Columns,
  wrong: (what: string) => Error,
): number {
  const timeText = cells[columns.time] ?? "";
  const at = timeOf(timeText);
  if (at === null) throw wrong(`"${timeText}" is no time: Unix seconds, milliseconds or ISO 8601 are.`);
  const version = (cells[columns.version] ?? "").trim();
  if (version === "") throw wrong("This line names no version.");
  const kind = statusKind(cells[columns.status] ?? "");
  if (kind === null)
    throw wrong(`"${cells[columns.status] ?? ""}" is no status: 100 to 599 are, and 0 or - for no answer.`);
  const second = Math.floor(at / SECOND);
  const key = `${second} ${version}`;
  const row = rows.get(key) ?? freshRow(second, version);
  rows.set(key, row);
  row.requests += 1;
  row.status[kind] += 1;
  if (columns.latency === -1) return second;
  const latencyText = cells[columns.latency] ?? "";
  // What was never answered has no latency.
  if (kind === "failed" && /^-?$/.test(latencyText.trim())) return second;
  const ms = millisecondsOf(latencyText, columns.latencyUnitMs);
  if (ms === null) throw wrong(`"${latencyText}" is no latency: 12, 12ms or 0.012s are.`);
  const bucket = bucketOf(ms);
  row.latency[bucket] = (row.latency[bucket] ?? 0) + 1;
  return second;
}

function freshRow(second: number, version: string): MutableRow {
  return {
    second,
    version,
    requests: 0,
    status: { ok: 0, redirect: 0, client: 0, server: 0, failed: 0 },
    latency: {},
    webSockets: { opened: 0, failed: 0 },
    worst: [],
    mixed: false,
  };
}

function statusKind(text: string): keyof SecondRow["status"] | null {
  const trimmed = text.trim();
  if (["", "-", "0", "000"].includes(trimmed)) return "failed";
  if (!/^[1-5]\d\d$/.test(trimmed)) return null;
  return (["ok", "ok", "redirect", "client", "server"] as const)[Number(trimmed[0]) - 1] ?? null;
}

function columnsOf(names: readonly string[], path: string): Columns {
  const plain = names.map((name) => name.toLowerCase().replaceAll(/[^a-z]/g, ""));
  const find = (column: Column): number => {
    const known: readonly string[] = NAMES[column];
    // The order of the names says which one is meant where there are two.
    const found = known.map((name) => plain.indexOf(name)).find((index) => index !== -1);
    return found ?? -1;
  };
  const required = (column: Column): number => {
    const found = find(column);
    if (found !== -1) return found;
    const near = plain.findIndex((name) => nearest(name, NAMES[column]) !== undefined);
    throw refused(
      path,
      1,
      `There is no column for the ${column}${near === -1 ? "" : ` (is it "${names[near] ?? ""}"?)`}: the first line names ${names.join(", ")}.`,
      `name it ${column}; others that are understood: ${NAMES[column].slice(1, 5).join(", ")}`,
    );
  };
  const latency = find("latency");
  const isSeconds =
    latency !== -1 && ["latencys", "durations", "seconds", "requesttime"].includes(plain[latency] ?? "");
  return {
    time: required("time"),
    version: required("version"),
    status: required("status"),
    latency,
    latencyUnitMs: isSeconds ? SECOND : 1,
  };
}
