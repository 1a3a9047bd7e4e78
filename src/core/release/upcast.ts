import { type EventType, type ReleaseEvent } from "./event.ts";
import { FaultError } from "../fault.ts";

/** An event as it lay in the journal: of its own format's shape, which today's types do not know. */
export type StoredBody = { readonly type: string } & Readonly<Record<string, unknown>>;

/**
 * Each brings an event of one format into the next, the first from format 1 to 2. Never changed once published: the
 * journals of every published version are replayed through them (test/fixtures/journals).
 */
const UPCASTERS: readonly ((event: StoredBody) => StoredBody)[] = [
  // From 2 on a plan names the judge that it was made for.
  (event) => (event.type === "planned" ? { ...event, plan: { ...(event["plan"] as object), judge: 1 } } : event),
  // From 3 on a step that a person went over says so, not by its sentence alone.
  (event) => {
    const because = event["because"] as { readonly kind: string; readonly sentence: string } | undefined;
    const isOver = event.type === "step-passed" && because?.kind === "person" && because.sentence === WENT_OVER;
    return isOver ? { ...event, because: { ...because, isPromotedPast: true } } : event;
  },
  // From 4 on it is told when a contract step takes its first thing away; before, it may have from when it was asked for.
  (event) => {
    const effect = event["effect"] as { readonly kind?: string } | undefined;
    return event.type === "effect-requested" && effect?.kind === "migrate"
      ? { ...event, effect: { ...effect, isUntold: true } }
      : event;
  },
];

/** As format 2 has it. */
const WENT_OVER = "Promoted past it by a person.";

/** The shape in which this version of Tidegate writes events. */
export const EVENT_FORMAT = UPCASTERS.length + 1;

const KNOWN: Readonly<Record<EventType, true>> = {
  planned: true,
  started: true,
  "engine-took-over": true,
  "watch-checkpoint": true,
  "step-started": true,
  "effect-requested": true,
  "effect-confirmed": true,
  "effect-failed": true,
  "contract-started": true,
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
  acknowledged: true,
  "stepped-back": true,
  retried: true,
  "share-drifted": true,
  "retirement-brought-forward": true,
  "rollback-decided": true,
  "emergency-noted-late": true,
  "rolled-back": true,
  "went-live": true,
  closed: true,
  failed: true,
};

/** Every type of event that there is. */
export const EVENT_TYPES = Object.keys(KNOWN) as readonly EventType[];

/**
 * An event of any earlier format in today's shape. A newer one stops the engine with a clear message: guessing at
 * what a newer Tidegate meant would be worse than waiting for it.
 */
export function upcast(format: number, event: StoredBody): ReleaseEvent {
  if (format > EVENT_FORMAT || format < 1) throw newer(format, event.type);
  const today = UPCASTERS.slice(format - 1).reduce<StoredBody>((body, next) => next(body), event);
  if (!Object.hasOwn(KNOWN, today.type)) throw newer(format, event.type);
  return today as unknown as ReleaseEvent;
}

function newer(format: number, type: string): FaultError {
  return new FaultError({
    code: "journal-newer",
    what: `The journal holds an event "${type}" of format ${format}, which this version of Tidegate does not know.`,
    fix: "it was written by a newer Tidegate: use that one or a later one",
  });
}
