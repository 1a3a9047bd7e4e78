import type { Guard } from "../../core/plan/guard.ts";
import { WHOLE } from "../../core/traffic/share.ts";
import type { PlanConfig } from "../schema/plan-file.ts";
import type { Told } from "./context.ts";
import type { Scope } from "./entries.ts";
import { featuresUnclear } from "./features.ts";
import { delaysTooLong } from "./delays.ts";
import { keysWithoutUse } from "./keys-without-use.ts";
import { promoteBeyond } from "./promote-beyond.ts";
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
  told: Told,
): readonly (readonly Guard[])[] {
  const { before, during, after, ...always } = config.guards ?? {};
  const wide: readonly Scope[] = [DEFAULTS, { written: always, path: ["guards"] }];
  const wideIn = (part: Part): readonly Scope[] =>
    part === "during" ? [DEFAULTS, COMPARISONS, ...wide.slice(1)] : wide;
  const parts: Readonly<Record<Part, Scope | undefined>> = {
    idle: undefined,
    before: before === undefined ? undefined : { written: before, path: ["guards", "before"] },
    during: during === undefined ? undefined : { written: during, path: ["guards", "during"] },
    after: after === undefined ? undefined : { written: after, path: ["guards", "after"], isOfPlace: true },
    live: undefined,
  };
  const compiler = guardCompiler();
  const scopes = new Set<Scope>([...wide, ...Object.values(parts).filter((scope) => scope !== undefined)]);
  const phases = new Map<unknown, Scope>();
  const result = drafts.map((draft, index) => {
    const part = partOf(drafts, index);
    const life = parts[part];
    const isWatched = part === "before" || part === "during" || part === "after";
    const own: readonly Scope[] = [...phaseScope(draft, phases), ...stepScope(draft)];
    for (const scope of own) scopes.add(scope);
    const layers = [...(isWatched ? wideIn(part) : []), ...(life === undefined ? [] : [life]), ...own];
    const guards = compiler.compile(layers, measurableIn(part, hasTraffic));
    told.plan.push(...delaysTooLong(draft, guards, layers));
    return guards;
  });
  for (const scope of scopes) told.plan.push(...levelsOutOfOrder(scope), ...promoteBeyond(scope));
  told.plan.push(...compiler.neverLookedAt(), ...keysWithoutUse([...scopes], result.flat()));
  told.plan.push(...featuresUnclear([...scopes], result.flat()));
  return weighed(result, [...scopes], told);
}

function phaseScope({ phase }: Draft, known: Map<unknown, Scope>): readonly Scope[] {
  if (phase?.written.guards === undefined) return [];
  const scope = known.get(phase.written) ?? { written: phase.written.guards, path: [...phase.path, "guards"] };
  known.set(phase.written, scope);
  return [scope];
}

function stepScope({ written, path }: Draft): readonly Scope[] {
  return written.guards === undefined ? [] : [{ written: written.guards, path: [...path, "guards"], isOfPlace: true }];
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
  const splits =
    "only while the traffic is split, below 100%, is there a stable to compare with (`after`, and the guards of the shift to 100% itself, compare errors and latencies with stable before it)";
  if (part === "idle")
    return { requests: false, processes: false, comparison: false, reason: "the new version does not run yet" };
  if (!hasTraffic)
    return {
      requests: false,
      processes: true,
      comparison: false,
      reason: "no service has a route, so there are no requests and nothing is compared",
    };
  if (part === "before")
    return {
      requests: false,
      processes: true,
      comparison: false,
      reason: "no request reaches the new version before the first shift",
    };
  if (part === "during") return { requests: true, processes: true, comparison: true, reason: "" };
  return { requests: true, processes: true, comparison: false, reason: splits };
}
