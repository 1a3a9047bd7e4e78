import type { EventOf, EventType, Within } from "../../../src/core/release/event.ts";
import type { Effect } from "../../../src/core/release/effect.ts";
import type { Fact } from "../fact.ts";

/**
 * What the journal says of a release, read in the simplest way that will do: told apart from the engine's own reading
 * on purpose, so that a mistake in that one is not repeated here.
 */
export interface Entry {
  readonly planned: EventOf<"planned">;
  state: "running" | "live" | "closed" | "undoing" | "rolled-back" | "failed";
  /** The engine that took over last. */
  epoch: number;
  lastWall: number;
  /** By key: everything that was ever asked of the outside. */
  readonly effects: Map<string, Asked>;
  standbyRetired: boolean;
  liveAt: number | null;
  /** Where it was when the undoing began or it failed. */
  before: Entry["state"];
}

export interface Asked {
  readonly name: string;
  readonly within: Within;
  readonly effect: Effect;
  readonly inverse: Effect | null;
  state: "open" | "confirmed" | "failed" | "forgotten";
  /** Virtual time. */
  askedAt: number;
  /** Journal's own wall time. */
  askedWall: number;
  /** Of the engine that asked. */
  epoch: number;
}

export type Ledger = Map<number, Entry>;

type Reader<T extends EventType> = (
  entry: Entry,
  event: EventOf<T>,
  at: { readonly virtual: number; readonly wall: number },
) => void;

const READERS: { readonly [T in EventType]?: Reader<T> } = {
  "engine-took-over": (entry, { epoch }) => void (entry.epoch = epoch),
  "effect-requested": (entry, { key, name, within, effect, inverse }, at) => {
    entry.effects.set(key, {
      name,
      within,
      effect,
      inverse,
      state: "open",
      askedAt: at.virtual,
      askedWall: at.wall,
      epoch: entry.epoch,
    });
  },
  "effect-confirmed": (entry, { key }) => {
    const asked = entry.effects.get(key);
    if (asked === undefined) return;
    asked.state = "confirmed";
    if (asked.effect.kind === "settle" && asked.effect.on === "candidate") entry.standbyRetired = true;
  },
  "effect-failed": (entry, { key }) => {
    const asked = entry.effects.get(key);
    if (asked !== undefined) asked.state = "failed";
  },
  retried: (entry) => {
    // What failed or hung is asked for again where it is still wanted.
    for (const asked of entry.effects.values()) if (asked.state === "open") asked.state = "forgotten";
    if (entry.state === "failed") entry.state = entry.before;
  },
  "rollback-decided": (entry) => {
    entry.before = entry.state;
    entry.state = "undoing";
  },
  "rolled-back": (entry) => void (entry.state = "rolled-back"),
  failed: (entry) => {
    if (entry.state !== "failed") entry.before = entry.state;
    entry.state = "failed";
  },
  "went-live": (entry, _, { wall }) => {
    entry.state = "live";
    entry.liveAt = wall;
  },
  closed: (entry) => void (entry.state = "closed"),
  "stepped-back": (entry) => {
    if (entry.state === "live") entry.state = "running";
  },
};

/** Keeps a ledger up to date; to be called with each fact before the rule looks at it. */
export function readInto(ledger: Ledger, fact: Fact): void {
  if (fact.kind !== "appended") return;
  for (const { event, epoch, at } of fact.events) {
    if (event.type === "planned") {
      ledger.set(fact.release, {
        planned: event,
        state: "running",
        epoch,
        lastWall: at.wall,
        effects: new Map(),
        standbyRetired: false,
        liveAt: null,
        before: "running",
      });
      continue;
    }
    const entry = ledger.get(fact.release);
    if (entry === undefined) continue;
    entry.lastWall = at.wall;
    const read = READERS[event.type] as ((...all: readonly unknown[]) => void) | undefined;
    read?.(entry, event, { virtual: fact.at, wall: at.wall });
  }
}
