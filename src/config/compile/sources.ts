import { METRICS } from "../../core/plan/guard.ts";
import type { Service } from "../../core/plan/service.ts";
import type { Source } from "../../core/plan/source.ts";
import { directionOf, type WrittenLimit } from "../../core/plan/source-limit.ts";
import { nearest } from "../../core/text/nearest.ts";
import { formatDuration, SECOND } from "../../core/time/time.ts";
import type { Path } from "../reading/located.ts";
import { SOURCE_KEYS, type SourceGuardConfig } from "../schema/sources.ts";
import type { Told } from "./context.ts";
import { LEVELS } from "./entries.ts";
import { compileFrom, type FromContext, isToldByVersion, type MadeFrom } from "./source-from.ts";

/** Guards as they stand in one place of the file, before their limits are read. */
export interface WrittenGuards {
  readonly written: object;
  readonly path: Path;
}

/** One guard with a source, as one place has it. */
interface Place {
  readonly mine: SourceGuardConfig;
  readonly path: Path;
}

/** The guards of a place whose figures come from outside, by the names that the plan gives them. */
export function sourcedIn({ written, path }: WrittenGuards): readonly (readonly [string, Place | "off"])[] {
  return Object.entries(written).flatMap(([name, mine]: [string, unknown]) => {
    if (mine === undefined || Object.hasOwn(METRICS, name) || PARTS.has(name)) return [];
    return [[name, mine === "off" ? "off" : { mine: mine as SourceGuardConfig, path: [...path, name] }] as const];
  });
}

const PARTS: ReadonlySet<string> = new Set(["before", "during", "after"]);

/** Each source, by the name of its guard. Written once, in whichever place; what other places say must not contradict it. */
export function compileSources(
  all: readonly WrittenGuards[],
  context: FromContext,
  services: readonly Service[],
  told: Told,
): ReadonlyMap<string, Source> {
  const byName = Map.groupBy(all.flatMap(sourcedIn), ([name]) => name);
  const sources = new Map<string, Source>();
  for (const [name, entries] of byName) {
    const places = entries.flatMap(([, place]) => (place === "off" ? [] : [place]));
    const source = sourceOf(name, places, { context, services, told, names: [...byName.keys()] });
    if (source !== null) sources.set(name, source);
  }
  return sources;
}

interface SourceContext {
  readonly context: FromContext;
  readonly services: readonly Service[];
  readonly told: Told;
  /** Of all guards with a source. */
  readonly names: readonly string[];
}

function sourceOf(
  name: string,
  places: readonly Place[],
  { context, services, told, names }: SourceContext,
): Source | null {
  const [first] = places;
  if (first === undefined) return null;
  if (!/^[A-Za-z][A-Za-z0-9_-]{0,39}$/.test(name)) {
    mistaken(
      told,
      first.path,
      `\`${name}\` can't be the name of a figure.`,
      "Letters, digits, `-` and `_`, 40 at most.",
    );
    return null;
  }
  const one = theOnlySource(name, places, names, told);
  if (one === null) return null;
  const made = compileFrom(one.mine, one.path, context, told);
  if (made === null) return null;
  const limits = places.flatMap(({ mine, path }) =>
    LEVELS.flatMap((level) => (mine[level] ?? []).map((limit) => ({ limit, path: [...path, level] }))),
  );
  const everyMs = agreed(places, "every", told) ?? made.everyMs;
  const timeoutMs = agreed(places, "timeout", told) ?? Math.min(5 * SECOND, everyMs);
  checkRhythm(places, everyMs, timeoutMs, told);
  const service =
    agreed(places, "service", told) ?? (services.find(({ routes }) => routes.length > 0) ?? services[0])?.name;
  checkService(places, services, told);
  const source: Source = {
    from: made.from,
    everyMs,
    timeoutMs,
    reachMs: made.reachMs,
    unit:
      agreed(places, "unit", told) ??
      usualUnit(
        limits.map(({ limit }) => limit),
        made,
      ),
    worse: direction(places, limits, told) ?? made.worse ?? "higher",
    isByVersion: isToldByVersion(made.from),
    service: service ?? "",
  };
  checkComparable(source, limits, told);
  checkSeconds(source, one, limits, told);
  return source;
}

/** The place that says where the figure comes from; null: none does, or several do. */
function theOnlySource(name: string, places: readonly Place[], names: readonly string[], told: Told): Place | null {
  const keysOf = ({ mine }: Place): readonly string[] => SOURCE_KEYS.filter((key) => mine[key] !== undefined);
  const having = places.filter((place) => keysOf(place).length > 0);
  const [one, again] = having;
  const [first] = places;
  if (one === undefined) {
    if (first !== undefined) told.plan.push(withoutSource(name, first.path, names));
    return null;
  }
  const keys = keysOf(one);
  if (keys.length > 1) {
    const what = `A figure has one source, and here stand ${keys.map((key) => `\`${key}\``).join(" and ")}.`;
    mistaken(told, [...one.path, keys[1] ?? ""], what, "Make two guards of it, each with a name of its own.");
    return null;
  }
  if (again === undefined) return one;
  const what = `Where \`${name}\` comes from is said twice.`;
  mistaken(
    told,
    [...again.path, keysOf(again)[0] ?? ""],
    what,
    "Write its source once; other places have limits only.",
  );
  return null;
}

function withoutSource(name: string, path: Path, names: readonly string[]): Told["plan"][number] {
  const known = [...Object.keys(METRICS), ...PARTS, ...names.filter((other) => other !== name)];
  const near = nearest(name, known);
  return {
    code: "plan-key-unknown",
    what: `\`${name}\` is not known here${near === undefined ? "." : `; did you mean \`${near}\`?`}`,
    ...(near === undefined
      ? {
          fix: `Known here: ${Object.keys(METRICS).join(", ")}. A figure of your own says where it comes from: ${SOURCE_KEYS.map((key) => `\`${key}:\``).join(", ")}.`,
        }
      : {}),
    path,
    on: "key",
    isAbsence: true,
  };
}

/** What is the same wherever the guard stands. */
function agreed<K extends "every" | "timeout" | "unit" | "service">(
  places: readonly Place[],
  key: K,
  told: Told,
): SourceGuardConfig[K] {
  const written = places.filter(({ mine }) => mine[key] !== undefined);
  const [first] = written;
  for (const { mine, path } of written)
    if (mine[key] !== first?.mine[key])
      mistaken(
        told,
        [...path, key],
        `\`${key}\` is another one elsewhere in the plan.`,
        "Write it once, beside the source.",
      );
  return first?.mine[key];
}

/** More often, and asking is what loads the source. */
const SHORTEST_EVERY = SECOND;

function checkRhythm(places: readonly Place[], everyMs: number, timeoutMs: number, told: Told): void {
  for (const { mine, path } of places) {
    if (mine.every !== undefined && everyMs < SHORTEST_EVERY)
      mistaken(
        told,
        [...path, "every"],
        `Every ${formatDuration(everyMs)} would be a load test.`,
        "Give it 1s or more.",
      );
    if (mine.timeout !== undefined && (timeoutMs > everyMs || timeoutMs === 0))
      mistaken(
        told,
        [...path, "timeout"],
        `An answer may take ${formatDuration(timeoutMs)}, and the source is asked every ${formatDuration(everyMs)}.`,
        "Give an answer less time, or ask more seldom with `every`.",
      );
  }
}

function checkService(places: readonly Place[], services: readonly Service[], told: Told): void {
  const known = services.map(({ name }) => name);
  for (const { mine, path } of places) {
    if (mine.service === undefined || known.includes(mine.service)) continue;
    const near = nearest(mine.service, known);
    told.plan.push({
      code: "plan-name-unknown",
      what: `There is no service \`${mine.service}\`${near === undefined ? "." : `; did you mean \`${near}\`?`}`,
      fix: `Services: ${known.join(", ")}.`,
      path: [...path, "service"],
      on: "value",
      isAbsence: true,
    });
  }
}

type LimitAt = { readonly limit: WrittenLimit; readonly path: Path };

/** Which way is worse: as the limits say, or `worse`. They must agree, because one figure can't get worse both ways. */
function direction(places: readonly Place[], limits: readonly LimitAt[], told: Told): Source["worse"] | undefined {
  const said = [
    ...places.flatMap(({ mine, path }) =>
      mine.worse === undefined ? [] : [{ way: mine.worse, path: [...path, "worse"] }],
    ),
    ...limits.flatMap(({ limit, path }) => {
      const way = directionOf(limit);
      return way === null ? [] : [{ way, path }];
    }),
  ];
  const [first] = said;
  for (const { way, path } of said)
    if (way !== first?.way)
      mistaken(
        told,
        path,
        `This says that ${way === "higher" ? "more" : "less"} is worse, and elsewhere stands that ${way === "higher" ? "less" : "more"} is.`,
        '`1.5x` and `"> 5"` say that more is worse, `0.9x` and `"< 5"` that less is: all limits of a figure say the same.',
      );
  return first?.way;
}

/** As the limits are written, where nothing else says how the source tells its figure. */
function usualUnit(limits: readonly WrittenLimit[], made: MadeFrom): string {
  if (made.isUnitFixed === true) return made.unit;
  const units = limits.flatMap((limit) => (limit.kind === "value" && limit.unit !== "number" ? [limit.unit] : []));
  const [unit] = units;
  // Prometheus counts time in seconds, by its own advice.
  return unit === undefined || made.unit !== ""
    ? made.unit
    : unit === "ms" && made.from.kind === "prometheus"
      ? "s"
      : unit;
}

/** A number that somebody's own program says may be either. */
function checkSeconds({ unit, from }: Source, { mine }: Place, limits: readonly LimitAt[], told: Told): void {
  if (unit !== "ms" || mine.unit !== undefined || from.kind === "prometheus") return;
  for (const { limit, path } of limits)
    if (limit.kind === "value" && limit.unit === "ms")
      mistaken(
        told,
        path,
        "Whether the source tells its figure in seconds or milliseconds is not known.",
        "Say it beside the source: `unit: s` or `unit: ms`.",
      );
}

/** One figure for both versions compares a version with itself. */
function checkComparable({ isByVersion }: Source, limits: readonly LimitAt[], told: Told): void {
  if (isByVersion) return;
  for (const { limit, path } of limits)
    if (limit.kind === "factor")
      mistaken(
        told,
        path,
        "This compares with stable, and the source says the same of both versions.",
        'Have it told apart by `${version}` or `${slot}`, as in `{version="${version}"}`, or write a limit of its own.',
      );
}

function mistaken(told: Told, path: Path, what: string, fix: string): void {
  told.plan.push({ code: "plan-value-invalid", what, fix, path, on: "value" });
}
