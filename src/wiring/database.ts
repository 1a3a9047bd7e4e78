import { resolve } from "node:path";
import type { AppDatabase } from "../cli/app-database.ts";
import { isFolder, USUAL } from "../cli/migrations/read-sql-files.ts";
import type { MigrationsOrder } from "../cli/machinery.ts";
import type { MigrationTool, OwnTool } from "../core/plan/database.ts";
import { secretsOf } from "../core/plan/secrets.ts";
import { redactor } from "../core/text/redact.ts";
import { defined, fillReferences, userNamesIn } from "../core/text/references.ts";
import type { Backups } from "../ports/backups.ts";
import type { Migrations } from "../ports/migrations.ts";
import type { Drilling, Migrating } from "../adapters/backup/drill.ts";
import type { BackupKind } from "../adapters/backup/kind.ts";
import type { ToolMigrationSettings } from "../adapters/database/tools/migrations.ts";
import type { DatabaseSettings } from "../adapters/database/settings.ts";

/** What every connection to the app's database is opened with. */
export function databaseSettings({ database, plan, env }: AppDatabase): DatabaseSettings {
  const values = defined(env);
  const secrets = secretsOf(env);
  if (plan !== null) secrets.meet(plan);
  const own = redactor(userNamesIn(database).flatMap((name) => values[name] ?? []));
  return {
    url: database.url,
    ...(plan === null ? { writtenIn: "--database" } : {}),
    ...(database.ca === undefined ? {} : { ca: database.ca }),
    values: () => values,
    redact: (text) => own.text(secrets.redact(text)),
  };
}

/** Migrations of the app's database. */
export async function migrationsOf(place: AppDatabase, { tool, waitMs, lint }: MigrationsOrder): Promise<Migrations> {
  const patience = waitMs === undefined ? {} : { boundMs: waitMs, otherRunMs: waitMs };
  const { assertions, queries } = place.database;
  const linting = {
    lint: lint ?? place.database.lint ?? "refuse",
    ...(queries === undefined ? {} : { queries }),
  } as const;
  if (tool.kind !== "files") return toolMigrations(place, tool, databaseSettings(place), { patience, ...linting });
  const { folder } = tool;
  if (place.database.kind === "postgres") {
    const { createPostgresMigrations } = await import("../adapters/database/postgres/migrations.ts");
    return createPostgresMigrations({ ...databaseSettings(place), folder, assertions, patience, ...linting });
  }
  const [{ sqliteBesideOthers }, { pathOf }] = await Promise.all([
    import("../adapters/database/sqlite/beside-others.ts"),
    import("../adapters/backup/sqlite/open.ts"),
  ]);
  const { url, values } = databaseSettings(place);
  const path = pathOf(fillReferences(url, values()), place.folder);
  return sqliteBesideOthers({ path, folder, assertions, patience });
}

/** A tool of the team's own on the app's database, or on a copy of it. */
async function toolMigrations(
  { database, env }: AppDatabase,
  tool: OwnTool,
  settings: DatabaseSettings,
  more: Pick<ToolMigrationSettings, "patience" | "lint" | "queries">,
): Promise<Migrations> {
  const [{ createToolMigrations }, { copySchema }, { USUAL_FOLDERS }] = await Promise.all([
    import("../adapters/database/tools/migrations.ts"),
    import("../adapters/backup/postgres/schema-copy.ts"),
    import("../adapters/backup/postgres/programs.ts"),
  ]);
  const backups = { database: settings, env, folders: USUAL_FOLDERS, scratch: database.backups.scratch ?? null };
  return createToolMigrations({
    ...settings,
    tool,
    // `url: "${SHOP_DATABASE}"`: the tool looks for it there.
    addressName: /^\$\{([A-Z_][A-Z0-9_]*)\}$/.exec(database.url.trim())?.[1] ?? null,
    env,
    assertions: database.assertions,
    ...more,
    copySchema: (withRows, signal) => copySchema(backups, withRows, signal),
  });
}

/** Backups of the app's database. */
export async function backupsOf(place: AppDatabase): Promise<Backups> {
  const { database: plan, folder, env } = place;
  const [{ createBackups }, { systemClock }] = await Promise.all([
    import("../adapters/backup/backups.ts"),
    import("../adapters/clock/system.ts"),
  ]);
  const database = databaseSettings(place);
  return createBackups({
    plan: { ...plan.backups, folder: resolve(folder, plan.backups.folder) },
    kind: await kindOf(place, database),
    clock: systemClock,
    migrating: await migratingOf(place),
    ...(await watchingOf(place, database)),
    broken: plan.lint ?? "refuse",
    directory: folder,
    env,
    redact: database.redact,
  });
}

/** What a drill asks of a copy while that is migrated. */
async function watchingOf(
  { database: { kind, queries } }: AppDatabase,
  settings: DatabaseSettings,
): Promise<Pick<Drilling, "watching">> {
  if (kind !== "postgres") return {};
  const { watchQueries } = await import("../adapters/database/postgres/replay/on-copy.ts");
  return { watching: watchQueries(settings, queries) };
}

/** Those that `tidegate migrate` would run, for a copy of the database. */
async function migratingOf(place: AppDatabase): Promise<Migrating | null> {
  const { database, folder } = place;
  const tool = database.migrations ?? usualFiles(folder);
  if (tool === null) return null;
  if (tool.kind !== "files") return (copy) => toolMigrations(place, tool, copy, {});
  const { assertions } = database;
  if (database.kind === "postgres") {
    const { createPostgresMigrations } = await import("../adapters/database/postgres/migrations.ts");
    // On a copy nobody waits, and the migration itself is refused when it comes to that.
    return (copy) => createPostgresMigrations({ ...copy, folder: tool.folder, assertions, lint: "warn" });
  }
  const [{ sqliteBesideOthers }, { pathOf }] = await Promise.all([
    import("../adapters/database/sqlite/beside-others.ts"),
    import("../adapters/backup/sqlite/open.ts"),
  ]);
  return (copy) => sqliteBesideOthers({ path: pathOf(copy.url, folder), folder: tool.folder, assertions });
}

function usualFiles(folder: string): MigrationTool | null {
  const found = USUAL.find((name) => isFolder(resolve(folder, name)));
  return found === undefined ? null : { kind: "files", folder: found };
}

async function kindOf({ database: plan, env, folder }: AppDatabase, database: DatabaseSettings): Promise<BackupKind> {
  if (plan.kind === "postgres") return postgresKind(database, plan.backups.scratch ?? null, env);
  const [{ sqliteBackups }, { pathOf }] = await Promise.all([
    import("../adapters/backup/sqlite/kind.ts"),
    import("../adapters/backup/sqlite/open.ts"),
  ]);
  const path = pathOf(fillReferences(database.url, database.values()), folder);
  return sqliteBackups({ path, folder, programs: { env, redact: database.redact } });
}

async function postgresKind(
  database: DatabaseSettings,
  scratch: string | null,
  env: AppDatabase["env"],
): Promise<BackupKind> {
  const [{ postgresBackups }, { USUAL_FOLDERS }] = await Promise.all([
    import("../adapters/backup/postgres/kind.ts"),
    import("../adapters/backup/postgres/programs.ts"),
  ]);
  return postgresBackups({ database, env, folders: USUAL_FOLDERS, scratch });
}
