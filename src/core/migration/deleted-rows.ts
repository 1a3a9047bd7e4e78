/** Rows of a table that were there before a migration, and that it deleted, by whatever way. */
export interface DeletedRows {
  readonly table: string;
  /** null: every one, and nobody counted how many those were (TRUNCATE). */
  readonly rows: number | null;
  /** It was cut off in the middle and went on: what it deleted before is not counted. */
  readonly isAtLeast?: true;
}

/** As in "deleted 12 rows of orders". */
export function deletedWords({ table, rows, isAtLeast }: DeletedRows): string {
  if (rows === null) return `every row of ${table}`;
  return `${isAtLeast === true ? "at least " : ""}${rows} ${rows === 1 ? "row" : "rows"} of ${table}`;
}

/** What several have deleted, by table. */
export function deletedInAll(all: readonly DeletedRows[]): readonly DeletedRows[] {
  const sums = new Map<string, DeletedRows>();
  for (const each of all) {
    const before = sums.get(each.table);
    const rows = before?.rows === null || each.rows === null ? null : (before?.rows ?? 0) + each.rows;
    const isAtLeast = before?.isAtLeast === true || each.isAtLeast === true;
    sums.set(each.table, { table: each.table, rows, ...(isAtLeast ? { isAtLeast } : {}) });
  }
  return [...sums.values()];
}
