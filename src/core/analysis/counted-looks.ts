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
  /** For the next look. */
  readonly rows: () => LookCounts;
  readonly totals: () => LookCounts;
}

/** Goes on counting from the look before. */
export function countLooks(rows: LookCounts, totals: LookCounts): CountedLooks {
  const now: Record<string, number> = {};
  let all = totals;
  return {
    again: (kind) => {
      now[kind] = (rows[kind] ?? 0) + 1;
      return now[kind];
    },
    oneMore: (kind) => {
      all = { ...all, [kind]: (all[kind] ?? 0) + 1 };
      return all[kind] ?? 0;
    },
    inStep: (kind) => all[kind] ?? 0,
    rows: () => now,
    totals: () => all,
  };
}
