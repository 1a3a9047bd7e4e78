import type { Guard } from "../../core/plan/guard.ts";
import { WHOLE } from "../../core/traffic/share.ts";
import type { PlanConfig } from "../schema/plan-file.ts";
import type { Path } from "../reading/located.ts";
import type { Told } from "./context.ts";
import { scopeOf } from "./source-scope.ts";
import { compileSources, type WrittenGuards } from "./sources.ts";
import type { StepContext } from "./steps.ts";
import type { Scope } from "./entries.ts";
import { featuresUnclear } from "./features.ts";
import { delaysTooLong } from "./delays.ts";
import { keysWithoutUse } from "./keys-without-use.ts";
import { promoteBeyond } from "./promote-beyond.ts";
import { nobodyOfThatName } from "./nobody-of-that-name.ts";
import { weighed } from "./weights.ts";
import type { Draft } from "./drafts.ts";
import { DEFAULT_COMPARISONS, DEFAULT_GUARDS, guardCompiler, type Measurable } from "./guards.ts";
import { levelsOutOfOrder } from "./levels-out-of-order.ts";

const DEFAULTS: Scope = { written: DEFAULT_GUARDS, path: null };
const COMPARISONS: Scope = { written: DEFAULT_COMPARISONS, path: null };

/** The guards of each step, by the part of the release's life in which it stands. */
export function compileGuards(
  config: PlanConfig,
  drafts: readonly Draft[],
  hasTraffic: boolean,
  { services, folder, notify, readSelect }: Pick<StepContext, "services" | "folder" | "notify" | "readSelect">,
  told: Told,
): readonly (readonly Guard[])[] {
  const { before, during, after, ...always } = config.guards ?? {};
  const places = placesOf(config, drafts);
  const sources = compileSources(places, { metrics: config.metrics, folder, readSelect }, services, told);
  const scope = (written: object, path: Path): Pick<Scope, "written" | "path" | "sources"> =>
    scopeOf({ written, path }, sources, told);
  const wide: readonly Scope[] = [DEFAULTS, { ...scope(always, ["guards"]), isWide: true }];
  const wideIn = (part: Part): readonly Scope[] =>
    part === "during" ? [DEFAULTS, COMPARISONS, ...wide.slice(1)] : wide;
  const parts: Readonly<Record<Part, Scope | undefined>> = {
    idle: undefined,
    before: before === undefined ? undefined : scope(before, ["guards", "before"]),
    during: during === undefined ? undefined : scope(during, ["guards", "during"]),
    after: after === undefined ? undefined : { ...scope(after, ["guards", "after"]), isOfPlace: true },
    live: undefined,
  };
  const compiler = guardCompiler();
  const scopes = new Set<Scope>([...wide, ...Object.values(parts).filter((scope) => scope !== undefined)]);
  const phases = new Map<unknown, Scope>();
  const result = drafts.map((draft, index) => {
    const part = partOf(drafts, index);
    const life = parts[part];
    const isWatched = part === "before" || part === "during" || part === "after";
    const own: readonly Scope[] = [...phaseScope(draft, phases, scope), ...stepScope(draft, scope)];
    for (const each of own) scopes.add(each);
    const layers = [...(isWatched ? wideIn(part) : []), ...(life === undefined ? [] : [life]), ...own];
    const guards = compiler.compile(layers, measurableIn(part, hasTraffic));
    told.plan.push(...delaysTooLong(draft, guards, layers));
    return guards;
  });
  for (const each of scopes) told.plan.push(...levelsOutOfOrder(each), ...promoteBeyond(each));
  told.plan.push(...compiler.neverLookedAt(), ...keysWithoutUse([...scopes], result.flat()));
  told.plan.push(...[...scopes].flatMap((scope) => nobodyOfThatName(scope, notify)));
  told.plan.push(...featuresUnclear([...scopes], result.flat(), config.traffic?.haproxy === undefined));
  return weighed(result, [...scopes], told);
}

type MakeScope = (written: object, path: Path) => Pick<Scope, "written" | "path" | "sources">;

function phaseScope({ phase }: Draft, known: Map<unknown, Scope>, make: MakeScope): readonly Scope[] {
  if (phase?.written.guards === undefined) return [];
  const scope = known.get(phase.written) ?? make(phase.written.guards, [...phase.path, "guards"]);
  known.set(phase.written, scope);
  return [scope];
}

function stepScope({ written, path }: Draft, make: MakeScope): readonly Scope[] {
  return written.guards === undefined ? [] : [{ ...make(written.guards, [...path, "guards"]), isOfPlace: true }];
}

/** All places in which guards are written, each once. */
function placesOf({ guards = {} }: PlanConfig, drafts: readonly Draft[]): readonly WrittenGuards[] {
  const places = new Map<unknown, WrittenGuards>();
  const add = (written: object | undefined, path: Path): void => {
    if (written !== undefined && !places.has(written)) places.set(written, { written, path });
  };
  add(guards, ["guards"]);
  for (const part of ["before", "during", "after"] as const) add(guards[part], ["guards", part]);
  for (const { written, path, phase } of drafts) {
    if (phase !== undefined) add(phase.written.guards, [...phase.path, "guards"]);
    add(written.guards, [...path, "guards"]);
  }
  return [...places.values()];
}

/** Parts of a release's life: nothing runs yet, before the first shift, while shifting, the last shift, after it. */
type Part = "idle" | "before" | "during" | "after" | "live";

function partOf(drafts: readonly Draft[], index: number): Part {
  const start = drafts.findIndex(({ verb }) => verb === "start");
  const first = drafts.findIndex(({ verb }) => verb === "shift");
  const last = drafts.findLastIndex(({ verb }) => verb === "shift");
  if (index < start || start < 0) return "idle";
  if (first < 0 || index < first) return "before";
  if (index > last) return "live";
  return index === last && drafts[index]?.share?.value === WHOLE ? "after" : "during";
}

function measurableIn(part: Part, hasTraffic: boolean): Measurable {
  const isBeforeTraffic = part === "before" && hasTraffic;
  const splits =
    "only while the traffic is split, below 100%, is there a stable to compare with (`after`, and the guards of the shift to 100% itself, compare errors and latencies with stable before it)";
  if (part === "idle")
    return {
      requests: false,
      processes: false,
      comparison: false,
      isBeforeTraffic,
      reason: "the new version does not run yet",
    };
  if (!hasTraffic)
    return {
      requests: false,
      processes: true,
      comparison: false,
      isBeforeTraffic,
      reason: "no service has a route, so there are no requests and nothing is compared",
    };
  if (part === "before")
    return {
      requests: false,
      processes: true,
      comparison: false,
      isBeforeTraffic,
      reason: "no request reaches the new version before the first shift",
    };
  if (part === "during") return { requests: true, processes: true, comparison: true, isBeforeTraffic, reason: "" };
  return { requests: true, processes: true, comparison: false, isBeforeTraffic, reason: splits };
}
