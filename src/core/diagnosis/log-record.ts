import { withoutControls } from "../text/plain-text.ts";
import { nearestOwnFrame, parseFrame, type StackFrame } from "./stack-frame.ts";

/** What an app wrote at once: one line, or an error with its stack trace. */
export interface LogRecord {
  /** The line that says what happened, without its time. */
  readonly text: string;
  readonly severity: Severity;
  /** Where it broke, in the app's own code. */
  readonly frame?: StackFrame;
}

/** The worse the lower. */
export type Severity = 0 | 1 | 2;

/** Longer lines are cut: what tells one kind from another stands at the front. */
const LONGEST_LINE = 2_000;

/** An app's lines as records, oldest first; lines that belong together (stack traces) are one. */
export function logRecords(lines: readonly string[]): readonly LogRecord[] {
  const records: LogRecord[] = [];
  let open: OpenRecord | null = null;
  /** Where Node says it broke, `file:line` with the source below, before it says what broke. */
  let source: StackFrame | null = null;

  const close = (): void => {
    if (open === null) return;
    const place = sourcePlace(open);
    if (PLACE_IN_NODE.test(open.head)) {
      // Where Node itself threw says nothing of the app.
    } else if (place === null) {
      records.push(finish(open, source));
      source = null;
    } else {
      source = place;
    }
    open = null;
  };

  for (const raw of lines) {
    const line = withoutControls(raw.slice(0, LONGEST_LINE)).trimEnd();
    if (line === "" || NOISE.test(line)) continue;
    const json = jsonRecord(line);
    if (json !== null) {
      close();
      records.push(json);
    } else if (open !== null && belongs(open, line)) {
      add(open, line);
    } else {
      close();
      open = start(line);
    }
  }
  close();
  return records;
}

interface OpenRecord {
  head: string;
  readonly rest: string[];
  readonly frames: StackFrame[];
  /** Inside a Python traceback the line that says what happened comes last. */
  awaitsHead: boolean;
}

/** Of a trace that goes on for ever (a recursion) the first frames are enough. */
const MOST_LINES = 200;

const TRACEBACK = "Traceback (most recent call last):";
const NOISE =
  /^(?:Node\.js v\d|During handling of the above exception|The above exception was the direct cause|goroutine \d+ \[|exit status \d+$)/;

function start(line: string): OpenRecord {
  const ruby = /^(\S+\.rb:\d+:in [`'][^']*'): (.+)$/.exec(line);
  const first = ruby === null ? null : parseFrame(ruby[1] ?? "");
  return {
    head: ruby?.[2] ?? line,
    rest: [],
    frames: first === null ? [] : [first],
    awaitsHead: line.endsWith(TRACEBACK),
  };
}

function belongs(open: OpenRecord, line: string): boolean {
  if (open.awaitsHead) return true;
  // Below the place stand the source line, wherever it begins, and the caret.
  if ((SOURCE_PLACE.test(open.head) || PLACE_IN_NODE.test(open.head)) && open.rest.length < 2) return true;
  if (/^\s/.test(line) || parseFrame(line) !== null) return true;
  if (/^(?:Caused by:|Stack trace:|\.\.\. \d+ more|[}\])]+[,;]?$)/.test(line)) return true;
  // A frame of Go is two lines, the call and below it the place.
  return open.head.startsWith("panic:") && /^(?:[\w./*()-]+\(.*\)$|created by |\[signal )/.test(line);
}

function add(open: OpenRecord, line: string): void {
  if (open.awaitsHead && !/^\s/.test(line)) {
    open.head = line;
    open.awaitsHead = false;
    return;
  }
  if (open.rest.length >= MOST_LINES) return;
  open.rest.push(line);
  const frame = parseFrame(line);
  if (frame !== null) open.frames.push(frame);
}

/** Node writes `/app/server.js:88`, the source line and a caret before the error itself: a place, not a record. */
function sourcePlace({ head, rest }: OpenRecord): StackFrame | null {
  const place = SOURCE_PLACE.exec(head);
  if (place === null || !rest.some((line) => /^\s*\^+\s*$/.test(line))) return null;
  return parseFrame(`at ${place[1] ?? ""}:${place[2] ?? ""}:1`);
}

const PLACE_IN_NODE = /^node:[\w/.-]+:\d+$/;
const SOURCE_PLACE = /^(?:file:\/\/)?(\/[^\s]+|[A-Za-z]:\\.+):(\d+)$/;

function finish({ head, rest, frames }: OpenRecord, source: StackFrame | null): LogRecord {
  const frame = nearestOwnFrame(frames) ?? (source?.own === true ? source : undefined);
  const text = withoutTime(head);
  const severity = frames.length > 0 ? 0 : severityOf([text, ...rest.slice(0, 3)].join("\n"));
  return { text, severity, ...(frame === undefined ? {} : { frame }) };
}

/** A line of a JSON logger (pino, winston, zap, structlog, …); null: it is none. */
function jsonRecord(line: string): LogRecord | null {
  if (!line.startsWith("{") || !line.endsWith("}")) return null;
  const entry = parseObject(line);
  if (entry === null) return null;
  const inner = [entry["err"], entry["error"], entry["exception"]].find(
    (value) => typeof value === "object" && value !== null,
  ) as Record<string, unknown> | undefined;
  const message = text(inner?.["message"]) ?? text(entry["error"]) ?? text(entry["err"]);
  const told = text(entry["msg"]) ?? text(entry["message"]) ?? text(entry["event"]);
  const type = text(inner?.["type"]) ?? text(inner?.["name"]);
  const error = message === undefined ? undefined : type === undefined ? message : `${type}: ${message}`;
  const shown = [told, error].filter((part) => part !== undefined && part !== "");
  if (shown.length === 0) return null;
  const stack = text(inner?.["stack"]) ?? text(entry["stack"]) ?? text(entry["stacktrace"]) ?? "";
  const frames = stack
    .split("\n")
    .slice(0, MOST_LINES)
    .map(parseFrame)
    .filter((frame) => frame !== null);
  const frame = nearestOwnFrame(frames);
  // pino with an error alone repeats its message as `msg`.
  const unique = told !== undefined && message === told ? [error ?? told] : shown;
  const level = levelOf(entry["level"] ?? entry["severity"]);
  return {
    text: unique.join(": "),
    severity: error !== undefined || frames.length > 0 ? 0 : (level ?? 2),
    ...(frame === undefined ? {} : { frame }),
  };
}

function parseObject(line: string): Record<string, unknown> | null {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return null;
  }
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function levelOf(level: unknown): Severity | null {
  if (typeof level === "number") return level >= 50 ? 0 : level >= 40 ? 1 : 2;
  return typeof level === "string" ? severityOf(level) : null;
}

function severityOf(said: string): Severity {
  if (
    /\b(?:error|err|exception|fatal|panic|critical|crit|uncaught|unhandled|segmentation fault)\b|[a-z](?:Error|Exception)\b/i.test(
      said,
    )
  )
    return 0;
  return /\bwarn(?:ing)?\b/i.test(said) ? 1 : 2;
}

const TIME = /^\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?\s?(?:Z|UTC|[+-]\d\d:?\d\d)?\]?[:,]?\s*/;

function withoutTime(head: string): string {
  return head.replace(TIME, "").trim() || head.trim();
}
