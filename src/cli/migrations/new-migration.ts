import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { FaultError } from "../../core/fault.ts";
import type { OwnTool } from "../../core/plan/database.ts";
import { slug } from "../../config/slug.ts";
import { loadPlan } from "../plan-file.ts";
import { answer } from "../context.ts";
import { type Invocation, textOption } from "../definition.ts";
import type { ExitCode } from "../exit-code.ts";
import { isFolder, USUAL } from "./read-sql-files.ts";

/** Writes an empty migration with everything in it that one can say. Faults: usage. */
export async function newMigration(invocation: Invocation, words: readonly string[]): Promise<ExitCode> {
  const { context } = invocation;
  const name = slug(words.join(" ")).replaceAll("-", "_");
  if (name === "")
    throw new FaultError({
      code: "usage",
      what: "What is it called?",
      fix: "tidegate migrate new add notes to orders",
    });
  const folder = await folderOf(invocation);
  mkdirSync(folder, { recursive: true });
  const version = new Date().toISOString().replaceAll(/[-:T]/g, "").slice(0, 14);
  const path = join(folder, `${version}_${name}.sql`);
  if (existsSync(path)) throw new FaultError({ code: "usage", what: "This file is there already.", where: path });
  writeFileSync(path, TEXT);
  const shown = relative(context.cwd, path);
  return answer(context, { file: shown, version }, [shown]);
}

async function folderOf(invocation: Invocation): Promise<string> {
  const { context } = invocation;
  const given = textOption(invocation, "folder");
  if (given !== undefined) return resolve(context.cwd, given);
  const project = context.project();
  if (project.planFile !== null) {
    const { migrations } = (await loadPlan(context, project)).plan.database ?? {};
    if (migrations !== undefined && migrations.kind !== "files")
      throw new FaultError({
        code: "usage",
        what: `Migrations of this app are made by ${migrations.kind === "command" ? "its own tool" : migrations.kind}.`,
        fix: MADE_BY[migrations.kind],
      });
    if (migrations !== undefined) return resolve(project.folder, migrations.folder);
  }
  const usual = USUAL.find((each) => isFolder(resolve(project.folder, each)));
  return resolve(project.folder, usual ?? "db/migrations");
}

const MADE_BY: Readonly<Record<OwnTool["kind"], string>> = {
  alembic: "alembic revision -m NAME",
  rails: "bin/rails generate migration NAME",
  knex: "npx knex migrate:make NAME",
  "db-migrate": "npx db-migrate create NAME",
  command: "make it as its other files are made",
};

const TEXT = `-- phase: expand
-- (expand: beside the version that serves; backfill: rows, in batches; contract: once nothing needs the old shape)

-- migrate:up


-- migrate:down

`;
