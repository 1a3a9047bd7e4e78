import type {
  LogFrom,
  PostgresFrom,
  PrometheusFrom,
  RedisFigure,
  RedisFrom,
  Source,
  SourceFrom,
} from "../../core/plan/source.ts";
import { referencesIn } from "../../core/text/references.ts";
import { parseDuration } from "../../core/text/units.ts";
import { type Duration, formatDuration, SECOND } from "../../core/time/time.ts";
import type { Path } from "../reading/located.ts";
import type { PathProblem } from "../reading/problem.ts";
import type { PlanConfig } from "../schema/plan-file.ts";
import type { SourceGuardConfig } from "../schema/sources.ts";
import type { Told } from "./context.ts";
import { compileEndpoint } from "./endpoint.ts";

/** What a source is made of beside its guard's own words. */
export interface FromContext {
  readonly metrics: PlanConfig["metrics"];
  /** Absolute path of the plan file's folder. */
  readonly folder: string;
  /** What is wrong with a JMESPath, in words; null: nothing. */
  readonly readSelect: (expression: string) => string | null;
}

/** A source, with what is usual for its kind. */
export interface MadeFrom {
  readonly from: SourceFrom;
  readonly everyMs: Duration;
  readonly reachMs: Duration;
  readonly unit: string;
  /** Its source says what it is told in: limits are read in that. */
  readonly isUnitFixed?: true;
  /** Which way is worse, where no limit says it. Absent: higher. */
  readonly worse?: Source["worse"];
}

/** Where the figure comes from, by the one key that says so; null: that is mistaken. */
export function compileFrom(mine: SourceGuardConfig, path: Path, context: FromContext, told: Told): MadeFrom | null {
  if (mine.prometheus !== undefined) return compilePrometheus(mine.prometheus, [...path, "prometheus"], context, told);
  if (mine.log !== undefined) return compileLog(mine, mine.log, [...path, "log"], told);
  if (mine.redis !== undefined) return compileRedis(mine.redis, [...path, "redis"], context, told);
  if (mine.postgres !== undefined) return compilePostgres(mine.postgres, [...path, "postgres"], context, told);
  const { select } = mine;
  const chosen = select === undefined ? {} : { select };
  if (select !== undefined) told.plan.push(...selectMistake(select, [...path, "select"], context));
  const usual = { everyMs: 10 * SECOND, reachMs: 0, unit: "" };
  if (mine.http !== undefined) {
    const at = compileEndpoint(mine.http, [...path, "http"], context.folder, told);
    return { ...usual, from: { kind: "http", at, ...chosen } };
  }
  return mine.command === undefined ? null : { ...usual, from: { kind: "command", command: mine.command, ...chosen } };
}

/** Whether each version has a figure of its own: by what the source's words say of a version. Each has logs of its own. */
export function isToldByVersion(from: SourceFrom): boolean {
  const words = JSON.stringify(from);
  return (
    from.kind === "log" ||
    referencesIn(words).some(({ name }) => name === "version" || name === "slot") ||
    (from.kind === "command" && /TIDEGATE_(?:VERSION|SLOT)/.test(words))
  );
}

function compileLog({ service }: SourceGuardConfig, pattern: string, path: Path, told: Told): MadeFrom {
  try {
    RegExp(pattern, "u").test("");
  } catch (error) {
    const cause = error instanceof Error ? error.message.replace(/^Invalid regular expression: /, "") : "";
    told.plan.push({
      code: "plan-value-invalid",
      what: `This is no regular expression: ${cause}.`,
      fix: "Write it as JavaScript does: `CRITICAL|panic`, and a character with a meaning of its own as `\\[`.",
      path,
      on: "value",
    });
  }
  const from: LogFrom = { kind: "log", pattern, ...(service === undefined ? {} : { service }) };
  return { from, everyMs: 10 * SECOND, reachMs: 0, unit: "/min" };
}

function compileRedis(figure: RedisFigure, path: Path, context: FromContext, told: Told): MadeFrom | null {
  const at = databaseAt("redis", path, context, told);
  if (at === null) return null;
  const unit = { "hit-rate": "share", memory: "share", clients: "", evictions: "/s" }[figure];
  return {
    from: { kind: "redis", ...at, figure },
    everyMs: 10 * SECOND,
    reachMs: 0,
    unit,
    isUnitFixed: true,
    ...(figure === "hit-rate" ? { worse: "lower" } : {}),
  };
}

function compilePostgres(
  written: NonNullable<SourceGuardConfig["postgres"]>,
  path: Path,
  context: FromContext,
  told: Told,
): MadeFrom | null {
  const at = databaseAt("postgres", path, context, told);
  if (at === null) return null;
  const { figure, query, slow, application } = typeof written === "string" ? { figure: written } : written;
  if ((figure === undefined) === (query === undefined)) {
    told.plan.push({
      code: "plan-value-invalid",
      what: figure === undefined ? "Nothing says which figure it is." : "`figure` and `query` are two figures.",
      fix: "Write one of them: `figure: connections`, or `query` with SQL that gives one number.",
      path,
      on: "key",
    });
    return null;
  }
  const from: PostgresFrom = {
    kind: "postgres",
    ...at,
    figure: figure ?? "query",
    ...(query === undefined ? {} : { query }),
    ...(application === undefined ? {} : { application }),
    ...(figure === "slow-queries" ? { slowMs: slow ?? SECOND } : {}),
  };
  const unit =
    figure === "connections" ? "share" : figure === "longest-transaction" || figure === "replication-lag" ? "s" : "";
  return { from, everyMs: 10 * SECOND, reachMs: 0, unit, ...(figure === undefined ? {} : { isUnitFixed: true }) };
}

/** Where a database is, as `metrics:` says. */
function databaseAt(
  kind: "redis" | "postgres",
  path: Path,
  { metrics, folder }: FromContext,
  told: Told,
): Pick<RedisFrom, "url" | "ca"> | null {
  const written = metrics?.[kind];
  if (written === undefined) {
    told.plan.push(
      nobodySays(kind, `\`metrics: { ${kind}: "\${${kind === "redis" ? "REDIS" : "DATABASE"}_URL}" }\``, path),
    );
    return null;
  }
  const { url, ca } = compileEndpoint(written, ["metrics", kind], folder, told);
  return { url, ...(ca === undefined ? {} : { ca }) };
}

const NAMES = { prometheus: "Prometheus", redis: "Redis", postgres: "PostgreSQL" } as const;

function nobodySays(kind: keyof typeof NAMES, like: string, path: Path): PathProblem {
  return {
    code: "plan-key-missing",
    what: `Nothing says where ${NAMES[kind]} is.`,
    fix: `Write its address: ${like}.`,
    path,
    on: "key",
    isAbsence: true,
  };
}

function selectMistake(select: string, path: Path, { readSelect }: FromContext): readonly PathProblem[] {
  const cause = readSelect(select);
  if (cause === null) return [];
  return [
    {
      code: "plan-value-invalid",
      what: `This is no JMESPath: ${cause}.`,
      fix: "Write it as on https://jmespath.org: `queues.failed`, `length(jobs[?failed])`, `sum(shards[].length)`.",
      path,
      on: "value",
    },
  ];
}

const POINTS = 60;

function compilePrometheus(
  written: NonNullable<SourceGuardConfig["prometheus"]>,
  path: Path,
  { metrics, folder }: FromContext,
  told: Told,
): MadeFrom | null {
  if (metrics?.prometheus === undefined) {
    told.plan.push(nobodySays("prometheus", "`metrics: { prometheus: http://127.0.0.1:9090 }`", path));
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
