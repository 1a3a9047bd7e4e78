/** Rows of a table that were there before a migration, and that it deleted, by whatever way. */
export interface DeletedRows {
  readonly table: string;
  readonly rows: number;
}
