import { deepEqual } from "node:assert/strict";
import { it } from "node:test";
import { nowAndThen } from "../../src/cli/migrations/now-and-then.ts";
import type { MigrationProgress } from "../../src/ports/migrations.ts";

it("A backfill's batches are told every few seconds, and the last of them at its end", () => {
  const told: (number | string)[] = [];
  let now = 0;
  const tell = nowAndThen(
    (progress: MigrationProgress) => told.push(progress.kind === "batch" ? progress.sum : progress.kind),
    () => now,
  );
  tell({ kind: "began", file: "1.sql", way: "up" });
  for (let sum = 10; sum <= 650; sum += 10) {
    now += 100;
    tell({ kind: "batch", file: "1.sql", rows: 10, sum });
  }
  tell({ kind: "done", file: "1.sql", way: "up", tookMs: now });
  deepEqual(told, ["began", 300, 600, 650, "done"]);
});
