import { type Guard, type GuardLevel, type Limit, type Metric, METRICS } from "../../core/guard.ts";
import { MINUTE } from "../../core/time.ts";
import type { Path } from "../reading/located.ts";
import type { PathProblem } from "../reading/problem.ts";
import type { PlanConfig } from "../schema/plan-file.ts";

/** Guards as written in one place: for the plan, a part of its life, a phase or a step. */
export interface Scope {
  readonly written: { readonly [M in Metric]?: MetricConfig | undefined };
  /** null: Tidegate's own defaults. */
  readonly path: Path | null;
}

type PlanGuards = NonNullable<PlanConfig["guards"]>;
type MetricConfig = NonNullable<PlanGuards[Metric]>;
type Levels = Exclude<MetricConfig, string>;

const METRIC_NAMES = Object.keys(METRICS) as readonly Metric[];
const LEVELS: readonly GuardLevel[] = ["warn", "hold", "rollback"];

/** Until the statistical judge is there. */
export const DEFAULT_GUARDS: Scope["written"] = {
  errors: { rollback: [{ kind: "absolute", value: 0.01 }] },
  p95: { rollback: [{ kind: "relative", factor: 2 }] },
  restarts: { rollback: [{ kind: "absolute", value: 2 }] },
};

/** What can be measured of the new version at a place of the plan. */
export interface Measurable {
  readonly requests: boolean;
  readonly processes: boolean;
  /** Stable has traffic too, so that the two can be compared. */
  readonly comparison: boolean;
  /** Why the rest can't be. */
  readonly reason: string;
}

/**
 * Lays scopes over each other, level by level, and leaves out what can't be measured where it stands. Remembers which
 * limits were looked at somewhere, so that one that never is can be told: it would protect nobody.
 */
export function guardCompiler(): {
  readonly compile: (scopes: readonly Scope[], measurable: Measurable) => readonly Guard[];
  readonly neverLookedAt: () => readonly PathProblem[];
} {
  const unused = new Map<Limit, { readonly path: Path; readonly reason: string }>();
  const used = new Set<Limit>();
  const keep = (layer: Layered, measurable: Measurable): readonly Limit[] =>
    layer.limits.filter((limit) => {
      const { metric } = layer;
      const isProcess = metric === "cpu" || metric === "memory" || metric === "restarts";
      const measured = isProcess ? measurable.processes : measurable.requests;
      const kept = measured && (limit.kind === "absolute" || measurable.comparison);
      if (kept) used.add(limit);
      else if (layer.path !== null) unused.set(limit, { path: layer.path, reason: measurable.reason });
      return kept;
    });
  return {
    compile: (scopes, measurable) =>
      METRIC_NAMES.flatMap((metric) => {
        const levels = layLevels(metric, scopes).map((layer) => ({ ...layer, limits: keep(layer, measurable) }));
        return makeGuard(metric, levels, scopes);
      }),
    neverLookedAt: () =>
      [...unused]
        .filter(([limit]) => !used.has(limit))
        .map(([, { path, reason }]) => ({
          code: "plan-value-invalid",
          what: `This limit is never looked at: ${reason}.`,
          fix: "Remove it, or move it to where it can be measured.",
          path,
          on: "value",
          isAbsence: true,
        })),
  };
}

interface Layered {
  readonly metric: Metric;
  readonly level: GuardLevel;
  readonly limits: readonly Limit[];
  readonly path: Path | null;
}

/** For each level the limits of the innermost scope that has any; `off` takes away what is outside of it. */
function layLevels(metric: Metric, scopes: readonly Scope[]): readonly Layered[] {
  const found = new Map<GuardLevel, Layered>();
  for (const { written, path } of scopes) {
    const mine = written[metric];
    if (mine === "off") found.clear();
    if (mine === undefined || mine === "off") continue;
    for (const level of LEVELS) {
      const limits = mine[level];
      if (limits === null) found.delete(level);
      else if (limits !== undefined)
        found.set(level, { metric, level, limits, path: path === null ? null : [...path, metric, level] });
    }
  }
  return [...found.values()];
}

function makeGuard(metric: Metric, levels: readonly Layered[], scopes: readonly Scope[]): readonly Guard[] {
  const limits = Object.fromEntries(
    LEVELS.flatMap((level) => levels.filter((layer) => layer.level === level && layer.limits.length > 0)).map(
      (layer) => [layer.level, layer.limits],
    ),
  );
  if (Object.keys(limits).length === 0) return [];
  const innermost = (key: "window" | "minRequests" | "minEvents" | "breaches"): number | undefined =>
    scopes
      .map(({ written }) => written[metric])
      .findLast((mine): mine is Levels => typeof mine === "object" && mine[key] !== undefined)?.[key];
  return [
    {
      metric,
      limits,
      windowMs: innermost("window") ?? MINUTE,
      minRequests: innermost("minRequests") ?? 100,
      minEvents: innermost("minEvents") ?? 3,
      breaches: innermost("breaches") ?? 3,
    },
  ];
}

/** Within one scope a warning must come before a hold, and both before a rollback. */
export function levelsOutOfOrder({ written, path }: Scope): readonly PathProblem[] {
  if (path === null) return [];
  return METRIC_NAMES.flatMap((metric) => {
    const mine = written[metric];
    if (typeof mine !== "object") return [];
    const set = LEVELS.flatMap((level) => {
      const [limit, ...more] = mine[level] ?? [];
      return limit?.kind === "absolute" && more.length === 0 ? [{ level, value: limit.value }] : [];
    });
    return set.slice(1).flatMap(({ level, value }, index): readonly PathProblem[] => {
      const before = set[index];
      if (before === undefined) return [];
      const late = METRICS[metric].worse === "higher" ? before.value > value : before.value < value;
      const key = [...path, metric, before.level];
      const what = `\`${before.level}\` is beyond \`${level}\` here, so it is never reached.`;
      return late ? [{ code: "plan-value-invalid", what, fix: "Swap the two limits.", path: key, on: "value" }] : [];
    });
  });
}
