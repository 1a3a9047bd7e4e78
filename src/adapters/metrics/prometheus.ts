import type { PrometheusFrom, Reading, Subject, Take } from "../../core/plan/source.ts";
import { onOneLine } from "../../core/text/plain-text.ts";
import { formatDuration, MINUTE, SECOND } from "../../core/time/time.ts";
import { askEndpoint, fixOf } from "./endpoint.ts";
import { type Asking, filled, type MetricsSettings } from "./settings.ts";

/** A series whose last sample is older than this has ended: by itself Prometheus goes on with it for five minutes. */
const LOOK_BACK_MS = 2 * MINUTE;

/**
 * Asks Prometheus, or what speaks its HTTP API, for one number.
 * Source: https://prometheus.io/docs/prometheus/latest/querying/api/ (instant and range queries).
 */
export async function askPrometheus(from: PrometheusFrom, subject: Subject, asking: Asking): Promise<Reading> {
  const { settings, timeoutMs } = asking;
  const query = filled(from.query, subject, settings, inQuotes);
  const { path, form } =
    from.over === undefined ? instant(query, timeoutMs) : range(query, from.over, settings, timeoutMs);
  // In the body, because an address may not be as long as a query.
  const answered = await askEndpoint(from.at, { path, form: form.toString() }, subject, asking);
  if (!answered.ok)
    return answered.isTooLong === true
      ? { kind: "down", why: "the query gives very many series where one number is needed", fix: SUM_IT }
      : answered.down;
  const document = answered.json as Document | null;
  if (document?.status === "error") return refused(document, answered.status, settings);
  if (document?.status !== "success")
    return {
      kind: "down",
      why: `it answers ${answered.status} with JSON that is not Prometheus'`,
      fix: "check its address",
    };
  return readingOf(document.data ?? {}, from, settings);
}

const SUM_IT = "make one of them: `sum(…)`, or name its labels in the query";

interface Document {
  readonly status?: unknown;
  readonly errorType?: unknown;
  readonly error?: unknown;
  readonly data?: { readonly resultType?: unknown; readonly result?: unknown };
}

type Point = readonly [number, string];
interface Series {
  readonly metric?: Readonly<Record<string, string>>;
  readonly value?: Point;
  readonly values?: readonly Point[];
}

function instant(query: string, timeoutMs: number): { readonly path: string; readonly form: URLSearchParams } {
  const form = { query, timeout: `${timeoutMs}ms`, lookback_delta: `${LOOK_BACK_MS / SECOND}s` };
  return { path: "/api/v1/query", form: new URLSearchParams(form) };
}

function range(
  query: string,
  { ms, stepMs }: NonNullable<PrometheusFrom["over"]>,
  { clock }: MetricsSettings,
  timeoutMs: number,
): { readonly path: string; readonly form: URLSearchParams } {
  const end = clock.wall() / SECOND;
  const form = {
    query,
    start: String(end - ms / SECOND),
    end: String(end),
    step: String(stepMs / SECOND),
    timeout: `${timeoutMs}ms`,
    lookback_delta: `${LOOK_BACK_MS / SECOND}s`,
  };
  return { path: "/api/v1/query_range", form: new URLSearchParams(form) };
}

/** In PromQL what a label is held against stands in quotes: no version may end them. */
function inQuotes(value: string): string {
  return value.replaceAll(/[\\"'`]/g, String.raw`\$&`).replaceAll("\n", String.raw`\n`);
}

function refused(
  { errorType, error }: Document,
  status: number,
  { redact }: MetricsSettings,
): Extract<Reading, { kind: "down" }> {
  const told = onOneLine(redact(String(error)), 300);
  if (errorType === "bad_data")
    return { kind: "down", why: `Prometheus does not understand the query: ${told}`, fix: "mend the query" };
  const [fix] = fixOf(status);
  return { kind: "down", why: `Prometheus answers ${status}: ${told}`, ...(fix === undefined ? {} : { fix }) };
}

function readingOf(
  { resultType, result }: NonNullable<Document["data"]>,
  from: PrometheusFrom,
  { clock, redact }: MetricsSettings,
): Reading {
  if (resultType === "scalar") return numberIn((result as Point)[1]);
  if (resultType === "matrix" && from.over === undefined)
    return {
      kind: "down",
      why: "the query gives many values over a time where one number is needed",
      fix: "put a function around its range: `rate(…)`, `increase(…)`, `avg_over_time(…)`",
    };
  if ((resultType !== "vector" && resultType !== "matrix") || !Array.isArray(result))
    return { kind: "down", why: `the query gives a ${onOneLine(String(resultType), 20)} where a number is needed` };
  const all = result as readonly Series[];
  const [one] = all;
  if (one === undefined) return { kind: "no-data", why: "the query finds nothing" };
  if (all.length > 1) return several(all, redact);
  if (one.value !== undefined) return numberIn(one.value[1]);
  return from.over === undefined
    ? { kind: "no-data", why: "the query finds nothing" }
    : overTime(one, from.over, clock.wall());
}

/** "the query gives 3 series where one number is needed, as {path="/a"} and {path="/b"}" */
function several(all: readonly Series[], redact: (text: string) => string): Reading {
  const shown = all.slice(0, 2).map(({ metric = {} }) => {
    const labels = Object.entries(metric).map(([name, value]) => `${name}="${value}"`);
    return `{${labels.join(",")}}`;
  });
  const like = onOneLine(redact(shown.join(" and ")), 200);
  return {
    kind: "down",
    why: `the query gives ${all.length} series where one number is needed, as ${like}`,
    fix: SUM_IT,
  };
}

function overTime(
  { values = [] }: Series,
  { stepMs, take }: NonNullable<PrometheusFrom["over"]>,
  now: number,
): Reading {
  const points = values.map(([at, text]) => ({ at: at * SECOND, value: Number(text) }));
  const last = points.at(-1);
  if (last === undefined) return { kind: "no-data", why: "the query finds nothing" };
  const age = now - last.at;
  // The last point may be a step old by then.
  if (age > stepMs + LOOK_BACK_MS / 2)
    return { kind: "no-data", why: `its last value is ${formatDuration(Math.round(age / SECOND) * SECOND)} old` };
  const finite = points.map(({ value }) => value).filter(Number.isFinite);
  return finite.length === 0 ? numberIn(String(last.value)) : { kind: "value", value: taken(finite, take) };
}

function taken(values: readonly number[], take: Take): number {
  switch (take) {
    case "last":
      return values.at(-1) ?? Number.NaN;
    case "mean":
      return values.reduce((sum, value) => sum + value, 0) / values.length;
    case "max":
      return Math.max(...values);
    case "min":
      return Math.min(...values);
  }
}

function numberIn(text: string): Reading {
  const value = Number(text);
  if (Number.isFinite(value) && text !== "") return { kind: "value", value };
  const what = text === "NaN" ? "NaN, so there was nothing to divide by" : onOneLine(text, 20);
  return { kind: "no-data", why: `the query gives ${what}` };
}
