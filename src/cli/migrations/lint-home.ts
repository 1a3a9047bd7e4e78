import { resolve } from "node:path";
import { FaultError } from "../../core/fault.ts";
import { nearest } from "../../core/text/nearest.ts";
import type { DatabaseKind } from "../../core/plan/database.ts";
import { PlanFileError } from "../../config/plan-file-error.ts";
import { type AppDatabase, appDatabase } from "../app-database.ts";
import { type Invocation, textOption } from "../definition.ts";
import { toolOf } from "./migrations-place.ts";

/** Where what is linted will be run, as far as anybody says. */
export interface LintHome {
  readonly dialect: DatabaseKind;
  /** The folder whose files `migrate up` runs itself, absolute; null: nobody knows of one. */
  readonly folder: string | null;
  /** What the plan has migrate instead of such files; null: nothing. */
  readonly tool: string | null;
}

/**
 * By `--dialect`, else by the database of `--database`, the plan file or DATABASE_URL; where none of them says anything, PostgreSQL. Nothing
 * is guessed from the files. Faults: usage.
 */
export async function lintHome(invocation: Invocation): Promise<LintHome> {
  const dialect = dialectOf(textOption(invocation, "dialect"));
  const place = await knownPlace(invocation, dialect === undefined);
  return {
    dialect: dialect ?? place?.database.kind ?? "postgres",
    ...(place === null ? { folder: null, tool: null } : whereIn(invocation, place)),
  };
}

const DIALECTS: readonly DatabaseKind[] = ["postgres", "sqlite"];

function dialectOf(word: string | undefined): DatabaseKind | undefined {
  if (word === undefined) return undefined;
  const found = DIALECTS.find((each) => each === word);
  if (found !== undefined) return found;
  throw new FaultError({
    code: "usage",
    what: `The linter does not know the SQL of "${word}".`,
    where: "--dialect",
    fix: `--dialect ${nearest(word, DIALECTS) ?? DIALECTS.join(", or --dialect ")}`,
  });
}

/** null: there is none. SQL can be linted anywhere, so what is wrong with a plan file is only told, and only where it matters. */
async function knownPlace(invocation: Invocation, matters: boolean): Promise<AppDatabase | null> {
  try {
    return await appDatabase(invocation);
  } catch (error) {
    if (textOption(invocation, "database") !== undefined) throw error;
    const what = whatIsWrong(error);
    if (what !== null && matters)
      invocation.context.terminal.complain(
        `Whose SQL this is can't be known here, so it is taken for PostgreSQL's (--dialect says it): ${what}`,
      );
    return null;
  }
}

/** null: nothing, there is just no database. */
function whatIsWrong(error: unknown): string | null {
  if (error instanceof PlanFileError) return error.faults[0]?.what ?? error.message;
  if (!(error instanceof FaultError)) throw error;
  return NOTHING_SAID.has(error.fault.code) ? null : error.fault.what;
}

const NOTHING_SAID: ReadonlySet<string> = new Set(["plan-file-missing", "database-missing"]);

function whereIn(invocation: Invocation, place: AppDatabase): Pick<LintHome, "folder" | "tool"> {
  const found = toolOf(invocation, place);
  if (found === null) return { folder: null, tool: null };
  const { directory, tool } = found;
  return tool.kind === "files"
    ? { folder: resolve(directory, tool.folder), tool: null }
    : { folder: null, tool: tool.kind };
}
