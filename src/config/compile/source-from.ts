import { resolve } from "node:path";
import type { Endpoint, PrometheusFrom, SourceFrom } from "../../core/plan/source.ts";
import { referencesIn } from "../../core/text/references.ts";
import { parseDuration } from "../../core/text/units.ts";
import { type Duration, formatDuration, SECOND } from "../../core/time/time.ts";
import type { Path } from "../reading/located.ts";
import type { PlanConfig } from "../schema/plan-file.ts";
import type { SourceGuardConfig } from "../schema/sources.ts";
import type { Told } from "./context.ts";

/** What a source is made of beside its guard's own words. */
export interface FromContext {
  readonly metrics: PlanConfig["metrics"];
  /** Absolute path of the plan file's folder. */
  readonly folder: string;
}

/** A source, with what is usual for its kind. */
export interface MadeFrom {
  readonly from: SourceFrom;
  readonly everyMs: Duration;
  readonly reachMs: Duration;
  readonly unit: string;
}

/** Where the figure comes from, by the one key that says so; null: that is mistaken. */
export function compileFrom(mine: SourceGuardConfig, path: Path, context: FromContext, told: Told): MadeFrom | null {
  if (mine.prometheus !== undefined) return compilePrometheus(mine.prometheus, [...path, "prometheus"], context, told);
  return null;
}

/** Whether each version has a figure of its own: by what the source's words say of a version. */
export function isToldByVersion(from: SourceFrom): boolean {
  return referencesIn(JSON.stringify(from)).some(({ name }) => name === "version" || name === "slot");
}

const POINTS = 60;

function compilePrometheus(
  written: NonNullable<SourceGuardConfig["prometheus"]>,
  path: Path,
  { metrics, folder }: FromContext,
  told: Told,
): MadeFrom | null {
  if (metrics?.prometheus === undefined) {
    told.plan.push({
      code: "plan-key-missing",
      what: "Nothing says where Prometheus is.",
      fix: "Write its address: `metrics: { prometheus: http://127.0.0.1:9090 }`.",
      path,
      on: "key",
      isAbsence: true,
    });
    return null;
  }
  const long = typeof written === "string" ? { query: written } : written;
  const { query, over } = long;
  const stepMs = long.step ?? Math.max(SECOND, Math.ceil((over ?? 0) / POINTS / SECOND) * SECOND);
  if (over !== undefined && stepMs > over)
    told.plan.push({
      code: "plan-value-invalid",
      what: `Points ${formatDuration(stepMs)} apart don't fit into ${formatDuration(over)}.`,
      fix: "Write a shorter `step`, or leave it out.",
      path: [...path, long.step === undefined ? "over" : "step"],
      on: "value",
    });
  const from: PrometheusFrom = {
    kind: "prometheus",
    at: compileEndpoint(metrics.prometheus, ["metrics", "prometheus"], folder, told),
    query,
    ...(over === undefined ? {} : { over: { ms: over, stepMs, take: long.take ?? "mean" } }),
  };
  return { from, everyMs: 15 * SECOND, reachMs: Math.max(over ?? 0, rangeOf(query)), unit: unitOf(query) };
}

/** The longest range of a query: of `rate(x[5m])` five minutes. */
function rangeOf(query: string): Duration {
  const ranges = [...query.matchAll(/\[\s*([0-9a-z]+)\s*(?::[^\]]*)?\]/g)].map(([, text = ""]) => parseDuration(text));
  return Math.max(0, ...ranges.flatMap((range) => (range.ok ? [range.value] : [])));
}

/** What is only a rate, or a sum of rates, is told a second; of anything else nobody knows. */
function unitOf(query: string): string {
  const inner =
    /^\s*(?:(?:sum|avg|max|min)\s*(?:(?:by|without)\s*\([^)]*\)\s*)?\()?\s*i?rate\s*\((.*?)\)\s*\)?\s*(?:(?:by|without)\s*\([^)]*\)\s*)?$/s.exec(
      query,
    )?.[1];
  return inner !== undefined && !/[()]/.test(inner) ? "/s" : "";
}

type EndpointConfig = NonNullable<NonNullable<PlanConfig["metrics"]>["prometheus"]>;

/** Headers that let somebody in, whatever they are called. */
const SECRET_HEADER = /auth|token|key|secret|cookie|password/i;

export function compileEndpoint(written: EndpointConfig, path: Path, folder: string, told: Told): Endpoint {
  const { url, headers = {}, bearer, basic, ca } = typeof written === "string" ? { url: written } : written;
  const mustBeReference = (value: string | undefined, at: Path): void => {
    if (value === undefined || referencesIn(value).some(({ owner }) => owner === "user")) return;
    told.plan.push({
      code: "plan-value-invalid",
      what: "A secret can't stand here in plain text: the plan is kept in the journal.",
      fix: "Write a reference to an environment variable: `${METRICS_TOKEN}`.",
      path: at,
      on: "value",
    });
  };
  // I8: the plan travels in the journal.
  mustBeReference(bearer, [...path, "bearer"]);
  mustBeReference(basic?.password, [...path, "basic", "password"]);
  for (const [name, value] of Object.entries(headers))
    if (SECRET_HEADER.test(name)) mustBeReference(value, [...path, "headers", name]);
  const secret = /^[a-z][a-z0-9+]*:\/\/[^/@]*:([^/@]+)@/i.exec(url)?.[1];
  mustBeReference(secret, typeof written === "string" ? path : [...path, "url"]);
  return {
    url,
    headers,
    ...(bearer === undefined ? {} : { bearer }),
    ...(basic === undefined ? {} : { basic }),
    ...(ca === undefined ? {} : { ca: resolve(folder, ca) }),
  };
}
