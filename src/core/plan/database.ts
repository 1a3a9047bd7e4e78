/** The app's database: where it is, how its schema changes, and what is kept of it. Plain JSON: it travels in the plan. */
export interface DatabasePlan {
  readonly kind: DatabaseKind;
  /** As written: `${DATABASE_URL}` stays a reference (I8); `postgres://…`, or `sqlite:path`, relative to the plan file's folder. */
  readonly url: string;
  /** A file of certificates (PEM) to trust instead of the machine's own. An absolute path. */
  readonly ca?: string;
  /** Absent: no migrations of it are run. */
  readonly migrations?: MigrationTool;
  /** What becomes of a migration in which the linter finds an error that nobody has allowed; absent: it is refused. */
  readonly lint?: "refuse" | "warn";
  /** A file of the queries that the version asks, relative to its folder. Absent: what the server has seen counts. */
  readonly queries?: string;
  readonly backups: BackupPlan;
  /** Asked after migrating and after going back: each gives one row, which says true. */
  readonly assertions: readonly Assertion[];
}

export type DatabaseKind = "postgres" | "sqlite";

/** What changes the schema: plain SQL files that Tidegate runs itself, or a tool of the team's own. */
export type MigrationTool = SqlFiles | OwnTool;

/** Plain SQL files in a folder of the version's. */
export interface SqlFiles {
  readonly kind: "files";
  /** Relative to the version's folder. */
  readonly folder: string;
}

/** A tool that the team uses already: its revisions and its own table stay the truth of what is applied. */
export type OwnTool = KnownTool | CommandTool;

/** One whose revisions and commands Tidegate knows. */
export interface KnownTool {
  readonly kind: "alembic" | "rails" | "knex" | "db-migrate";
  /** Relative to the version's folder: where alembic.ini or the Rails app is; of knex and db-migrate, where their migrations are. */
  readonly folder: string;
  /** The program and its first arguments. Absent: the version's own one where it has one, else the one on the PATH. */
  readonly command?: readonly string[];
  readonly phases: PhasesByName;
}

/** Any other: programs that take one revision up and down. `${revision}`, `${version}` and `${file}` are filled in. */
export interface CommandTool {
  readonly kind: "command";
  /** Pattern of its files, relative to the version's folder; what stands for its one `*` is the revision's name. */
  readonly files: string;
  /** What tells the names of applied revisions: SQL, or a program that writes one a line. */
  readonly applied: { readonly sql: string } | { readonly program: readonly string[] };
  readonly up: readonly string[];
  readonly down?: readonly string[];
  /** Writes the SQL of a revision to its output. */
  readonly sql?: readonly string[];
  /** Only reads, and fails where it does not reach the database: shows that the tool goes by DATABASE_URL. */
  readonly check?: readonly string[];
  readonly phases: PhasesByName;
}

/** Of revisions whose files don't say it themselves, because they are somebody else's. */
export type PhasesByName = Readonly<Record<string, MigrationPhase>>;

/** When a migration runs: before the candidate serves, beside it, or once nothing needs the old shape any more. */
export type MigrationPhase = "expand" | "backfill" | "contract";

/** In their order. */
export const MIGRATION_PHASES: readonly MigrationPhase[] = ["expand", "backfill", "contract"];

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
  const known = "Write `postgres://USER@HOST/NAME`, or `sqlite:path/to/file`.";
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
