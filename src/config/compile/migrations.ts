import { isAbsolute, normalize } from "node:path";
import type { DatabaseKind, KnownTool, MigrationTool } from "../../core/plan/database.ts";
import type { Path } from "../reading/located.ts";
import type { PlanConfig } from "../schema/plan-file.ts";
import type { Told } from "./context.ts";

type Database = NonNullable<PlanConfig["database"]>;
type Written = NonNullable<Database["migrations"]>;
type WrittenTool = Exclude<Written, string>;

const AT: Path = ["database", "migrations"];
const KNOWN = ["alembic", "rails", "knex", "db-migrate"] as const;

/** What changes the schema; undefined where nothing does, or where it was told why that can't be. */
export function compileMigrations(database: Database, kind: DatabaseKind, told: Told): MigrationTool | undefined {
  const short = KNOWN.filter((key) => database[key] !== undefined);
  const [first, second] = [...short, ...(database.migrations === undefined ? [] : ["migrations" as const])];
  if (second !== undefined)
    return refused(
      told,
      ["database", second],
      "One tool, and only one, changes a schema.",
      `Leave \`${first ?? ""}\` or \`${second}\` out.`,
    );
  const written: Written | undefined =
    first === undefined || first === "migrations" ? database.migrations : { [first]: database[first] };
  return written === undefined
    ? undefined
    : compileOne(written, first === undefined || first === "migrations" ? AT : ["database"], kind, told);
}

/** Whether a plan says how the schema changes. */
export function hasMigrations(database: Database | undefined): boolean {
  return database !== undefined && [...KNOWN, "migrations" as const].some((key) => database[key] !== undefined);
}

function compileOne(written: Written, base: Path, kind: DatabaseKind, told: Told): MigrationTool | undefined {
  if (typeof written === "string") return { kind: "files", folder: versionsOwn(written, AT, told) };
  const keys = [...KNOWN, "command" as const].filter((key) => written[key] !== undefined);
  const [key, other] = keys;
  if (key === undefined || other !== undefined)
    return refused(
      told,
      AT,
      "One tool, and only one, changes a schema.",
      "Write one of them: `migrations: { alembic: . }`.",
    );
  if (kind !== "postgres")
    return refused(
      told,
      [...base, key],
      "Tools of the team's own are run for PostgreSQL alone in this version of Tidegate.",
      "For SQLite write plain SQL files: `migrations: db/migrations`.",
    );
  return key === "command" ? commandOf(written, told) : knownOf(key, written[key], [...base, key], told);
}

function knownOf(
  kind: KnownTool["kind"],
  written: WrittenTool[KnownTool["kind"]],
  path: Path,
  told: Told,
): KnownTool | undefined {
  if (written === undefined) return undefined;
  const { folder, command, phases } =
    typeof written === "string" ? { folder: written, command: undefined, phases: {} } : written;
  return {
    kind,
    folder: versionsOwn(folder, path, told),
    ...(command === undefined ? {} : { command: wordsOf(command) }),
    phases,
  };
}

function commandOf({ command }: WrittenTool, told: Told): MigrationTool | undefined {
  if (command === undefined) return undefined;
  const { files, applied, up, down, sql, check, phases } = command;
  if (files.split("*").length !== 2)
    return refused(
      told,
      [...AT, "command", "files"],
      "The pattern has one `*`, which is the name of a revision.",
      "Write it like `migrations/*.js`, or `prisma/migrations/*/migration.sql`.",
    );
  const [first = "", ...others] = applied;
  const isSql = others.length === 0 && /^\s*(?:select|with|values|table)\b/i.test(first);
  return {
    kind: "command",
    files: versionsOwn(files, [...AT, "command", "files"], told),
    applied: isSql ? { sql: first } : { program: wordsOf(applied) },
    up: wordsOf(up),
    ...(down === undefined ? {} : { down: wordsOf(down) }),
    ...(sql === undefined ? {} : { sql: wordsOf(sql) }),
    ...(check === undefined ? {} : { check: wordsOf(check) }),
    phases,
  };
}

/** `bundle exec rails` and `[bundle, exec, rails]` are the same. */
function wordsOf(written: readonly string[]): readonly string[] {
  const [first = ""] = written;
  return written.length === 1 ? first.trim().split(/\s+/) : written;
}

function versionsOwn(path: string, at: Path, told: Told): string {
  if (isAbsolute(path) || normalize(path).startsWith(".."))
    told.plan.push({
      code: "plan-value-invalid",
      what: "Migrations belong to a version, and this folder lies outside of it.",
      fix: "Write a path relative to the version's own folder: `db/migrations`.",
      path: at,
      on: "value",
    });
  return normalize(path);
}

function refused(told: Told, path: Path, what: string, fix: string): undefined {
  told.plan.push({ code: "plan-value-invalid", what, fix, path, on: "value" });
  return undefined;
}
