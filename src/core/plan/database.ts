/** The app's database: where it is, how its schema changes, and what is kept of it. Plain JSON: it travels in the plan. */
export interface DatabasePlan {
  readonly kind: DatabaseKind;
  /** As written: `${DATABASE_URL}` stays a reference (I8); `postgres://…`, or `sqlite:path`, relative to the plan file's folder. */
  readonly url: string;
  /** A file of certificates (PEM) to trust instead of the machine's own. An absolute path. */
  readonly ca?: string;
  /** Absent: no migrations of it are run. */
  readonly migrations?: MigrationTool;
  readonly backups: BackupPlan;
  /** Asked after migrating and after going back: each gives one row, which says true. */
  readonly assertions: readonly Assertion[];
}

export type DatabaseKind = "postgres" | "sqlite";

/** Plain SQL files in a folder of the version's. */
export interface MigrationTool {
  readonly kind: "files";
  /** Relative to the version's folder. */
  readonly folder: string;
}

/** When a migration runs: before the candidate serves, beside it, or once nothing needs the old shape any more. */
export type MigrationPhase = "expand" | "backfill" | "contract";

export interface Assertion {
  readonly name: string;
  readonly sql: string;
}

export interface BackupPlan {
  /** Relative to the plan file's folder, or absolute. */
  readonly folder: string;
  /** The newest so many stay, and all that are younger than so many days. */
  readonly keep: { readonly newest: number; readonly days?: number };
  /** Recipients of age; empty: it is not encrypted. */
  readonly encryptTo: readonly string[];
  /** An empty database of its own in which backups are tried, as an address. Absent: one is created beside the app's each time. */
  readonly scratch?: string;
  /** A shell line for each backup that is whole; `${file}` is filled in. */
  readonly upload?: string;
}

/** Which database an address with its references filled in is of, or why Tidegate can't work with it. */
export function databaseKindOf(
  url: string,
): { readonly kind: DatabaseKind } | { readonly what: string; readonly fix: string } {
  // SQLAlchemy writes its driver behind the name: postgresql+psycopg2://.
  const scheme = /^([a-z][a-z0-9]*)(?:\+[a-z0-9_]+)?:/i.exec(url)?.[1]?.toLowerCase() ?? "";
  if (scheme === "postgres" || scheme === "postgresql") return { kind: "postgres" };
  if (scheme === "sqlite" || scheme === "sqlite3") return { kind: "sqlite" };
  const known = "Write `postgres://user@host/name`, or `sqlite:path/to/file`.";
  const other = UNSUPPORTED[scheme];
  if (other !== undefined)
    return {
      what: `${other} is not built yet in this version of Tidegate: it knows PostgreSQL and SQLite.`,
      fix: "Remove it; run your migration with a `run:` step and its `undo`.",
    };
  return { what: "This is no address of a database that Tidegate knows.", fix: known };
}

const UNSUPPORTED: Readonly<Record<string, string>> = {
  mysql: "MySQL",
  mysql2: "MySQL",
  mariadb: "MariaDB",
};
