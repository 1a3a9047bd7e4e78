import { resolve } from "node:path";
import { FaultError } from "../../core/fault.ts";
import { parseDuration } from "../../core/text/units.ts";
import type { MigrationTool } from "../../core/plan/database.ts";
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
  readonly tool: MigrationTool;
  /** What becomes of an error that the linter finds. */
  readonly lint: "refuse" | "warn";
}

/** Faults: those of appDatabase, usage, migrations-missing. */
export async function migrationsPlace(invocation: Invocation): Promise<MigrationsPlace> {
  const place = await appDatabase(invocation);
  const found = toolOf(invocation, place);
  if (found === null)
    throw new FaultError({
      code: "migrations-missing",
      what: `There are no migrations here: none of ${USUAL.join(", ")} is a folder.`,
      fix: "name it: --folder db/migrations, or `database: { migrations: db/migrations }` in the plan file; tidegate migrate new NAME makes the first",
    });
  const { directory, tool } = found;
  const wait = textOption(invocation, "wait");
  const lint = lintOf(textOption(invocation, "lint"));
  const migrations = await invocation.context.machinery.migrations(place, {
    tool,
    ...(wait === undefined ? {} : { waitMs: durationOf(wait) }),
    ...(lint === undefined ? {} : { lint }),
  });
  return { place, migrations, directory, tool, lint: lint ?? place.database.lint ?? "refuse" };
}

/** What changes the schema, by `--folder`, by the plan file, or by where migrations usually lie; null: there are none. */
export function toolOf(
  invocation: Invocation,
  place: Pick<AppDatabase, "database" | "folder">,
): Pick<MigrationsPlace, "directory" | "tool"> | null {
  const { cwd } = invocation.context;
  const given = textOption(invocation, "folder");
  if (given !== undefined) return { directory: resolve(cwd), tool: { kind: "files", folder: given } };
  const { migrations } = place.database;
  if (migrations !== undefined) return { directory: place.folder, tool: migrations };
  const usual = USUAL.find((name) => isFolder(resolve(place.folder, name)));
  return usual === undefined ? null : { directory: place.folder, tool: { kind: "files", folder: usual } };
}

function lintOf(word: string | undefined): "refuse" | "warn" | undefined {
  if (word === undefined || word === "refuse" || word === "warn") return word;
  throw new FaultError({
    code: "usage",
    what: `"${word}" is neither refuse nor warn.`,
    where: "--lint",
    fix: "--lint warn",
  });
}

function durationOf(text: string): number {
  const read = parseDuration(text);
  if (read.ok) return read.value;
  throw new FaultError({ code: "usage", what: read.what, where: "--wait", fix: read.fix });
}
