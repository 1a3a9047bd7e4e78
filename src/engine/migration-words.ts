import { formatCount } from "../core/analysis/figures.ts";
import { formatDuration } from "../core/time/time.ts";
import type { MigrationProgress } from "../ports/migrations.ts";

/** null: the end's own words say it. */
export function migrationWords(progress: MigrationProgress): string | null {
  switch (progress.kind) {
    case "waiting-for-lock":
      return `Waiting for ${progress.holder === null ? "the lock" : `${progress.holder.application || "a session"} (process ${progress.holder.pid} of the server), which has the lock`} …`;
    case "trying":
      return `Trying ${progress.count === 1 ? "the pending migration" : `the ${progress.count} pending migrations`} on a copy of the schema …`;
    case "blocked":
      return `${progress.file}:${progress.line} waits, and keeps nobody waiting: ${progress.what}`;
    case "batch":
      return `${progress.file}: ${formatCount(progress.sum)} row${progress.sum === 1 ? "" : "s"} so far`;
    case "lagging":
      return `${progress.file} pauses: a replica is ${formatDuration(progress.lagMs)} behind`;
    case "began":
    case "done":
      return null;
  }
}
