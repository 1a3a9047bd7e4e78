import { deepEqual, equal, ok } from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { createMemoryJournal } from "../../src/adapters/journal/memory.ts";
import { replay } from "../../src/core/release/evolve.ts";
import { SECOND } from "../../src/core/time/time.ts";
import type { StoredEvent } from "../../src/ports/journal.ts";
import type { Journal } from "../../src/ports/journal.ts";
import { readRecorded } from "../support/recorded-journal.ts";
import { play, SCENARIOS } from "../support/scenarios.ts";
import { standOf } from "../support/stand.ts";

const RECORDINGS = new URL("../fixtures/journals/", import.meta.url);
const { version: today } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  readonly version: string;
};

it("there are recordings of this version, for the later ones", () => {
  ok(readdirSync(RECORDINGS).includes(today), `node scripts/record-journals.ts records ${today}`);
});

for (const version of readdirSync(RECORDINGS)) {
  const folder = new URL(`${version}/`, RECORDINGS);
  describe(`the journals of Tidegate ${version}`, () => {
    for (const name of readdirSync(folder).flatMap((file) => (file.endsWith(".jsonl") ? [file.slice(0, -6)] : []))) {
      it(`replay to where they stood then: ${name}`, () => {
        const release = replay(readRecorded(new URL(`${name}.jsonl`, folder)));
        ok(release !== null);
        deepEqual(standOf(release), JSON.parse(readFileSync(new URL(`${name}.stand.json`, folder), "utf8")));
      });
    }

    it("are finished by today's engine: a release at 5 % goes on to its end", async () => {
      const { under, engine } = await play("at-5-percent");
      await Promise.all([engine[Symbol.asyncDispose](), under.clock.advance(5 * SECOND)]);
      const journal = createMemoryJournal();
      const first = await under.journal.read(1);
      await put(journal, first);
      await put(journal, readRecorded(new URL("at-5-percent.jsonl", folder)));
      Object.assign(under.ports, { journal });
      const next = await under.start();
      await under.until(async () => (await next.status(2))?.state === "live");
      equal(under.traffic.table?.share, 10_000);
      equal(replay(await journal.read(2))?.state, "live");
      await Promise.all([next[Symbol.asyncDispose](), under.clock.advance(5 * SECOND)]);
    });
  });
}

it("every scenario is recorded", () => {
  deepEqual(
    readdirSync(new URL(`${today}/`, RECORDINGS))
      .filter((file) => file.endsWith(".jsonl"))
      .sort(),
    Object.keys(SCENARIOS)
      .map((name) => `${name}.jsonl`)
      .sort(),
  );
});

async function put(journal: Journal, events: readonly StoredEvent[]): Promise<void> {
  for (const { release, seq, event, at, epoch } of events)
    await journal.append(release, seq - 1, [{ event, at }], epoch);
}
