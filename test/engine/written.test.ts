import { deepEqual, equal, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import { createMemoryJournal, type MemoryJournal } from "../../src/adapters/journal/memory.ts";
import type { ReleaseEvent } from "../../src/core/release/event.ts";
import { replay } from "../../src/core/release/evolve.ts";
import { FaultError } from "../../src/core/fault.ts";
import type { Journal } from "../../src/ports/journal.ts";
import { written, type Written } from "../../src/engine/written.ts";
import { at, isFault, planned } from "../contract/journal.ts";

const REFUSED = { code: "journal-unavailable", what: "The disk is full." };
const PAUSED: ReleaseEvent = { type: "paused", by: "ann" };
const RESUMED: ReleaseEvent = { type: "resumed", by: "ann" };

interface Bench {
  readonly journal: MemoryJournal;
  readonly book: Written;
  readonly took: string[];
  /** The next append is done, and its answer says that it was not. */
  readonly loseNextAnswer: () => void;
  /** Nobody can read for so many times. */
  readonly failReads: (times: number) => void;
  readonly types: () => Promise<readonly string[]>;
}

async function bench(refused: readonly ReleaseEvent[] | null = null): Promise<Bench> {
  const memory = createMemoryJournal();
  const stored = await memory.append(1, 0, [planned(1), at({ type: "started" })], 0);
  const release = replay(stored);
  if (release === null) throw new Error("A planned release replays.");
  let ticks = 5;
  let loses = false;
  let unreadable = 0;
  const journal: Journal = {
    ...memory,
    append: async (...args) => {
      const done = await memory.append(...args);
      if (!loses) return done;
      loses = false;
      throw new FaultError(REFUSED);
    },
    read: async (...args) => {
      if (unreadable > 0) {
        unreadable -= 1;
        throw new FaultError(REFUSED);
      }
      return memory.read(...args);
    },
  };
  const took: string[] = [];
  return {
    journal: memory,
    took,
    book: written({
      journal,
      epoch: 0,
      release,
      seq: 2,
      // Time goes on between two looks at the clock.
      now: () => ({ wall: (ticks += 1), watched: ticks }),
      took: async (events) => void took.push(...events.map(({ type }) => type)),
      refused: async () => refused,
    }),
    loseNextAnswer: () => void (loses = true),
    failReads: (times) => void (unreadable = times),
    types: async () => (await memory.read(1, 3)).map(({ event }) => event.type),
  };
}

describe("what the journal has of a release", () => {
  it("replays to what is known here, to the millisecond", async () => {
    const { book, journal } = await bench();
    await book.append([PAUSED]);
    deepEqual(replay(await journal.read(1)), book.release());
    await book.append([RESUMED, PAUSED]);
    deepEqual(replay(await journal.read(1)), book.release());
  });

  it("is what was taken, and nothing of what was refused", async () => {
    const { book, journal, took, types } = await bench();
    journal.failNext(REFUSED);
    await rejects(book.append([PAUSED]), isFault("journal-unavailable"));
    equal(book.release().paused, null);
    await book.append([PAUSED]);
    equal(book.release().paused?.by, "ann");
    deepEqual([took, await types()], [["paused"], ["paused"]]);
  });

  it("is made sure of when an answer is lost: what was done is not done again", async () => {
    const { book, took, types, loseNextAnswer } = await bench();
    loseNextAnswer();
    await book.append([PAUSED]);
    equal(book.release().paused?.by, "ann");
    await book.append([RESUMED]);
    deepEqual(
      [took, await types()],
      [
        ["paused", "resumed"],
        ["paused", "resumed"],
      ],
    );
  });

  it("is made sure of later where it can't be read at first", async () => {
    const { book, types, loseNextAnswer, failReads } = await bench();
    loseNextAnswer();
    failReads(1);
    await rejects(book.append([PAUSED]), isFault("journal-unavailable"));
    equal(book.release().paused, null);
    await book.catchUp();
    equal(book.release().paused?.by, "ann");
    deepEqual(await types(), ["paused"]);
  });

  it("gets what it is owed first, and once", async () => {
    const { book, journal, types, loseNextAnswer, failReads } = await bench();
    journal.failNext(REFUSED);
    book.owe(PAUSED);
    await rejects(book.catchUp(), isFault("journal-unavailable"));
    equal(book.state().paused?.by, "ann");
    equal(book.release().paused, null);
    loseNextAnswer();
    failReads(1);
    await rejects(book.append([RESUMED]), isFault("journal-unavailable"));
    book.owe({ type: "watch-checkpoint" });
    await book.catchUp();
    deepEqual(await types(), ["paused", "resumed", "watch-checkpoint"]);
    equal(book.isOwed(), false);
  });

  it("does not count what went ahead of it twice when it was written after all", async () => {
    const { book, types, loseNextAnswer, failReads } = await bench([PAUSED, { type: "watch-checkpoint" }]);
    loseNextAnswer();
    failReads(1);
    await rejects(book.append([PAUSED]), isFault("journal-unavailable"));
    await book.catchUp();
    deepEqual(await types(), ["paused", "watch-checkpoint"]);
  });

  it("is another engine's where that has written: this one acts no more", async () => {
    const { book, journal } = await bench();
    await journal.append(1, 2, [at({ type: "engine-took-over", epoch: 4, awayMs: 0 })], 4);
    await rejects(book.append([PAUSED]), isFault("stale-epoch"));
  });
});
