import { resolve } from "node:path";
import { FaultError } from "../../core/fault.ts";
import { parseDuration } from "../../core/text/units.ts";
import type { Migrations } from "../../ports/migrations.ts";
import { type AppDatabase, appDatabase } from "../app-database.ts";
import { type Invocation, textOption } from "../definition.ts";
import { isFolder, USUAL } from "./read-sql-files.ts";

/** Which migrations of which database a command is about. */
export interface MigrationsPlace {
  readonly place: AppDatabase;
  readonly migrations: Migrations;
  /** What the folder is relative to. Absolute. */
  readonly directory: string;
  readonly folder: string;
}

/** Faults: those of appDatabase, usage, migrations-missing. */
export async function migrationsPlace(invocation: Invocation): Promise<MigrationsPlace> {
  const place = await appDatabase(invocation);
  const { directory, folder } = folderOf(invocation, place);
  const wait = textOption(invocation, "wait");
  const migrations = await invocation.context.machinery.migrations(place, {
    folder,
    ...(wait === undefined ? {} : { waitMs: durationOf(wait) }),
  });
  return { place, migrations, directory, folder };
}

function folderOf(invocation: Invocation, place: AppDatabase): Pick<MigrationsPlace, "directory" | "folder"> {
  const { cwd } = invocation.context;
  const given = textOption(invocation, "folder");
  if (given !== undefined) return { directory: resolve(cwd), folder: given };
  const { migrations } = place.database;
  if (migrations !== undefined) return { directory: place.folder, folder: migrations.folder };
  const usual = USUAL.find((name) => isFolder(resolve(place.folder, name)));
  if (usual !== undefined) return { directory: place.folder, folder: usual };
  throw new FaultError({
    code: "migrations-missing",
    what: `There are no migrations here: none of ${USUAL.join(", ")} is a folder.`,
    fix: "name it: --folder db/migrations, or `database: { migrations: db/migrations }` in the plan file; tidegate migrate new NAME makes the first",
  });
}

function durationOf(text: string): number {
  const read = parseDuration(text);
  if (read.ok) return read.value;
  throw new FaultError({ code: "usage", what: read.what, where: "--wait", fix: read.fix });
}
