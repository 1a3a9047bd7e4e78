import type { Script } from "../migration-file.ts";
import { emptiedBy, madeBy, nameIn, takenAway, textsOf } from "./read-migrations.ts";

/** What a migration takes away when it goes forward, by its text. */
export function lossWordsOf(script: Script): readonly string[] {
  return takenAway(script).flatMap((sql) => {
    const emptied = emptiedBy(sql);
    if (emptied !== null) return [`the rows of ${emptied}`];
    const [table] = nameIn(sql, /^alter\s+table\s+/i);
    const [column] = nameIn(sql, /\bdrop\s+(?:column\s+)?/i);
    if (table !== undefined) return column === undefined ? [] : [`${table}.${column}`];
    return nameIn(sql, /^drop\s+table\s+(?:if\s+exists\s+)?/i);
  });
}

/** The tables, there before the first of its statements, of which it deletes some rows. */
export function thinnedBy(script: Script): readonly string[] {
  const made = madeBy(script);
  const tables = textsOf(script).flatMap((sql) => (emptiedBy(sql) === null ? nameIn(sql, /^delete\s+from\s+/i) : []));
  return [...new Set(tables)].filter((table) => !made.has(table));
}
