import { isAbsolute, normalize, resolve } from "node:path";
import { databaseKindOf, type DatabasePlan } from "../../core/plan/database.ts";
import { fillReferences, referencesIn } from "../../core/text/references.ts";
import type { Path } from "../reading/located.ts";
import type { PlanConfig } from "../schema/plan-file.ts";
import type { CompileContext, Told } from "./context.ts";
import { compileMigrations } from "./migrations.ts";

/** The app's database, of which the address stays as it is written. */
export function compileDatabase(
  config: PlanConfig,
  { environment, env, folder }: CompileContext,
  told: Told,
): DatabasePlan | undefined {
  const written = config.database;
  if (written === undefined) return undefined;
  const { url, ca, assertions, lint, queries } = written;
  checkPassword(url, AT, told);
  if (queries !== undefined) checkQueries(queries, told);
  const { keep, encryptTo = [], scratch, upload, folder: backupFolder } = written.backups;
  if (scratch !== undefined) checkPassword(scratch, ["database", "backups", "scratch"], told);
  const kind = kindOf(url, env, told);
  const tool = compileMigrations(written, kind, told);
  return {
    kind,
    url,
    ...(ca === undefined ? {} : { ca: resolve(folder, ca) }),
    ...(tool === undefined ? {} : { migrations: tool }),
    ...(lint === undefined ? {} : { lint }),
    ...(queries === undefined ? {} : { queries: normalize(queries) }),
    backups: {
      // Environments must not count each other's backups as their own.
      folder: backupFolder ?? (environment === "production" ? ".tidegate/backups" : `.tidegate/${environment}/backups`),
      keep:
        typeof keep === "number"
          ? { newest: keep }
          : { newest: keep.newest, ...(keep.days === undefined ? {} : { days: keep.days }) },
      encryptTo,
      ...(scratch === undefined ? {} : { scratch }),
      ...(upload === undefined ? {} : { upload }),
    },
    assertions: Object.entries(assertions).map(([name, sql]) => ({ name, sql })),
  };
}

const AT: Path = ["database", "url"];

/** By the address itself; what it refers to is in the environment, and if it is not, that is told already. */
function kindOf(url: string, env: CompileContext["env"], told: Told): DatabasePlan["kind"] {
  const names = referencesIn(url).filter(({ owner }) => owner === "user");
  if (names.some(({ name }) => env[name] === undefined)) return "postgres";
  const values = Object.fromEntries(names.map(({ name }) => [name, env[name] ?? ""]));
  const found = databaseKindOf(fillReferences(url, values));
  if ("kind" in found) return found.kind;
  told.plan.push({ code: "plan-value-invalid", ...found, path: AT, on: "value" });
  return "postgres";
}

/** I8: the plan travels in the journal. */
function checkPassword(url: string, path: Path, told: Told): void {
  const password = /^[a-z][a-z0-9+]*:\/\/[^/@]*:([^/@]+)@/i.exec(url)?.[1];
  if (password === undefined || referencesIn(password).some(({ owner }) => owner === "user")) return;
  told.plan.push({
    code: "plan-value-invalid",
    what: "A password can't stand here in plain text: the plan is kept in the journal.",
    fix: 'Write a reference to an environment variable: `"${DATABASE_URL}"`.',
    path,
    on: "value",
    part: password,
    isSecret: true,
  });
}

function checkQueries(path: string, told: Told): void {
  if (!isAbsolute(path) && !normalize(path).startsWith("..")) return;
  told.plan.push({
    code: "plan-value-invalid",
    what: "The queries belong to a version, and this file lies outside of it.",
    fix: "Write a path relative to the version's own folder: `db/queries.sql`.",
    path: ["database", "queries"],
    on: "value",
  });
}
