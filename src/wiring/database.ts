import { resolve } from "node:path";
import type { AppDatabase } from "../cli/app-database.ts";
import { isFolder, USUAL } from "../cli/migrations/read-sql-files.ts";
import type { MigrationsOrder } from "../cli/machinery.ts";
import { secretsOf } from "../core/plan/secrets.ts";
import { redactor } from "../core/text/redact.ts";
import { fillReferences, userNamesIn } from "../core/text/references.ts";
import type { Backups } from "../ports/backups.ts";
import type { Migrations } from "../ports/migrations.ts";
import type { Migrating } from "../adapters/backup/drill.ts";
import type { BackupKind } from "../adapters/backup/kind.ts";
import type { DatabaseSettings } from "../adapters/database/settings.ts";
import { defined } from "./values.ts";

/** What every connection to the app's database is opened with. */
export function databaseSettings({ database, plan, env }: AppDatabase): DatabaseSettings {
  const values = defined(env);
  const secrets = secretsOf(env);
  if (plan !== null) secrets.meet(plan);
  const own = redactor(userNamesIn(database).flatMap((name) => values[name] ?? []));
  return {
    url: database.url,
    ...(database.ca === undefined ? {} : { ca: database.ca }),
    values: () => values,
    redact: (text) => own.text(secrets.redact(text)),
  };
}

/** Migrations of the app's database. */
export async function migrationsOf(place: AppDatabase, { folder, waitMs }: MigrationsOrder): Promise<Migrations> {
  const patience = waitMs === undefined ? {} : { boundMs: waitMs, otherRunMs: waitMs };
  const { assertions } = place.database;
  if (place.database.kind === "postgres") {
    const { createPostgresMigrations } = await import("../adapters/database/postgres/migrations.ts");
    return createPostgresMigrations({ ...databaseSettings(place), folder, assertions, patience });
  }
  const [{ createSqliteMigrations }, { pathOf }] = await Promise.all([
    import("../adapters/database/sqlite/migrations.ts"),
    import("../adapters/backup/sqlite/open.ts"),
  ]);
  const { url, values } = databaseSettings(place);
  const path = pathOf(fillReferences(url, values()), place.folder);
  return createSqliteMigrations({ path, folder, assertions, patience });
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
    directory: folder,
    env,
    redact: database.redact,
  });
}

/** Those that `tidegate migrate` would run, for a copy of the database. */
async function migratingOf({ database, folder }: AppDatabase): Promise<Migrating | null> {
  const migrations = database.migrations?.folder ?? USUAL.find((name) => isFolder(resolve(folder, name)));
  if (migrations === undefined) return null;
  const { assertions } = database;
  if (database.kind === "postgres") {
    const { createPostgresMigrations } = await import("../adapters/database/postgres/migrations.ts");
    return (copy) => createPostgresMigrations({ ...copy, folder: migrations, assertions });
  }
  const [{ createSqliteMigrations }, { pathOf }] = await Promise.all([
    import("../adapters/database/sqlite/migrations.ts"),
    import("../adapters/backup/sqlite/open.ts"),
  ]);
  return (copy) => createSqliteMigrations({ path: pathOf(copy.url, folder), folder: migrations, assertions });
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
