import type { Happened, ReleaseEvent } from "../core/release/event.ts";
import type { Instant } from "../core/time/time.ts";

/**
 * The append-only, hash-chained events of every release: its only truth. Every method throws FaultError;
 * `journal-unavailable` when the store refuses (disk full, locked for too long), `journal-gone` when it or a part
 * of it is not there any more, or another is in its place; `actor-lock-gone` when that befell the lock that this one took.
 */
export interface Journal extends AsyncDisposable {
  /** Ids of the releases, newest first, of one app and environment or of all. */
  releases(of?: { readonly app: string; readonly environment: string }): Promise<readonly number[]>;
  /** Ids of the releases that may not have ended yet, newest first: all but those settled with their last event. */
  open(): Promise<readonly number[]>;
  /** Notes that nothing is left to do for a release after its event `seq`. A cache: an event after it opens it again. */
  settle(release: number, seq: number): Promise<void>;
  /** Events of a release with seq ≥ from, in order; empty for an unknown one. */
  read(release: number, from?: number): Promise<readonly StoredEvent[]>;
  /**
   * Appends after the event with seq `after` (0: a new release); durable when it resolves. All or none.
   * Faults: journal-conflict, when another event stands there already; stale-epoch, when a newer engine has taken over.
   */
  append(release: number, after: number, events: readonly Happened[], epoch: number): Promise<readonly StoredEvent[]>;

  /** Writes down what a person asks, for the engine that acts; answers its number. */
  ask(request: NewRequest): Promise<number>;
  /** Requests that have no answer yet, oldest first. */
  openRequests(): Promise<readonly Request[]>;
  /** Once for each request; a second answer changes nothing. Faults: stale-epoch, when a newer engine has taken over. */
  answer(request: number, answer: unknown, epoch: number): Promise<void>;
  /** null: not answered yet. */
  answerTo(request: number): Promise<unknown>;

  /** A number higher than any before it and than `above`, for the engine that takes over. */
  raiseEpoch(above?: number): Promise<number>;
  epoch(): Promise<number>;
  /** The right to act, held until it is disposed of or the process dies; null when somebody else has it (I3). */
  takeActorLock(): Promise<AsyncDisposable | null>;
}

export interface StoredEvent extends Happened {
  readonly release: number;
  /** From 1. */
  readonly seq: number;
  readonly epoch: number;
  readonly event: ReleaseEvent;
  /** Of this event and the hash before it: hex SHA-256. */
  readonly hash: string;
}

export interface NewRequest {
  readonly release: number | null;
  readonly body: unknown;
  readonly by: string;
  readonly at: Instant;
}

export interface Request extends NewRequest {
  readonly id: number;
}
