import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Happened, ReleaseEvent } from "../../src/core/release/event.ts";
import { FaultError } from "../../src/core/fault.ts";
import type { Journal } from "../../src/ports/journal.ts";
import { USUAL } from "../support/plans.ts";

/** What every journal promises. `make` opens a fresh, empty one. */
export function journalContract(name: string, make: () => Promise<Journal>): void {
  describe(`journal: ${name}`, () => {
    it("gives back what was appended, in order, with a hash chain", async () => {
      await using journal = await make();
      const stored = await journal.append(1, 0, [planned(1), at({ type: "started" })], 3);
      await journal.append(1, 2, [at({ type: "went-live" })], 3);
      const read = await journal.read(1);
      deepEqual(
        read.map(({ seq, event, epoch }) => [seq, event.type, epoch]),
        [
          [1, "planned", 3],
          [2, "started", 3],
          [3, "went-live", 3],
        ],
      );
      deepEqual(read.slice(0, 2), stored);
      equal(new Set(read.map(({ hash }) => hash)).size, 3);
      ok(read.every(({ hash }) => /^[0-9a-f]{64}$/.test(hash)));
      deepEqual(await journal.read(1, 3), read.slice(2));
      deepEqual(await journal.read(2), []);
    });

    it("knows which releases are settled, and that an event after it opens one again", async () => {
      await using journal = await make();
      for (const id of [1, 2, 3]) await journal.append(id, 0, [planned(id)], 1);
      await journal.settle(1, 1);
      await journal.settle(3, 1);
      deepEqual(await journal.open(), [2]);
      await journal.append(1, 1, [at({ type: "started" })], 1);
      deepEqual(await journal.open(), [2, 1]);
      await journal.settle(1, 1);
      deepEqual(await journal.open(), [2, 1]);
    });

    it("refuses to append after anything but the newest event, and then appends nothing", async () => {
      await using journal = await make();
      await journal.append(1, 0, [planned(1)], 1);
      await rejects(journal.append(1, 0, [planned(1)], 1), isFault("journal-conflict"));
      await rejects(journal.append(1, 5, [at({ type: "started" })], 1), isFault("journal-conflict"));
      equal((await journal.read(1)).length, 1);
    });

    it("lists releases, newest first, by app and environment", async () => {
      await using journal = await make();
      await journal.append(1, 0, [planned(1)], 1);
      await journal.append(2, 0, [planned(2, "staging")], 1);
      await journal.append(3, 0, [planned(3)], 1);
      deepEqual(await journal.releases(), [3, 2, 1]);
      deepEqual(await journal.releases({ app: "shop", environment: "production" }), [3, 1]);
      deepEqual(await journal.releases({ app: "other", environment: "production" }), []);
    });

    it("keeps requests until they are answered, each once", async () => {
      await using journal = await make();
      const first = await journal.ask({ release: 1, body: { kind: "command" }, by: "ann", at: 5 });
      const second = await journal.ask({ release: null, body: { kind: "release" }, by: "bob", at: 6 });
      deepEqual(
        (await journal.openRequests()).map(({ id, release, by }) => [id, release, by]),
        [
          [first, 1, "ann"],
          [second, null, "bob"],
        ],
      );
      equal(await journal.answerTo(first), null);
      await journal.answer(first, { kind: "accepted" }, 0);
      await journal.answer(first, { kind: "refused" }, 0);
      deepEqual(await journal.answerTo(first), { kind: "accepted" });
      deepEqual(
        (await journal.openRequests()).map(({ id }) => id),
        [second],
      );
    });

    it("raises the epoch, never twice to the same", async () => {
      await using journal = await make();
      const first = await journal.raiseEpoch();
      ok((await journal.raiseEpoch()) > first);
      equal(await journal.epoch(), first + 1);
      equal(await journal.raiseEpoch(50), 51);
      equal(await journal.raiseEpoch(7), 52);
    });

    it("refuses what an engine says that another one has taken over from (I3)", async () => {
      await using journal = await make();
      const first = await journal.raiseEpoch();
      await journal.append(1, 0, [planned(1)], first);
      const request = await journal.ask({ release: 1, body: {}, by: "ann", at: 5 });
      await journal.raiseEpoch();
      await rejects(journal.append(1, 1, [at({ type: "started" })], first), isFault("stale-epoch"));
      await rejects(journal.answer(request, { kind: "refused" }, first), isFault("stale-epoch"));
      equal((await journal.read(1)).length, 1);
      equal(await journal.answerTo(request), null);
    });

    it("lets one act at a time (I3)", async () => {
      await using journal = await make();
      const lock = await journal.takeActorLock();
      ok(lock !== null);
      equal(await journal.takeActorLock(), null);
      await lock[Symbol.asyncDispose]();
      const again = await journal.takeActorLock();
      ok(again !== null);
      await again[Symbol.asyncDispose]();
    });
  });
}

export function at(event: ReleaseEvent): Happened {
  return { event, at: { wall: 1_700_000_000_000, watched: 0 } };
}

export function planned(release: number, environment = "production"): Happened {
  return at({
    type: "planned",
    release,
    app: "shop",
    environment,
    stable: null,
    candidate: { version: "v2", label: "v2", slot: "green" },
    offset: 0,
    plan: USUAL,
    planHash: "hash",
    by: "ann",
  });
}

export function isFault(code: string): (error: unknown) => boolean {
  return (error) => error instanceof FaultError && error.fault.code === code;
}
