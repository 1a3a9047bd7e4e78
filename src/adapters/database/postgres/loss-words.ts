import type { PostgresFile, ReadStatement } from "./read-migrations.ts";
import { takenAway } from "./taken-by-way-forward.ts";

/** What a migration takes away when it goes forward, by its text. */
export function lossWordsOf(file: PostgresFile | undefined): readonly string[] {
  const words = takenAway(statementsOf(file)).flatMap((change) => {
    if (change.kind === "drop-owned") return [`everything of ${change.roles.join(", ")}`];
    if (change.kind === "drop-column") return [`${change.table}.${change.column}`];
    if (change.kind === "change-type") return [`the values of ${change.table}.${change.column}`];
    if (change.kind === "truncate") return change.tables.map(rowsOf);
    if (change.kind === "write-rows") return [rowsOf(change.table)];
    return change.kind === "drop" && change.what === "table" ? change.names : [];
  });
  return [...new Set(words)];
}

function statementsOf(file: PostgresFile | undefined): readonly ReadStatement[] {
  return (file?.up.units ?? []).flatMap(({ statements }) => statements);
}

function rowsOf(table: string): string {
  return `the rows of ${table}`;
}
