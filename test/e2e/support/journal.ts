import assert from "node:assert/strict";
import { openSqliteJournal } from "../../../src/adapters/journal/sqlite.ts";
import { chain } from "../../../src/adapters/journal/chain.ts";
import { canonicalJson } from "../../../src/core/text/canonical-json.ts";
import type { EventOf, EventType } from "../../../src/core/release/event.ts";
import { replay } from "../../../src/core/release/evolve.ts";
import { type Status, statusOf } from "../../../src/core/status/status.ts";
import { EVENT_FORMAT } from "../../../src/core/release/upcast.ts";
import type { StoredEvent } from "../../../src/ports/journal.ts";
import type { App } from "./app.ts";

/** All events of a release, as they lie on disk. */
export async function eventsOf(app: App, release: number): Promise<readonly StoredEvent[]> {
  await using journal = await openSqliteJournal(app.state);
  return await journal.read(release);
}

export function ofType<T extends EventType>(events: readonly StoredEvent[], type: T): readonly EventOf<T>[] {
  return events.map(({ event }) => event).filter((event): event is EventOf<T> => event.type === type);
}

/** How often each effect was confirmed, by `step/attempt/name`. Once each, or something was done twice. */
export function confirmations(events: readonly StoredEvent[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { key } of ofType(events, "effect-confirmed")) counts[key] = (counts[key] ?? 0) + 1;
  return counts;
}

/**
 * Replaying the journal gives what the status said (I5), the events follow each other without a gap, and each is
 * chained to the one before it.
 */
export async function assertReplayEquals(app: App, status: Status): Promise<readonly StoredEvent[]> {
  const events = await eventsOf(app, status.release);
  const release = replay(events);
  assert.ok(release !== null);
  assert.deepEqual(lasting(statusOf(release, release.lastAt, null)), lasting(status));
  let hash = "";
  for (const [index, { seq, release: id, at, epoch, event, hash: stored }] of events.entries()) {
    assert.equal(seq, index + 1);
    hash = chain(hash, id, seq, EVENT_FORMAT, at.wall, at.watched, epoch, JSON.stringify(event));
    assert.equal(stored, hash, `event ${seq} is chained to the one before it`);
  }
  return events;
}

/** Without what goes on with the clock, and who looks, which no journal knows. */
function lasting(status: Status): unknown {
  const { elapsedMs: _, versions: __, deploymentMs: ___, isWatched: ______, current, steps, ...rest } = status;
  const { nextDecisionInMs: ____, ...stands } = current ?? {};
  return JSON.parse(
    canonicalJson({ ...rest, current: stands, steps: steps.map(({ tookMs: _____, ...step }) => step) }),
  ) as unknown;
}
