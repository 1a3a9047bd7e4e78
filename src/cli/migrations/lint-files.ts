import { FaultError } from "../../core/fault.ts";
import { basename, dirname, relative, resolve } from "node:path";
import { isStopping, type LintedStatement } from "../../core/migration/finding.ts";
import { lint, type SqlFile } from "../../migrations/lint/lint.ts";
import type { Judge } from "../../migrations/lint/judge.ts";
import { namesAskedIn } from "../../migrations/serving/asked.ts";
import { judgeBy } from "../../migrations/serving/judge.ts";
import { loadParser, type SqlParser } from "../../migrations/sql/parser.ts";
import { type AppDatabase, appDatabase } from "../app-database.ts";
import { answer } from "../context.ts";
import { type Invocation, isGiven, textOption } from "../definition.ts";
import { DONE, type ExitCode, REFUSED, USAGE } from "../exit-code.ts";
import { lintView } from "../render/lint-view.ts";
import { onInterrupt } from "../signals.ts";
import { lintHome } from "./lint-home.ts";
import { readSqlFiles } from "./read-sql-files.ts";

/** Faults: usage, those of reading SQL; with a database those of asking it. */
export async function lintFiles(invocation: Invocation, names: readonly string[]): Promise<ExitCode> {
  const { context } = invocation;
  const home = await lintHome(invocation);
  if (names.length === 0 && home.tool !== null) throw ofTool(home.tool);
  const given = names.length > 0 || home.folder === null ? names : [relative(context.cwd, home.folder) || "."];
  const files = (await readSqlFiles(given, context.cwd)).map((file) =>
    isIn(home.folder, file, context.cwd) ? { ...file, isOurs: true as const } : file,
  );
  const parse = await loadParser();
  const isLive = isGiven(invocation, "live") || textOption(invocation, "database") !== undefined;
  const known = isLive ? await judging(invocation, files, parse) : null;
  const statements = lint(known?.files ?? files, {
    parse,
    dialect: home.dialect,
    isTransactionAssumed: isGiven(invocation, "inTransaction"),
    ...(known === null ? {} : { judge: known.judge }),
  });
  const view = lintView(statements, isGiven(invocation, "all"), context.terminal.style());
  return answer(context, { statements }, view, exitCodeOf(files, statements));
}

function ofTool(tool: string): FaultError {
  const sql =
    tool === "alembic" ? "alembic upgrade head --sql | tidegate migrate lint -" : "TOOL | tidegate migrate lint -";
  return new FaultError({
    code: "usage",
    what: `The plan's migrations are run by ${tool === "command" ? "a command" : tool}, so no folder of SQL files is its own.`,
    fix: `tidegate migrate status shows what is found in them; SQL that the tool prints: ${sql}`,
  });
}

/** `migrate up` runs what lies in its folder, and not what lies in folders within. */
function isIn(folder: string | null, { name }: SqlFile, cwd: string): boolean {
  return folder !== null && name !== "-" && dirname(resolve(cwd, name)) === folder;
}

/** What can't be read at all may hold anything: that goes before what was found. */
function exitCodeOf(files: readonly SqlFile[], statements: readonly LintedStatement[]): ExitCode {
  if (files.some(({ illegible }) => illegible !== undefined)) return USAGE;
  return statements.some(({ findings }) => findings.some(isStopping)) ? REFUSED : DONE;
}

/** The database in which they will be run, and which of them it has already. */
async function judging(
  invocation: Invocation,
  files: readonly SqlFile[],
  parse: SqlParser,
): Promise<{ readonly judge: Judge; readonly files: readonly SqlFile[] } | null> {
  const { context } = invocation;
  const place = await placeOf(invocation);
  const migrations = await context.machinery.migrations(place, {
    tool: { kind: "files", folder: dirname(files[0]?.name ?? "") },
  });
  using interruption = onInterrupt();
  const { signal } = interruption;
  const now = await migrations.serving?.({ directory: place.folder, signal, names: namesAskedIn(files, parse) });
  if (now === undefined || now === null) return null;
  const applied = new Set(now.applied);
  const isApplied = ({ name }: SqlFile): boolean => applied.has(/^\d+/.exec(basename(name))?.[0] ?? "");
  return {
    judge: judgeBy(now.serving, parse),
    files: files.map((file) => (isApplied(file) ? { ...file, isApplied: "whole" } : file)),
  };
}

async function placeOf(invocation: Invocation): Promise<AppDatabase> {
  const place = await appDatabase(invocation);
  const queries = textOption(invocation, "queries");
  if (queries === undefined) return place;
  return { ...place, database: { ...place.database, queries: resolve(invocation.context.cwd, queries) } };
}
