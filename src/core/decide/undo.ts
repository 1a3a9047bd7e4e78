import type { ReleaseEvent } from "../release/event.ts";
import type { Moment } from "../time/time.ts";
import { schemaSentence } from "./database-recipe.ts";
import type { NeedsReady } from "./ingredient.ts";
import { advance } from "./progress.ts";
import type { Release } from "../release/release.ts";
import { routed, undoRecipe } from "./recipe.ts";
import { areReady, type Seen } from "./seen.ts";

/** The next event of a rollback. It ends only when the world, read back, is as it should be. */
export function decideUndo(release: Release, seen: Seen, now: Moment): readonly ReleaseEvent[] {
  const undo = release.undo;
  if (undo === null) return [];
  const isReady = (needed: NeedsReady): boolean => areReady(release, needed, seen, now.wall);
  const next = advance(release.id, undoRecipe(release), undo.effects, { kind: "undo" }, now, isReady);
  switch (next.kind) {
    case "request":
      return next.events;
    case "waiting":
    case "not-ready":
      return [];
    case "failed":
      return [
        {
          type: "failed",
          fault: { ...next.fault, what: `The rollback stopped at "${next.ingredient.name}": ${next.fault.what}` },
        },
      ];
    case "uncertain":
      return [
        {
          type: "failed",
          fault: {
            code: "rollback-uncertain",
            what: `Nobody knows whether "${next.ingredient.name}" was done.`,
            fix: `look, then: tidegate retry ${release.id}`,
          },
        },
      ];
    case "done":
      break;
  }
  if (routed(release).length > 0) {
    if (seen.traffic === null) return [];
    // The last look is at the world, not at the journal.
    if (seen.traffic.share !== 0 || seen.traffic.candidate === release.candidate.version) return [];
  }
  const on =
    release.stable === null ? "Nothing serves, as before the release" : `100% on ${release.stable.label}, read back`;
  return [{ type: "rolled-back", sentence: `${on}. ${schemaSentence(release)}`.trimEnd() }];
}
