import { type EventType, type ReleaseEvent } from "./event.ts";
import { FaultError } from "./fault.ts";

/** The shape in which this version of Tidegate writes events. */
export const EVENT_FORMAT = 1;

const KNOWN: Readonly<Record<EventType, true>> = {
  planned: true,
  started: true,
  "engine-took-over": true,
  "watch-checkpoint": true,
  "step-started": true,
  "effect-requested": true,
  "effect-confirmed": true,
  "effect-failed": true,
  "verdict-changed": true,
  held: true,
  "hold-ended": true,
  "step-passed": true,
  "step-failed": true,
  "step-skipped": true,
  approved: true,
  "item-ticked": true,
  paused: true,
  resumed: true,
  promoted: true,
  "stepped-back": true,
  retried: true,
  "share-drifted": true,
  "retirement-brought-forward": true,
  "rollback-decided": true,
  "rolled-back": true,
  "went-live": true,
  closed: true,
  failed: true,
};

/**
 * An event of any earlier format in today's shape. A newer one stops the engine with a clear message: guessing at
 * what a newer Tidegate meant would be worse than waiting for it.
 */
export function upcast(format: number, event: { readonly type: string }): ReleaseEvent {
  if (format > EVENT_FORMAT || !Object.hasOwn(KNOWN, event.type)) {
    throw new FaultError({
      code: "journal-newer",
      what: `The journal holds an event "${event.type}" of format ${format}, which this version of Tidegate does not know.`,
      fix: "it was written by a newer Tidegate: use that one or a later one",
    });
  }
  return event as ReleaseEvent;
}
