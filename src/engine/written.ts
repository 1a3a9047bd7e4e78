import type { ReleaseEvent } from "../core/release/event.ts";
import { evolve } from "../core/release/evolve.ts";
import { FaultError } from "../core/fault.ts";
import type { Release } from "../core/release/release.ts";
import type { Moment } from "../core/time/time.ts";
import type { Journal } from "../ports/journal.ts";

/** What the journal has of a release, and what it has yet to be told. To be asked for one thing at a time. */
export interface Written {
  /** As the journal has it. */
  release(): Release;
  /** Of its newest event. */
  seq(): number;
  /** With what is owed to the journal. */
  state(): Release;
  isOwed(): boolean;
  /** It has happened, and the journal is told of it before anything else: what nobody remembers is waited for for ever. */
  owe(event: ReleaseEvent): void;
  /** What is owed goes first. Faults: the journal's. */
  append(events: readonly ReleaseEvent[]): Promise<void>;
  /** Makes sure of what the journal has, and tells it what it is owed. Faults: the journal's, stale-epoch. */
  catchUp(): Promise<void>;
}

export interface WrittenInput {
  readonly journal: Journal;
  readonly epoch: number;
  readonly release: Release;
  readonly seq: number;
  readonly now: () => Moment;
  /** Called with what the journal has taken, once it is the state. */
  readonly took: (events: readonly ReleaseEvent[]) => Promise<void>;
  /**
   * The journal refuses what would lead to `next`: what was done all the same, as events that it is owed instead; null
   * where nothing may go before the journal.
   */
  readonly refused: (
    events: readonly ReleaseEvent[],
    next: Release,
    refusal: unknown,
  ) => Promise<readonly ReleaseEvent[] | null>;
}

export function written({ journal, epoch, now, took, refused, ...begin }: WrittenInput): Written {
  let { release, seq } = begin;
  let owed: readonly ReleaseEvent[] = [];
  /** Of what is owed, so much may be in the journal already: the answer to an append was lost, or said no when it was done. */
  let doubtful: number | null = null;

  /** `at`: the moment that stands in the journal, for a replay makes the same of it. */
  const after = (events: readonly ReleaseEvent[], at: Moment): Release =>
    events.reduce((state, event) => evolve(state, { event, at }), release);

  const take = async (next: Release, events: readonly ReleaseEvent[]): Promise<void> => {
    release = next;
    seq += events.length;
    await took(events);
  };

  /** Whether the journal had more than was known. */
  const makeSure = async (): Promise<boolean> => {
    if (doubtful === null) return false;
    const found = await journal.read(release.id, seq + 1);
    if (found.some((each) => each.epoch !== epoch)) throw takenOver(release.id, epoch);
    owed = owed.slice(found.length === 0 ? 0 : doubtful);
    doubtful = null;
    if (found.length === 0) return false;
    await take(
      found.reduce((state, stored) => evolve(state, stored), release),
      found.map(({ event }) => event),
    );
    return true;
  };

  const append = async (more: readonly ReleaseEvent[]): Promise<void> => {
    const at = now();
    const events = [...owed, ...more];
    // Evolve first: what can't follow must not get into the journal.
    const next = after(events, at);
    try {
      await journal.append(
        release.id,
        seq,
        events.map((event) => ({ event, at })),
        epoch,
      );
    } catch (error) {
      doubtful = owed.length;
      if (await makeSure().catch(unlessTakenOver)) return;
      const ahead = await refused(events, next, error);
      if (ahead !== null) {
        owed = ahead;
        // Its last event says that something went ahead, and is in no journal yet.
        if (doubtful !== null) doubtful = ahead.length - 1;
      }
      throw error;
    }
    owed = [];
    await take(next, events);
  };

  return {
    release: () => release,
    seq: () => seq,
    state: () => after(owed, now()),
    isOwed: () => owed.length > 0,
    owe: (event) => void (owed = [...owed, event]),
    append,
    catchUp: async () => {
      await makeSure();
      if (owed.length > 0) await append([]);
    },
  };
}

function takenOver(release: number, epoch: number): FaultError {
  return new FaultError({
    code: "stale-epoch",
    what: `Another engine has written to release ${release}: this one (epoch ${epoch}) acts no more.`,
    fix: "tidegate status",
  });
}

function unlessTakenOver(error: unknown): false {
  if (error instanceof FaultError && error.fault.code === "stale-epoch") throw error;
  return false;
}
