import type { DatabaseSync } from "node:sqlite";
import type { Unit } from "../migration-file.ts";
import { joined, type Rows, watchForSameRows } from "../same-rows.ts";
import { isOfFile } from "./file-faults.ts";
import { nameIn } from "./read-migrations.ts";
import { reading, type Session } from "./session.ts";

/**
 * Says of a backfill whether it finds the same rows again; see same-rows. Nobody counts who deletes rows meanwhile, so the most that were
 * seen there count.
 */
export async function watchBatches(
  session: Session,
  { statements }: Unit,
): Promise<(sum: number) => Promise<string | null>> {
  const sql = statements[0]?.sql ?? "";
  const count = (tables: readonly string[]): Promise<readonly number[] | null> =>
    reading(session, (database) => counted(database, tables));
  const [updated] = nameIn(sql, /\bupdate\s+(?:or\s+\w+\s+)?/i);
  const [filled = ""] = nameIn(sql, FILLS);
  const sources = updated === undefined ? sourcesOf(sql) : [updated];
  const before = sources.length === 0 ? null : await count(sources);
  if (before === null) return () => Promise.resolve(null);
  let added = 0;
  const look = async (): Promise<Rows | null> => {
    const now = await count(sources);
    if (now === null) return null;
    if (updated !== undefined) return { there: now[0] ?? 0, gone: Math.max(0, (before[0] ?? 0) - (now[0] ?? 0)) };
    // What it has added itself must not allow it to add more.
    const others = now.map((rows, at) => (sources[at] === filled ? rows - added : rows));
    return { there: joined(others.map((rows, at) => Math.max(rows, before[at] ?? 0))), gone: 0 };
  };
  const watch = watchForSameRows(joined(before), look, updated === undefined ? ADDED : undefined);
  return (sum) => {
    added = sum;
    return watch(sum);
  };
}

const FILLS = /^(?:insert(?:\s+or\s+\w+)?|replace)\s+into\s+/i;

const ADDED = (sum: number, most: number): string => `it added ${sum} rows, and what it reads makes ${most} at most`;

/** The tables of which an INSERT makes its rows; none where nobody can say how many rows that may be: functions and queries in the place of one make any number. */
function sourcesOf(sql: string): readonly string[] {
  if (!FILLS.test(sql) || /\b(?:with|union)\b/i.test(sql)) return [];
  const read = /\bselect\b.*?\bfrom\s+(.*?)(?:\bwhere\b|\bgroup\b|\border\b|\blimit\b|;|$)/is.exec(sql)?.[1] ?? "";
  const isPlain = read !== "" && !/[(),'-]|\/\*/.test(read.replaceAll(/\bon\b.*?(?=\bjoin\b|$)/gis, ""));
  if (!isPlain) return [];
  return read.split(/\bjoin\b/i).flatMap((each) => nameIn(each.trim(), /^/));
}

/** null: one of them can't be counted. */
function counted(database: DatabaseSync, tables: readonly string[]): readonly number[] | null {
  try {
    return tables.map((table) =>
      Number(database.prepare(`SELECT count(*) AS n FROM "${table.replaceAll('"', '""')}"`).get()?.["n"]),
    );
  } catch (error) {
    if (isOfFile(error)) throw error;
    return null;
  }
}
