/**
 * Whether a table is one in which a tool writes down which migrations are applied: nobody's data, and what is lost with it is how far the
 * schema has come. By its name alone where nobody has a table of their own called so. A table called `migrations` can as well hold rows of
 * users, which a copy must not have and a way back must not lose: it counts only where `columns` are known and are those of a tool.
 */
export function isLedger(name: string, columns: readonly string[] = []): boolean {
  if (NAMES.has(name)) return true;
  const known = BY_COLUMNS[name] ?? [];
  const found = columns.toSorted().join(" ");
  return known.some((of) => of.toSorted().join(" ") === found);
}

/** Whether SQL reads or writes such a table, by the names that say so alone. */
export function asksLedger(sql: string): boolean {
  return ASKED.test(sql);
}

const NAMES: ReadonlySet<string> = new Set([
  "tidegate_migrations",
  "tidegate_migration_history",
  "tidegate_migration_lock",
  // dbmate, Rails
  "schema_migrations",
  "ar_internal_metadata",
  "alembic_version",
  "knex_migrations",
  "knex_migrations_lock",
  "_prisma_migrations",
  "flyway_schema_history",
  "SequelizeMeta",
]);

const ASKED = new RegExp(`\\b(?:${[...NAMES].join("|")})\\b`, "i");

/** Who calls its table so, and what columns it makes there. */
const BY_COLUMNS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  migrations: [
    // db-migrate
    ["id", "name", "run_on"],
    // Knex, told to
    ["id", "name", "batch", "migration_time"],
    // Laravel
    ["id", "migration", "batch"],
    // TypeORM
    ["id", "timestamp", "name"],
  ],
  migrations_lock: [["index", "is_locked"]],
};
