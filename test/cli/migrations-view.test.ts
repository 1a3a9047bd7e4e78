import { equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { pendingWords } from "../../src/cli/render/migrations-view.ts";
import type { PendingMigration } from "../../src/ports/migrations.ts";

const words = (more: Partial<PendingMigration>): string =>
  pendingWords({
    version: "1",
    file: "db/1_fill.sql",
    phase: "backfill",
    reached: null,
    statements: 1,
    isReversible: true,
    drops: [],
    ...more,
  });

describe("A pending migration", () => {
  it("that was begun is told by its statements, and a backfill by the rows that it has done", () => {
    equal(words({}), "backfill");
    equal(words({ reached: 2, statements: 3 }), "backfill, begun: 2 of 3 statements are done");
    equal(words({ reached: 0, batchRows: 1_200 }), "backfill, begun: 1 200 rows done so far");
    equal(
      words({ reached: 1, statements: 2, batchRows: 1 }),
      "backfill, begun: 1 of 2 statements are done, and 1 row of the next",
    );
  });
});
