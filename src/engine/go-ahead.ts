import { emergencyOf } from "../core/release/emergency.ts";
import type { ReleaseEvent } from "../core/release/event.ts";
import { FaultError } from "../core/fault.ts";
import { mayGoAhead } from "../core/decide/recipe.ts";
import type { Release } from "../core/release/release.ts";
import { putBack } from "./perform-traffic.ts";
import type { Stage } from "./perform.ts";

const JOURNAL_REFUSES: ReadonlySet<string> = new Set([
  "journal-unavailable",
  "journal-damaged",
  "journal-gone",
  "actor-lock-gone",
]);

/**
 * The one thing that may go before the journal: where a rollback is decided and can't be written down, traffic goes back
 * to stable by the table's own way back. Answers what the journal is still owed, or null where nothing may go ahead.
 * Throws FaultError when the plane does not confirm it.
 */
export async function goAhead(
  stage: Stage,
  events: readonly ReleaseEvent[],
  decided: Release,
  refusal: unknown,
): Promise<readonly ReleaseEvent[] | null> {
  const { ports, release, epoch } = stage;
  if (!(refusal instanceof FaultError) || !JOURNAL_REFUSES.has(refusal.fault.code)) return null;
  if (events.some(({ type }) => type === "emergency-noted-late")) return null;
  if (decided.undo === null || decided.stable === null || !mayGoAhead(decided)) return null;
  const { because, by, fromShare } = decided.undo;
  const begun = ports.clock.monotonic();
  const emergency = emergencyOf(decided, fromShare, {
    id: `${release.id}-${epoch}-${Math.round(begun)}`,
    outcome: "put-back",
    epoch,
    at: Math.round(ports.clock.wall()),
    by,
    because,
  });
  await putBack(stage, emergency);
  const told = { ...emergency, tookMs: Math.round(ports.clock.monotonic() - begun) };
  // The plane's table has it too: that must do where not even this can be written.
  await ports.emergencies.note(told).catch(() => undefined);
  // What was asked for is asked for again when it can be written down.
  const decisions = events.filter(({ type }) => type !== "effect-requested");
  return [...decisions, { type: "emergency-noted-late", emergency: told }];
}
