import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { backupLines, restoredLines } from "../../src/cli/render/backup-view.ts";
import { faultLines } from "../../src/cli/render/fault-lines.ts";
import { upLines } from "../../src/cli/render/migrations-view.ts";
import type { BackupRecord } from "../../src/core/backup/record.ts";
import { describeFault } from "../../src/core/fault.ts";

const STYLE = { width: 80, colours: false, unicode: true } as const;

function mustFit(lines: readonly string[]): void {
  for (const line of lines.flatMap((each) => each.split("\n")))
    ok(Array.from(line).length <= STYLE.width, `${line.length} columns: ${line}`);
}

const RECORD: BackupRecord = {
  format: 1,
  id: "20261122-062150-5b8e",
  file: "20261122-062150-5b8e.dump",
  database: { kind: "postgres", place: "shop_of_the_north at database-1.example.com:5432", engine: "15.18" },
  madeAt: 0,
  by: "ann",
  release: null,
  tool: "pg_dump 15.18",
  bytes: 1_000,
  sha256: "0".repeat(64),
  recipients: 0,
  contents: { tables: [{ name: "orders", rows: 1, checksum: "1" }], objects: {} },
  dumpMs: 1,
  restorePoint: null,
  proof: { proof: "restore", at: 0, decodeMs: 1, restoreMs: 1, checksMs: 1, tables: 1, rows: 1, drill: null },
  trouble: null,
  upload: null,
};

describe("What is written to a terminal fits into its width", () => {
  it("when a backup is made and restored", () => {
    mustFit(backupLines({ record: RECORD, path: "/backups/b.dump", removed: [], notes: [] }, false, STYLE));
    const times = { restoreMs: 1, checksMs: 1, swapMs: 1 };
    const restored = { record: RECORD, target: RECORD.database.place, keptAs: null, tables: 1, rows: 1, notes: [] };
    mustFit(restoredLines({ ...restored, ...times }, STYLE));
  });

  it("when a migration is tried that locks a lot", () => {
    const locks = ["orders", "customers", "addresses", "invoices"].map((table) => `ACCESS EXCLUSIVE on ${table}`);
    const tried = [{ line: 3, sql: "DROP TABLE orders CASCADE", tookMs: 12, rows: null, locks, rewritten: [] }];
    const run = {
      file: "1_a.sql",
      version: "1",
      phase: "expand",
      statements: 1,
      tookMs: 12,
      longestWaitMs: 0,
    } as const;
    const lines = upLines({ applied: [{ ...run, tried }], already: 0, pendingLater: [] }, true, STYLE);
    mustFit(lines);
    ok(locks.every((lock) => lines.join("\n").includes(lock)));
  });

  it("when something went wrong, each row's later lines under its first; nothing of it is lost", () => {
    const fault = {
      code: "migration-blocked",
      what: `db/migrations/20261122093000_add_notes.sql did not get its locks within 2m; nothing of it was done.`,
      where: "db/migrations/20261122093000_add_notes.sql:1",
      cause: "canceling statement due to lock timeout, as it had waited for longer than it may, again and again",
      fix: "wait until they are done, or end them: SELECT pg_terminate_backend(4711); then: tidegate migrate up\nor wait",
    };
    const lines = faultLines(fault, STYLE.width);
    mustFit(lines);
    const words = (text: string): readonly string[] => text.split(/\s+/);
    deepEqual(words(lines.join("\n")), words(describeFault(fault)));
    const under = lines.filter((line) => line.startsWith(" ".repeat(9)));
    equal(under.length, 3);
    equal(faultLines(fault, Number.POSITIVE_INFINITY).join("\n"), describeFault(fault));
  });
});
