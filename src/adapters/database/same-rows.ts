/** What is known of a table while a backfill is repeated in it. */
export interface Rows {
  /** That are there now. */
  readonly there: number;
  /** That others have deleted since it began, as far as anybody knows. */
  readonly gone: number;
}

/**
 * Whether a backfill changes rows that it had changed before: asked after each batch with how many it has changed in all. The table is counted
 * only once that is more than it is supposed to have. `supposed`: how many rows that is, as far as is known without counting. `count`: null where
 * nobody can say.
 */
export function watchForSameRows(
  supposed: number,
  count: () => Promise<Rows | null>,
  says: (sum: number, there: number) => string = (sum, there) => `it changed ${sum} rows, and the table has ${there}`,
): (sum: number) => Promise<string | null> {
  let enough = supposed;
  return async (sum) => {
    if (sum <= enough) return null;
    const rows = await count();
    enough = rows === null ? Number.POSITIVE_INFINITY : rows.there + rows.gone;
    if (rows === null || sum <= enough) return null;
    return `${says(sum, rows.there)}: it finds the same rows again and would never end. Give it a WHERE that no longer matches what is done`;
  };
}

/** How many rows come of tables that are joined without a condition. */
export function joined(tables: readonly number[]): number {
  return tables.reduce((rows, each) => rows * Math.max(1, each), 1);
}
