import { effectKey } from "../release/effect.ts";
import type { ReleaseEvent, Within } from "../release/event.ts";
import type { Fault } from "../fault.ts";
import type { Ingredient, NeedsReady, Recipe } from "./ingredient.ts";
import type { Effects } from "../release/release.ts";
import { type Duration, type Moment, SECOND } from "../time/time.ts";

/** Trying the same again would get the same answer. */
const PERMANENT: ReadonlySet<string> = new Set(["traffic-table-refused", "stale-epoch", "switch-not-drained"]);

const LONGEST_BACKOFF: Duration = 10 * SECOND;

/** How far a recipe has come, and what to ask for next. */
export type Advance =
  | { readonly kind: "done" }
  /** Something is under way, or waits for its next try. */
  | { readonly kind: "waiting"; readonly on: string }
  | { readonly kind: "request"; readonly events: readonly ReleaseEvent[] }
  /** The ingredient may not begin: its instances have not been seen ready. */
  | { readonly kind: "not-ready"; readonly ingredient: Ingredient }
  | { readonly kind: "failed"; readonly ingredient: Ingredient; readonly fault: Fault }
  /** It was begun by an engine that is gone, and must not be repeated unasked. */
  | { readonly kind: "uncertain"; readonly ingredient: Ingredient };

/** The next move of a recipe. Effects are requested one after the other; `isReady` answers I1's question. */
export function advance(
  release: number,
  recipe: Recipe,
  effects: Effects,
  within: Within,
  now: Moment,
  isReady: (of: NeedsReady) => boolean,
): Advance {
  for (const ingredient of recipe) {
    const effect = effects[ingredient.name];
    if (effect?.state === "confirmed") continue;
    if (effect?.state === "requested") return { kind: "waiting", on: ingredient.name };
    if (effect?.state === "interrupted" && ingredient.repeat === "ask") return { kind: "uncertain", ingredient };
    if (effect?.state === "failed") {
      if (effect.try >= ingredient.tries || PERMANENT.has(effect.fault?.code ?? "")) {
        if (ingredient.optional) continue;
        return {
          kind: "failed",
          ingredient,
          fault: effect.fault ?? { code: "effect-failed", what: `"${ingredient.name}" failed.` },
        };
      }
      // A wall clock that jumped back must not stretch the wait: no more than the back-off from any "now".
      const waited = Math.abs(now.wall - (effect.endedAt?.wall ?? now.wall));
      if (waited < backoff(ingredient, effect.try)) return { kind: "waiting", on: ingredient.name };
    }
    if (ingredient.needsReady !== null && !isReady(ingredient.needsReady)) return { kind: "not-ready", ingredient };
    return { kind: "request", events: [request(release, ingredient, (effect?.try ?? 0) + 1, within)] };
  }
  return { kind: "done" };
}

/** Twice as long after each failure, so that an outage of hours neither hammers nor fills the journal. */
function backoff({ backoffMs }: Ingredient, tries: number): Duration {
  return Math.min(backoffMs * 2 ** Math.min(tries - 1, 10), Math.max(backoffMs, LONGEST_BACKOFF));
}

function request(release: number, ingredient: Ingredient, tryNumber: number, within: Within): ReleaseEvent {
  const [step, attempt] = within.kind === "step" ? [within.step, within.attempt] : [within.kind, 1];
  return {
    type: "effect-requested",
    key: effectKey(release, step, attempt, ingredient.name),
    within,
    name: ingredient.name,
    try: tryNumber,
    effect: ingredient.effect,
    inverse: ingredient.inverse,
  };
}
