import { withoutFullStop } from "../../core/text/plain-text.ts";
import { type Fault, faultOf } from "../../core/fault.ts";
import { allowing, stoppingIn, stoppingSentence } from "../../core/migration/refusal.ts";
import type { DatabasePlan } from "../../core/plan/database.ts";
import type { Plan } from "../../core/plan/plan.ts";
import { formatDuration } from "../../core/time/time.ts";
import type { Backups } from "../../ports/backups.ts";
import type { MigrationProblem, MigrationStatus } from "../../ports/migrations.ts";
import type { AppDatabase } from "../app-database.ts";
import type { Context } from "../context.ts";
import { gapsOf, isMetByNoStep, phasesOf } from "../migrations/phases-of-plan.ts";
import { withPlace } from "../notices.ts";
import { pendingWords } from "../render/migrations-view.ts";
import { type Finding, found } from "./finding.ts";

/** Whether the app's database answers, what its migrations wait for, and what it could be brought back from. */
export async function lookAtDatabase(context: Context, plan: Plan): Promise<readonly Finding[]> {
  const { database } = plan;
  if (database === undefined) return [];
  const { migrations } = database;
  const place = { database, folder: context.project().folder, plan, env: context.env };
  const asked = await Promise.all([
    migrations === undefined ? [] : tried("migrations", () => lookAtMigrations(context, place, migrations)),
    tried("backups", async () => {
      const backups = await context.machinery.backups(place);
      return [...(await lookAtTools(backups)), ...(await lookAtBackups(backups, plan))];
    }),
  ]);
  return asked.flat();
}

async function tried(name: string, look: () => Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  try {
    return await look();
  } catch (error) {
    const { what, fix } = faultOf(error, "database-unreachable", "The database can't be asked.");
    return [found(name, "bad", withoutFullStop(what), fix)];
  }
}

async function lookAtMigrations(
  context: Context,
  place: AppDatabase & { readonly plan: Plan },
  migrations: NonNullable<DatabasePlan["migrations"]>,
): Promise<readonly Finding[]> {
  const port = await context.machinery.migrations(place, { tool: migrations });
  const status = await port.status({
    directory: place.folder,
    signal: AbortSignal.timeout(migrations.kind === "files" ? PATIENCE_MS : TOOL_PATIENCE_MS),
  });
  return [
    found("migrations", "ok", countOf(status)),
    ...status.pending.map((each) => found("migrations", "info", `pending: ${each.file}, ${pendingWords(each)}`)),
    ...stoppingFindings(status, place.plan),
    ...[...status.problems, ...gapsOf(status, place.plan)].map((each) =>
      found("migrations", isInTheWay(each, status, place.plan) ? "bad" : "warn", withoutFullStop(each.what), each.fix),
    ),
    ...(status.notes ?? []).map(({ what, fix }) => found("migrations", "warn", withoutFullStop(what), fix)),
    ...(status.lock === null
      ? []
      : [
          found(
            "migrations",
            "warn",
            `somebody migrates the database now, backs it up or restores it: ${status.lock.application}, process ${status.lock.pid} of the server`,
          ),
        ]),
  ];
}

/** A database that does not answer must not keep the rest from being told. */
const PATIENCE_MS = 10_000;
/** What a tool has pending is tried on a copy of the schema, a second or two for each. */
const TOOL_PATIENCE_MS = 120_000;

/** A release that migrates nothing asks for none of them. */
function isInTheWay(problem: MigrationProblem, status: MigrationStatus, plan: Plan): boolean {
  return phasesOf(plan).size > 0 && !isMetByNoStep(problem, status, plan);
}

/** What a release would refuse, before it begins. */
function stoppingFindings({ pending }: MigrationStatus, plan: Plan): readonly Finding[] {
  const run = new Set(pending.filter(({ phase }) => phasesOf(plan).has(phase)).map(({ file }) => file));
  return stoppingIn(pending).map((each) =>
    found(
      "migrations",
      plan.database?.lint !== "warn" && run.has(each.file) ? "bad" : "warn",
      withoutFullStop(stoppingSentence(each)),
      `${withoutFullStop(each.fix)}; or: ${allowing(each)}`,
    ),
  );
}

function countOf({ applied, pending }: MigrationStatus): string {
  const contract = pending.filter(({ phase }) => phase === "contract").length;
  const later = contract === 0 ? "" : `, ${contract} of them once the old version is retired`;
  return `${applied.length} applied, ${pending.length} pending here${later}`;
}

/** What it would be backed up with, and tried in. */
async function lookAtTools(backups: Backups): Promise<readonly Finding[]> {
  const notices = await backups.notices(AbortSignal.timeout(PATIENCE_MS));
  return notices.map(({ about, level, fix, ...notice }) => found(about, level, withPlace(notice), fix));
}

async function lookAtBackups(backups: Backups, plan: Plan): Promise<readonly Finding[]> {
  const unreadable = (await backups.unreadable()).map(({ fix, ...fault }) =>
    found("backups", "warn", withPlace({ sentence: withoutFullStop(fault.what), where: fault.where ?? "" }), fix),
  );
  const trouble = await backups.folderTrouble();
  return [
    ...unreadable,
    ...(trouble === null ? [] : [unwritable(trouble, plan)]),
    ...(await lookAtNewest(backups, plan, trouble === null)),
  ];
}

/** As `tidegate backup` would refuse it. */
function unwritable({ what, where = "", cause, fix }: Fault, plan: Plan): Finding {
  const sentence = withPlace({ sentence: withoutFullStop(what), where });
  return found("backups", makesBackup(plan) ? "bad" : "warn", `${sentence}: ${cause ?? ""}`, fix);
}

function makesBackup({ steps }: Plan): boolean {
  return steps.some(({ kind }) => kind === "backup");
}

async function lookAtNewest(backups: Backups, plan: Plan, canBeMade: boolean): Promise<readonly Finding[]> {
  const newest = (await backups.list()).at(-1);
  if (newest === undefined) {
    if (!canBeMade) return [];
    const makesOne = makesBackup(plan);
    const fix = "make one: tidegate backup";
    return [
      found(
        "backups",
        "info",
        `there is none yet${makesOne ? "; a release makes one" : ""}`,
        makesOne ? undefined : fix,
      ),
    ];
  }
  const age = `the newest is ${formatDuration(Math.max(0, Date.now() - newest.madeAt))} old`;
  if (newest.trouble !== null)
    return [
      found(
        "backups",
        "warn",
        `${age} and no good: ${withoutFullStop(newest.trouble.what)}`,
        "make another: tidegate backup",
      ),
    ];
  const { proof } = newest;
  return [
    proof === null
      ? found("backups", "warn", `${age}, and nobody has proven it`, `prove it: tidegate backup verify ${newest.id}`)
      : found("backups", "ok", `${age}, proven by ${proof.proof === "decode" ? "reading every byte" : "restoring it"}`),
  ];
}
