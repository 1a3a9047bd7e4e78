import { resolve } from "node:path";
import { FaultError } from "../core/fault.ts";
import { databaseKindOf, type DatabasePlan } from "../core/plan/database.ts";
import type { Plan } from "../core/plan/plan.ts";
import { defined, fillReferences } from "../core/text/references.ts";
import type { Context } from "./context.ts";
import { type Invocation, type OptionDefinition, textOption } from "./definition.ts";
import { loadPlan } from "./plan-file.ts";

/** Which database a command is about. */
export interface AppDatabase {
  readonly database: DatabasePlan;
  /** What its relative paths are relative to: the plan file's folder. */
  readonly folder: string;
  /** null: there is no plan file, or another database was named. */
  readonly plan: Plan | null;
  readonly env: Context["env"];
}

export const DATABASE_OPTION: OptionDefinition = {
  flags: "--database <address>",
  about:
    "instead of the plan file's `database:`; with a password in it write `'${DATABASE_URL}'`, which is taken from the environment: others can read arguments",
};

/** The one of `--database`, else of the plan file, else, where there is no plan file, of DATABASE_URL. Faults: usage, plan-file-missing, database-missing. */
export async function appDatabase(invocation: Invocation): Promise<AppDatabase> {
  const { context } = invocation;
  const { env } = context;
  const address = textOption(invocation, "database");
  const project = context.project();
  if (address !== undefined)
    return { database: withoutPlan(address, env), folder: resolve(context.cwd), plan: null, env };
  if (project.planFile === null && (env["DATABASE_URL"] ?? "") !== "")
    return { database: withoutPlan("${DATABASE_URL}", env), folder: resolve(context.cwd), plan: null, env };
  const { plan } = await loadPlan(context, project);
  if (plan.database !== undefined) return { database: plan.database, folder: project.folder, plan, env };
  throw new FaultError({
    code: "database-missing",
    what: "The plan file names no database.",
    where: project.planFile ?? project.folder,
    fix: 'add to it: database: { url: "${DATABASE_URL}" }; or name one: --database postgres://user@host/name',
  });
}

function withoutPlan(address: string, env: Context["env"]): DatabasePlan {
  const found = databaseKindOf(fillReferences(address, defined(env)));
  if (!("kind" in found))
    throw new FaultError({
      code: "usage",
      what: found.what,
      where: address === "${DATABASE_URL}" ? "DATABASE_URL" : "--database",
      fix: found.fix,
    });
  return {
    kind: found.kind,
    url: address,
    backups: { folder: ".tidegate/backups", keep: { newest: 7 }, encryptTo: [] },
    assertions: [],
  };
}
