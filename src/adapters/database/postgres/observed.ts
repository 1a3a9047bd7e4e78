import type { Client } from "pg";
import type { TriedStatement } from "../../../ports/migrations.ts";

/** What a transaction has now: its locks, and in which files the tables are. */
export interface Observed {
  /** `ACCESS EXCLUSIVE on orders`. */
  readonly locks: ReadonlySet<string>;
  /** By the table's number: its name and its file's number. */
  readonly files: ReadonlyMap<string, { readonly name: string; readonly file: string }>;
}

export async function observe(client: Client): Promise<Observed> {
  // What only reads conflicts with nothing but what this very look shows of others.
  const locks = await client.query<{ mode: string; name: string }>(
    `SELECT l.mode, c.oid::regclass::text AS name FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
     WHERE l.pid = pg_backend_pid() AND l.locktype = 'relation' AND l.granted AND c.relkind IN ('r', 'p', 'm', 'v', 'f')
       AND c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
       AND l.mode NOT IN ('AccessShareLock', 'RowShareLock')`,
  );
  const files = await client.query<{ oid: string; name: string; file: string }>(
    `SELECT oid::text AS oid, oid::regclass::text AS name, pg_relation_filenode(oid)::text AS file FROM pg_class
     WHERE relkind IN ('r', 'm') AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
       AND relpersistence <> 't'`,
  );
  return {
    locks: new Set(locks.rows.map(({ mode, name }) => `${wordsOf(mode)} on ${name}`)),
    files: new Map(files.rows.map(({ oid, name, file }) => [oid, { name, file }])),
  };
}

/** Of tables that were there at the `start`, which others may use. */
export function whatChanged(
  start: Observed,
  before: Observed,
  after: Observed,
): Pick<TriedStatement, "locks" | "rewritten"> {
  const fresh = new Set([...after.files].flatMap(([oid, { name }]) => (start.files.has(oid) ? [] : [name])));
  const isFelt = (lock: string): boolean => {
    const name = lock.slice(lock.indexOf(" on ") + 4);
    // Whoever has the strongest needs no other.
    return !fresh.has(name) && !before.locks.has(`ACCESS EXCLUSIVE on ${name}`);
  };
  return {
    locks: [...after.locks.difference(before.locks)].filter(isFelt),
    rewritten: [...before.files].flatMap(([oid, { name, file }]) => {
      if (!start.files.has(oid)) return [];
      const now = after.files.get(oid);
      return now === undefined || now.file === file ? [] : [name];
    }),
  };
}

/** `AccessExclusiveLock` as PostgreSQL's manual writes it. */
function wordsOf(mode: string): string {
  return mode
    .replace(/Lock$/, "")
    .replaceAll(/(?<=[a-z])(?=[A-Z])/g, " ")
    .toUpperCase();
}
