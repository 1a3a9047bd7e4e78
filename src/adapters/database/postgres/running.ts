import type { MigrationProgress } from "../../../ports/migrations.ts";
import type { PostgresFile } from "./read-migrations.ts";
import type { Running } from "./run-unit.ts";

/** A file of which nothing has run yet. */
export function runningOf(
  { file, text }: PostgresFile,
  way: Running["way"],
  tell: (progress: MigrationProgress) => void,
): Running {
  return { file, text, way, tell, longestWaitMs: 0, deleted: new Map() };
}
