import { faultOf } from "../../core/fault.ts";
import type { Plan } from "../../core/plan/plan.ts";
import type { MigrationProblem, PendingMigration } from "../../ports/migrations.ts";
import type { Context } from "../context.ts";
import { gapsOf, isMetByNoStep } from "./phases-of-plan.ts";

/** What a release of a version would migrate, by the database as it is now. */
export type PendingOfVersion =
  | {
      readonly kind: "known";
      readonly pending: readonly PendingMigration[];
      readonly problems: readonly MigrationProblem[];
    }
  /** `why`: a sentence. */
  | { readonly kind: "unknown"; readonly why: string };

interface Versions {
  readonly plan: Plan;
  /** The full name of what is released. */
  readonly candidate: string;
  /** Of what serves, whose queries are read; null: nothing does, or nobody has its files. */
  readonly stable: string | null;
}

/** A database that does not answer must not keep anybody from the rest. */
const PATIENCE_MS = 5_000;

/** null: the plan migrates nothing. */
export async function pendingOfVersion(context: Context, versions: Versions): Promise<PendingOfVersion | null> {
  const { plan, candidate, stable } = versions;
  const { database } = plan;
  if (database?.migrations === undefined || !plan.steps.some(({ kind }) => kind === "migrate")) return null;
  const { migrations: tool, queries } = database;
  // It may need what only the version's own `prepare` brings, and to be run for an answer.
  if (tool.kind !== "files")
    return {
      kind: "unknown",
      why: `${tool.kind === "command" ? "Its tool" : tool.kind} is asked for its migrations once the version is made; \`tidegate migrate status\` asks it here and now.`,
    };
  const project = context.project();
  const filesOf = (version: string, paths: readonly string[]) =>
    context.machinery.versionFiles({ project, plan, version, paths });
  try {
    await using files = await filesOf(candidate, [tool.folder, ...(queries === undefined ? [] : [queries])]);
    if (files === null) return { kind: "unknown", why: "Its migrations are known only once the version is made." };
    await using serving = queries === undefined || stable === null ? null : await filesOf(stable, [queries]);
    const place = { database, folder: project.folder, plan, env: context.env };
    const migrations = await context.machinery.migrations(place, { tool });
    const status = await migrations.status({
      directory: files.directory,
      ...(serving === null ? {} : { servingDirectory: serving.directory }),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    const { pending, problems } = status;
    const met = problems.filter((each) => !isMetByNoStep(each, status, plan));
    return { kind: "known", pending, problems: [...met, ...gapsOf(status, plan)] };
  } catch (error) {
    return { kind: "unknown", why: faultOf(error, "database-unreachable", "The database can't be asked.").what };
  }
}
