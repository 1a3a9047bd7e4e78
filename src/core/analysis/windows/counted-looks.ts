import type { GuardId } from "../../plan/guard.ts";

/** Looks by what they found: `errors:rollback`. */
export type LookCounts = Readonly<Record<string, number>>;

/** Counts looks, one a second: those in a row, and those of the whole step. */
export interface CountedLooks {
  /** One more of this kind: how many there are in a row now. A row ends with the first look in which this isn't asked. */
  readonly again: (kind: string) => number;
  /** One more of this kind in the step: how many there are now. */
  readonly oneMore: (kind: string) => number;
  /** How many of this kind there were in the step. */
  readonly inStep: (kind: string) => number;
  /**
   * For a guard whose figures come less often than looks do, by the second of the newest (null: there is none): the looks between two of
   * them are not counted, and end no row.
   */
  readonly byReading: (guard: GuardId, newest: number | null) => CountedLooks;
  /** For the next look. */
  readonly rows: () => LookCounts;
  readonly totals: () => LookCounts;
}

/** Goes on counting from the look before. */
export function countLooks(rows: LookCounts, totals: LookCounts): CountedLooks {
  const now: Record<string, number> = {};
  let all = totals;
  const counted: CountedLooks = {
    again: (kind) => {
      now[kind] = (rows[kind] ?? 0) + 1;
      return now[kind];
    },
    oneMore: (kind) => {
      all = { ...all, [kind]: (all[kind] ?? 0) + 1 };
      return all[kind] ?? 0;
    },
    inStep: (kind) => all[kind] ?? 0,
    byReading: (guard, newest) => {
      const key = `${guard}:reading`;
      if (newest !== null) now[key] = newest;
      if (newest === null || rows[key] !== newest) return counted;
      return {
        ...counted,
        again: (kind) => (now[kind] = rows[kind] ?? 0),
        oneMore: (kind) => all[kind] ?? 0,
      };
    },
    rows: () => now,
    totals: () => all,
  };
  return counted;
}
