import type { Unit } from "./migration-file.ts";

/** What is done of a file when one of its units has failed. */
export function whatIsDone({ from, rows = 0 }: Unit): string {
  const batches = rows === 0 ? [] : [`the ${rows} rows that its batches have changed stay changed`];
  const statements =
    from === 0
      ? []
      : [`its first ${from === 1 ? "statement is done and stays" : `${from} statements are done and stay`}`];
  const done = [...statements, ...batches];
  return done.length === 0 ? "nothing of it was done." : `${done.join(", ")}, and it goes on from there.`;
}
