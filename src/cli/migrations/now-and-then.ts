import type { MigrationProgress } from "../../ports/migrations.ts";

const BETWEEN_MS = 3_000;

/** Of a backfill's thousands of batches tells one every few seconds, and how many rows it was in the end; all else at once. */
export function nowAndThen(
  tell: (progress: MigrationProgress) => void,
  now: () => number,
): (progress: MigrationProgress) => void {
  let toldAt = now();
  let untold: MigrationProgress | null = null;
  return (progress) => {
    if (progress.kind === "batch" && now() - toldAt < BETWEEN_MS) {
      untold = progress;
      return;
    }
    if (progress.kind !== "batch" && untold !== null) tell(untold);
    untold = null;
    toldAt = now();
    tell(progress);
  };
}
