import { equal } from "node:assert/strict";
import { rmSync } from "node:fs";
import { describe, it } from "node:test";
import { openSqliteJournal } from "../../src/adapters/journal/sqlite.ts";
import { createEngine } from "../../src/engine/engine.ts";
import type { Engine } from "../../src/engine/api.ts";
import { stateFolder } from "../../src/local/state-folder.ts";
import { SECOND } from "../../src/core/time/time.ts";
import { engineUnderTest } from "../support/engine-under-test.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

describe("an engine that acts stops within a second once", () => {
  for (const [file, code] of [
    ["actor.lock", "actor-lock-gone"],
    ["journal.db-wal", "journal-gone"],
  ] as const)
    it(`${file} alone is deleted, so that no two can act`, async () => {
      await using folder = temporaryFolder();
      const state = stateFolder(folder.path);
      await using journal = await openSqliteJournal(state);
      const under = engineUnderTest();
      const start = async (): Promise<Engine> => {
        const started = await createEngine(
          { ...under.ports, journal },
          { engineToken: "", secrets: {}, patrol: false },
        );
        if (started.kind !== "acting") throw new Error("Another engine acts.");
        return started.engine;
      };
      const engine = await start();
      await under.pass(2 * SECOND);
      equal(engine.fenced(), null);
      rmSync(state.file(file));
      await under.pass(2 * SECOND);
      equal(engine.fenced()?.code, code);
      await Promise.all([engine[Symbol.asyncDispose](), under.clock.advance(5 * SECOND)]);
    });
});
