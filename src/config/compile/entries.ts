import {
  type Guard,
  GUARD_LEVELS,
  guardId,
  type GuardId,
  type GuardLevel,
  type Metric,
  METRICS,
} from "../../core/plan/guard.ts";
import type { Path } from "../reading/located.ts";
import type { Source } from "../../core/plan/source.ts";
import type { PlanConfig } from "../schema/plan-file.ts";

/** The mildest first. */
export const LEVELS: readonly GuardLevel[] = GUARD_LEVELS.toReversed();

/** Guards as written in one place: for the plan, a part of its life, a phase or a step. */
export interface Scope {
  readonly written: Readonly<Record<string, MetricConfig | undefined>>;
  /** null: Tidegate's own defaults. */
  readonly path: Path | null;
  /** By the names of the guards whose figures come from outside. Absent: there are none. */
  readonly sources?: ReadonlyMap<string, Source>;
  /** It holds for the whole plan. */
  readonly isWide?: true;
  /** Of one place alone: with all traffic there `1.5x` can only mean what stable did before. */
  readonly isOfPlace?: true;
}

type MetricConfig = NonNullable<NonNullable<PlanConfig["guards"]>[Metric]>;
type OfMetric = Exclude<MetricConfig, string>;
type FeatureConfig = NonNullable<Extract<OfMetric, { features?: unknown }>["features"]>[string];
/** What is written of one guard: of a metric, or of a feature in it. */
export type Levels = (OfMetric | Exclude<FeatureConfig, string>) &
  Partial<Pick<OfMetric, "slo">> & {
    readonly only?: Exclude<FeatureConfig, string>["only"];
  };

/** One guard as one scope has it. */
export interface Entry extends Pick<Guard, "metric" | "feature" | "source">, Pick<Scope, "isOfPlace" | "isWide"> {
  readonly mine: Levels | "off";
  /** null: Tidegate's own default. */
  readonly path: Path | null;
}

const METRIC_NAMES = Object.keys(METRICS) as readonly Metric[];

/** All guards that stand in a scope, features after their metric. */
function entriesIn({ written, path, sources, ...all }: Scope): readonly Entry[] {
  return namesIn(written).flatMap((metric): readonly Entry[] => {
    const mine = written[metric];
    if (mine === undefined) return [];
    const at = path && [...path, metric];
    const source = sources?.get(metric);
    const of = { ...all, ...(source === undefined ? {} : { source }) };
    if (mine === "off") return [{ ...of, metric, mine, path: at }];
    const features = Object.entries(("features" in mine ? mine.features : undefined) ?? {});
    return [
      { ...of, metric, mine, path: at },
      ...features.map(([feature, one]): Entry => ({
        ...of,
        metric,
        feature,
        mine: one,
        path: at && [...at, "features", feature],
      })),
    ];
  });
}

/** Tidegate's own metrics first, in their order. */
function namesIn(written: Scope["written"]): readonly string[] {
  return [...METRIC_NAMES, ...Object.keys(written).filter((name) => !Object.hasOwn(METRICS, name))];
}

/** Those with a place in the file that are not switched off. */
export function writtenIn(scope: Scope): readonly (Entry & { readonly mine: Levels; readonly path: Path })[] {
  return entriesIn(scope).flatMap((entry) => {
    const { mine, path } = entry;
    return mine === "off" || path === null ? [] : [{ ...entry, mine, path }];
  });
}

/** The guards that stand in any of the scopes, by the order of the metrics. */
export function guardsIn(scopes: readonly Scope[]): readonly Pick<Guard, "metric" | "feature" | "source">[] {
  const all = scopes.flatMap(entriesIn);
  const known = new Map<GuardId, Pick<Guard, "metric" | "feature" | "source">>();
  const names = new Set([...METRIC_NAMES, ...all.map(({ metric }) => metric)]);
  for (const metric of names) for (const entry of all) if (entry.metric === metric) known.set(guardId(entry), entry);
  return [...known.values()];
}

/** What the scopes say of one guard, the widest first. A metric that is off takes its features along. */
export function layersOf(guard: Pick<Guard, "metric" | "feature">, scopes: readonly Scope[]): readonly Entry[] {
  return scopes.flatMap((scope) =>
    entriesIn(scope).filter(
      (entry) =>
        guardId(entry) === guardId(guard) ||
        (entry.metric === guard.metric && entry.feature === undefined && entry.mine === "off"),
    ),
  );
}
