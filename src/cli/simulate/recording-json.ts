import type { Counted, SecondRow } from "../../core/observation.ts";
import { BUCKET_COUNT } from "../../core/analysis/histogram.ts";
import { timeNotes } from "./recording-notes.ts";
import { type Recording, refused } from "./recording.ts";

/** The data plane's rows: one a line, or its whole answer, which has them all. Faults: usage, with file and line. */
export function rowsOfJson(text: string, path: string): Recording {
  const rows: SecondRow[] = [];
  for (const [index, line] of (wholeAnswer(text) ?? text.split("\n")).entries()) {
    if (typeof line === "string" && line.trim() === "") continue;
    const wrong = (what: string): Error =>
      refused(
        path,
        typeof line === "string" ? index + 1 : null,
        typeof line === "string" ? what : `Row ${index + 1}: ${what}`,
      );
    rows.push(rowOf(typeof line === "string" ? parsedLine(line, wrong) : line, wrong));
  }
  const hasLatencies = rows.some(({ latency }) => Object.keys(latency).length > 0);
  return { rows, hasLatencies, notes: timeNotes(rows.map(({ second }) => second)) };
}

/** The rows of an answer to `GET /observations`, however it is laid out; null: the file is no such answer. */
function wholeAnswer(text: string): readonly Readonly<Record<string, unknown>>[] | null {
  // It begins with other keys than a row does: only such a file is parsed twice.
  if (!/^\s*\{\s*"(?:proxy|next|rows)"/.test(text)) return null;
  try {
    const { rows } = JSON.parse(text) as { readonly rows?: unknown };
    return Array.isArray(rows) ? rows.map((row: unknown) => (isObject(row) ? row : {})) : null;
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

type Wrong = (what: string) => Error;

function parsedLine(line: string, wrong: Wrong): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    if (isObject(value)) return value;
  } catch {
    // Told below: what stands there is no object either way.
  }
  throw wrong("This line is no JSON object.");
}

function rowOf(value: Readonly<Record<string, unknown>>, wrong: Wrong): SecondRow {
  const { second, version } = value;
  if (typeof second !== "number" || !Number.isInteger(second) || second < 0 || second > 1e11)
    throw wrong('"second" must be a Unix second.');
  if (typeof version !== "string" || version === "") throw wrong('"version" must be a text.');
  const requests = countIn(value, "requests", wrong);
  const status = objectIn(value, "status", wrong);
  const classes = {
    ok: countIn(status, "ok", wrong),
    redirect: countIn(status, "redirect", wrong),
    client: countIn(status, "client", wrong),
    server: countIn(status, "server", wrong),
    failed: countIn(status, "failed", wrong),
  };
  if (classes.server + classes.failed > requests)
    throw wrong(`${classes.server + classes.failed} of ${requests} requests can't have failed.`);
  const webSockets = objectIn(value, "webSockets", wrong);
  return {
    second,
    version,
    requests,
    status: classes,
    latency: bucketsIn(objectIn(value, "latency", wrong), wrong),
    webSockets: { opened: countIn(webSockets, "opened", wrong), failed: countIn(webSockets, "failed", wrong) },
    worst: [],
    mixed: value["mixed"] === true,
    ...countedByVisitors(value, wrong),
  };
}

/** What the plane counted by visitors: judged by requests alone, the recording would say another thing than the engine did. */
function countedByVisitors(
  value: Readonly<Record<string, unknown>>,
  wrong: Wrong,
): Pick<SecondRow, "counted" | "passedOn"> {
  const counters = Object.keys(objectIn(value, "counted", wrong));
  const counted = counters.map((id): [string, Counted] => {
    const one = objectIn(objectIn(value, "counted", wrong), id, wrong);
    const [requests, bad] = [countIn(one, "requests", wrong), countIn(one, "bad", wrong)];
    if (bad > requests) throw wrong(`${bad} of ${requests} requests of "${id}" can't have been bad.`);
    return [id, { requests, bad, newlyBad: countIn(one, "newlyBad", wrong) }];
  });
  const passedOn = countIn(value, "passedOn", wrong);
  return {
    ...(counted.length === 0 ? {} : { counted: Object.fromEntries(counted) }),
    ...(passedOn === 0 ? {} : { passedOn }),
  };
}

function objectIn(
  value: Readonly<Record<string, unknown>>,
  key: string,
  wrong: Wrong,
): Readonly<Record<string, unknown>> {
  const found = value[key];
  if (found === undefined) return {};
  if (typeof found !== "object" || found === null) throw wrong(`"${key}" must be an object.`);
  return found as Record<string, unknown>;
}

/** Absent: 0. A counter that went backwards gives a negative difference, and that is no count. */
function countIn(value: Readonly<Record<string, unknown>>, key: string, wrong: Wrong): number {
  const found = value[key] ?? 0;
  if (typeof found !== "number" || !Number.isSafeInteger(found) || found < 0)
    throw wrong(
      `"${key}" is ${JSON.stringify(found)} and no count: what a counter that went backwards leaves must be taken out.`,
    );
  return found;
}

function bucketsIn(latency: Readonly<Record<string, unknown>>, wrong: Wrong): Readonly<Record<number, number>> {
  const buckets: Record<number, number> = {};
  for (const key of Object.keys(latency)) {
    const bucket = Number(key);
    if (!Number.isInteger(bucket) || bucket < 0 || bucket >= BUCKET_COUNT)
      throw wrong(`There is no bucket "${key}" of latencies.`);
    buckets[bucket] = countIn(latency, key, wrong);
  }
  return buckets;
}
