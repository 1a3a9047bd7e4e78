import { setTimeout as delay } from "node:timers/promises";
import { FaultError } from "../core/fault.ts";
import { evolve } from "../core/release/evolve.ts";
import { type Release } from "../core/release/release.ts";
import type { Status } from "../core/status/status.ts";
import type { StoredEvent } from "../ports/journal.ts";
import { journalStatus, type Session } from "./session.ts";

/** Where what happens is shown. Disposing of it puts the terminal back as it was. */
export interface FollowView extends Disposable {
  /** `before`: the release without the event; null: it is the first. */
  event(stored: StoredEvent, release: Release, before: Release | null): void;
  picture(status: Status, release: Release): void;
  /** The last word, once; `stopped` when the user looked away before the release came to rest. */
  end(status: Status, release: Release, because: Followed["because"]): void;
}

export interface Following {
  readonly session: Session;
  readonly release: number;
  readonly view: FollowView;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Whether to stop looking; asked only when nothing has happened for a while. */
  readonly isEnough: (status: Status) => boolean;
  /** Events up to this one are not news. */
  readonly after?: number;
}

export interface Followed {
  readonly status: Status;
  readonly release: Release;
  readonly because: "enough" | "stopped";
}

/** Four pictures a second at most. */
const LOOK_MS = 250;
/** What waits for a person just now may go on in the next instant: it must have stood for a while. */
const QUIET_MS = 700;

/** Shows a release until it is enough, or until Ctrl-C. */
export async function follow({
  session,
  release: id,
  view,
  signal,
  isEnough,
  after = 0,
}: Following): Promise<Followed> {
  const tail = openTail(session, id, after);
  let changedAt = performance.now();
  for (;;) {
    const fresh = await tail.advance();
    for (const { stored, release, before } of fresh.events) view.event(stored, release, before);
    if (fresh.events.length > 0) changedAt = performance.now();
    const status = (await session.status(id)) ?? journalStatus(fresh.release);
    if (status === null) throw unknownRelease(id);
    if (session.actor() === null && session.takeOver !== undefined && needsAnActor(status) && !signal.aborted) {
      await session.takeOver();
      continue;
    }
    view.picture(status, fresh.release);
    const isQuiet = performance.now() - changedAt >= QUIET_MS;
    const isAtRest = (isQuiet || isOver(status)) && isEnough(status);
    if (isAtRest || signal.aborted) {
      const because = isAtRest ? "enough" : "stopped";
      view.end(status, fresh.release, because);
      return { status, release: fresh.release, because };
    }
    await delay(LOOK_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Nothing more comes of it by itself. */
export function isOver({ state }: Status): boolean {
  return state === "closed" || state === "rolled-back" || state === "failed";
}

/** Over, or nothing goes on before a person or a date. */
export function isSettled(status: Status): boolean {
  if (isOver(status)) return true;
  if (status.state === "rolling-back") return false;
  if (status.hold?.needsPerson === true || status.paused !== null) return status.current?.waitsFor !== "effect";
  return status.state === "live" && status.current?.waitsFor === "start-time";
}

/**
 * Whoever acts must stay while a part of the traffic is on the candidate: alone it would go back to stable. So too while all of it
 * is there and its step may still put it back: unwatched a bad version would keep everybody.
 */
export function needsWatching(status: Status): boolean {
  if (isOver(status) || status.sharePercent === 0) return false;
  return status.sharePercent < 100 || isLastShareJudged(status);
}

/** The share is given and has yet to pass, there is a version to go back to, and the engine would do so by itself. */
function isLastShareJudged({ steps, current, stable, hold }: Status): boolean {
  const step = current === null ? undefined : steps.find(({ id }) => id === current.step);
  const isPutBack = stable !== null && hold?.endsByItself !== false;
  return isPutBack && step?.kind === "shift" && step.state === "running";
}

/** It stands still without one, or goes back to stable. */
function needsAnActor(status: Status): boolean {
  return !isSettled(status) || needsWatching(status);
}

interface Tail {
  advance(): Promise<{ readonly events: readonly Told[]; readonly release: Release }>;
}

interface Told {
  readonly stored: StoredEvent;
  readonly release: Release;
  readonly before: Release | null;
}

/** Reads a release's journal on from where it was; events up to `after` are replayed in silence. */
function openTail(session: Session, id: number, after: number): Tail {
  let release: Release | null = null;
  let seq = 0;
  return {
    advance: async () => {
      const events: Told[] = [];
      for (const stored of await session.journal.read(id, seq + 1)) {
        const before = release;
        release = evolve(before, stored);
        seq = stored.seq;
        if (seq > after) events.push({ stored, release, before });
      }
      if (release === null) throw unknownRelease(id);
      return { events, release };
    },
  };
}

export function unknownRelease(id: number): FaultError {
  return new FaultError({
    code: "release-unknown",
    what: `There is no release ${id}.`,
    fix: "tidegate status lists the newest",
  });
}
