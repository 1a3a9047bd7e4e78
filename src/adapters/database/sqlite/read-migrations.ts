import { noWayForward } from "../no-way-forward.ts";
import { createHash } from "node:crypto";
import { FaultError } from "../../../core/fault.ts";
import { batchBefore, headersOf } from "../../../migrations/lint/headers.ts";
import { begins, ends } from "../../../migrations/lint/read-sqlite.ts";
import { scriptsOf } from "../../../migrations/lint/script.ts";
import { unreachedIn } from "../../../migrations/lint/unreached.ts";
import { lineOf } from "../../../migrations/sql/line-of.ts";
import type { MigrationFile, Script, Statement } from "../migration-file.ts";
import { scriptOf } from "../units-of.ts";
import { readMigrationTexts, type SqlText } from "../read-files.ts";
import { splitStatements } from "../../../migrations/sql/split-sqlite.ts";

/** The migrations of a folder. Faults: those of read-files, migration-psql-command, migration-own-transaction, migration-unreadable. */
export function readSqliteMigrations(directory: string, folder: string): readonly MigrationFile[] {
  return readMigrationTexts(directory, folder).map(readSqliteText);
}

export function readSqliteText({ version, name, file, text }: SqlText): MigrationFile {
  const scripts = scriptsOf(file, text, "script");
  const { phase, reversible, misspelt } = headersOf(text);
  const read = (way: "up" | "down"): Script | null => {
    const script = scripts.find((each) => each.way === way);
    if (script === undefined) return null;
    const [meta] = script.psql;
    if (meta !== undefined)
      throw new FaultError({
        code: "migration-psql-command",
        what: "This is a command of psql, and SQLite does not understand it.",
        where: `${file}:${lineOf(text, meta.at)}`,
        fix: "leave it out",
      });
    let before = 0;
    const all = splitStatements(script.text).map(({ sql, start }) => {
      const batch = batchBefore(script.text, before, start);
      before = start + sql.length;
      return { sql, start, line: lineOf(text, start), batch };
    });
    const isInTransaction = script.transaction !== null && all.every(({ batch }) => batch === null);
    return scriptOf(file, { all, isInTransaction }, READING);
  };
  const [up, down] = [read("up"), read("down")];
  if (up === null) throw noWayForward(file);
  return {
    version,
    name,
    file,
    text,
    sha256: createHash("sha256").update(text).digest("hex"),
    phase: phase ?? (takenAway(up).length > 0 ? "contract" : "expand"),
    reversible,
    misspelt,
    unreached: unreachedIn(text),
    up,
    down: down === null || down.statements === 0 ? null : down,
  };
}

const READING = {
  begins: ({ sql }: Statement): boolean => begins(sql),
  ends: ({ sql }: Statement): boolean => ends(sql),
  neverEnds: ({ sql }: Statement): string | null => {
    if (!/\b(?:insert|replace|update|delete)\b/i.test(sql))
      return "Only INSERT, UPDATE and DELETE say how many rows they have changed: this would be repeated for ever.";
    if (/^update\b/i.test(sql) && !ASKS_OF_ROWS.test(sql)) return "It finds the same rows each time.";
    const isPicking = /\b(?:where|except|on\s+conflict|or\s+ignore)\b/i.test(sql);
    return /^(?:insert|replace)\b/i.test(sql) && !isPicking ? "It adds the same rows each time." : null;
  },
};

/** Whether it is counted how many rows it changes: CREATE TABLE … AS makes some, and SQLite does not say how many. */
export function changesRows({ sql }: Statement): boolean {
  return /^(?:insert|replace|update|delete)\b|^with\b.*\b(?:insert|replace|update|delete)\b/is.test(sql);
}

/** What belongs to the connection, and does nothing, or something else, in a transaction. */
export function isOfConnection({ sql }: Statement): boolean {
  return /^(?:pragma|vacuum|attach|detach)\b/i.test(sql);
}

/** The statements that take away what was there before the first of the script. */
export function takenAway(script: Script): readonly string[] {
  const made = madeBy(script);
  return textsOf(script).filter((sql) => {
    const emptied = emptiedBy(sql);
    if (emptied !== null) return !made.has(emptied);
    const [table] = [...nameIn(sql, /^drop\s+table\s+(?:if\s+exists\s+)?/i), ...nameIn(sql, /^alter\s+table\s+/i)];
    if (table === undefined) return /^drop\s+view\b/i.test(sql);
    return !made.has(table) && /^drop|\b(?:drop|rename)\b/i.test(sql.replace(/^alter\s+table\s+\S+/i, ""));
  });
}

export function textsOf({ units }: Script): readonly string[] {
  return units.flatMap(({ statements }) => statements.map(({ sql }) => sql));
}

/** The tables that a script makes. */
export function madeBy(script: Script): ReadonlySet<string> {
  return new Set(
    textsOf(script).flatMap((sql) => nameIn(sql, /^create\s+(?:temp(?:orary)?\s+)?table\s+(?:if\s+not\s+exists\s+)?/i)),
  );
}

/** Not `WHERE true`, nor `WHERE 1 = 1` or `WHERE id = id`. */
const ASKS_OF_ROWS = /\bwhere\b(?!\s+(?:true|1|([\w."]+)\s*=\s*\1)\s*;?\s*$)/i;

/** The table of which a statement deletes every row; null: none. */
export function emptiedBy(sql: string): string | null {
  const [table] = nameIn(sql, /^delete\s+from\s+/i);
  return table === undefined || ASKS_OF_ROWS.test(sql) ? null : table;
}

/** The name that stands behind some words, without its quotes; none where they don't begin the statement. */
export function nameIn(sql: string, behind: RegExp): readonly string[] {
  const words = behind.exec(sql);
  if (words === null) return [];
  const found = /^(?:(?:\w+|"[^"]+")\s*\.\s*)?(?:"((?:[^"]|"")+)"|`([^`]+)`|\[([^\]]+)\]|(\w+))/.exec(
    sql.slice(words.index + words[0].length),
  );
  const name = found?.[1]?.replaceAll('""', '"') ?? found?.[2] ?? found?.[3] ?? found?.[4];
  return name === undefined ? [] : [name];
}
