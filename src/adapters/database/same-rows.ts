/** What is known of a table while a backfill is repeated in it. */
export interface Rows {
  /** That are there now. */
  readonly there: number;
  /** That others have deleted since it began, as far as anybody knows. */
  readonly gone: number;
}

/**
 * Whether a backfill changes rows that it had changed before: asked with what it changed in all, batch by batch. The table is only
 * counted when so many were changed that it is worth it.
 * `supposed`: how many rows the table has, as far as is known for nothing. `count`: null where nobody can say.
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
