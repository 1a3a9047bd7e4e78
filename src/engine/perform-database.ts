import type { EffectOf, Observed } from "../core/release/effect.ts";
import { type Fault, FaultError, faultOf } from "../core/fault.ts";
import type { DatabasePlan } from "../core/plan/database.ts";
import type { WentBack } from "../core/decide/database-recipe.ts";
import { waitsWhenFailed } from "../core/decide/react.ts";
import { currentStep } from "../core/release/release.ts";
import { fullStop } from "../core/text/plain-text.ts";
import type { BackupRequest } from "../ports/backups.ts";
import type { MigrationProgress, Migrations } from "../ports/migrations.ts";
import { migrationWords } from "./migration-words.ts";
import type { Stage } from "./perform.ts";

export async function makeBackup(stage: Stage, { proof, version }: EffectOf<"backup">): Promise<Observed> {
  const { release, ports, signal } = stage;
  const backups = await ports.databases.backups(databaseOf(stage));
  const directory = proof === "drill" ? await folderOf(stage, version) : null;
  const serving = proof === "drill" ? await servingFolder(stage) : null;
  const tell: BackupRequest["tell"] = (progress) =>
    stage.tell(progress.kind === "waiting-for-lock" || progress.kind === "note" ? progress.what : null);
  const made = await backups
    .make({
      proof,
      release: release.id,
      by: release.by,
      directory,
      ...(serving === null ? {} : { servingDirectory: serving }),
      signal,
      tell,
    })
    .catch((error: unknown) => {
      // The first version of an empty place makes its database by its own migrations.
      const { code } = faultOf(error, "backup-not-made", "");
      if (code === "database-not-made-yet" && release.stable === null) return null;
      throw error;
    });
  if (made === null) return { notes: ["There is no database yet, so there is nothing to back up."] };
  const { record, removed, notes } = made;
  const { id, file, bytes, sha256, dumpMs } = record;
  return { backup: id, file, bytes, sha256, dumpMs, proof: record.proof, removed, notes };
}

/** A fault says whether nothing of any file is done: then nothing is gone, whatever the files would have taken away. */
export async function migrate(stage: Stage, effect: EffectOf<"migrate">): Promise<Observed> {
  let isBegun = false;
  let isOneDone = false;
  const told = ({ kind }: MigrationProgress): void => {
    isBegun ||= kind === "began";
    isOneDone ||= kind === "done";
  };
  let isTaking = false;
  const taking = async (file: string): Promise<void> => {
    await noteContract(stage, file);
    isTaking = true;
  };
  return await migrateTelling(stage, effect, told, taking).catch((error: unknown) => {
    const isCalledOff = stage.signal.aborted && !isTaking && effect.phases.every((phase) => phase === "contract");
    if (isCalledOff) throw calledOff(error);
    if (!(error instanceof FaultError)) throw error;
    const { isBeforehand = false, ...fault } = asRelease(stage, error.fault);
    const isNothingDone = !isBegun || (isBeforehand && !isOneDone);
    throw new FaultError(isNothingDone ? { ...fault, isBeforehand: true } : fault, { cause: error });
  });
}

/** Its advice for whoever migrates by hand is none for a release, which migrates as a step of its own. */
function asRelease({ release }: Stage, fault: Fault): Fault {
  const { again, fix } = fault;
  const step = currentStep(release)?.step;
  if (again === undefined || fix === undefined || step === undefined) return fault;
  const isHeld = waitsWhenFailed(release, step);
  const instead = isHeld ? `tidegate retry ${release.id}` : "tidegate release VERSION";
  const mended = isHeld ? " (a file that is mended is another version: tidegate release VERSION)" : "";
  return { ...fault, again: instead, fix: `${fix.replace(again, instead)}${mended}` };
}

async function migrateTelling(
  stage: Stage,
  { phases, whole, version }: EffectOf<"migrate">,
  told: (progress: MigrationProgress) => void,
  taking: (file: string) => Promise<void>,
): Promise<Observed> {
  const { release, ports, signal } = stage;
  const migrations = await ports.databases.migrations(databaseOf(stage));
  const directory = await folderOf(stage, version);
  if (whole === true) await refuseOthers(stage, migrations, directory, phases);
  const serving = await servingFolder(stage);
  const { applied, already, pendingLater } = await migrations.up({
    directory,
    ...(serving === null ? {} : { servingDirectory: serving }),
    phases,
    wholeIfEmpty: true,
    release: release.id,
    by: release.by,
    dryRun: false,
    signal,
    ...(phases.includes("contract") ? { beforeContract: taking } : {}),
    tell: (progress) => {
      told(progress);
      stage.tell(asSentence(migrationWords(progress)));
    },
  });
  const migrated = applied.map(({ file, phase, statements, tookMs, longestWaitMs, deleted }) => ({
    file,
    phase,
    statements,
    tookMs,
    longestWaitMs,
    ...(deleted === undefined ? {} : { deleted }),
  }));
  return { applied: migrated, already, pendingLater };
}

/** A contract that was not yet asked whether it may take away has done nothing. */
function calledOff(error: unknown): FaultError {
  const what = "It was called off before anything of it was done.";
  return new FaultError({ code: "called-off", what, isBeforehand: true }, { cause: error });
}

/** From then on nobody may go back to what it takes away. */
async function noteContract({ release, note }: Stage, file: string): Promise<void> {
  const current = currentStep(release);
  if (current === null) throw new Error("A contract belongs to a step.");
  await note({ type: "contract-started", step: current.step.id, file });
}

/** Where the version that serves says what it asks of the database; null: it says it nowhere, or was taken over without its files. */
async function servingFolder(stage: Stage): Promise<string | null> {
  const { stable, plan } = stage.release;
  if (stable === null || stable.adopted !== undefined || plan.database?.queries === undefined) return null;
  return await folderOf(stage, stable.version);
}

/** Before anything is changed: a plan that says all means that nothing is left over. */
async function refuseOthers(
  { release, signal }: Stage,
  migrations: Migrations,
  directory: string,
  phases: EffectOf<"migrate">["phases"],
): Promise<void> {
  const { pending } = await migrations.status({ directory, signal, isPatient: true });
  const others = pending.filter(({ phase }) => !phases.includes(phase)).map(({ file }) => file);
  if (others.length === 0) return;
  throw new FaultError({
    code: "contract-pending",
    what: `${others.join(", ")} ${others.length === 1 ? "takes" : "take"} away what ${release.stable?.label ?? "the version before"} needs, and it still serves.`,
    fix: "write `steps:` with `migrate: expand` before `start` and `migrate: contract` behind `retire`",
  });
}

/** Whatever could not be taken back stays expanded, which does no harm. */
export async function migrateBack(stage: Stage, { version }: EffectOf<"migrate-back">): Promise<Observed> {
  const { release, ports, signal } = stage;
  const migrations = await ports.databases.migrations(databaseOf(stage));
  const { reversed, kept } = await migrations.down({
    directory: await folderOf(stage, version),
    of: { release: release.id },
    by: release.by,
    acceptLoss: false,
    dryRun: false,
    signal,
    tell: (progress) => stage.tell(asSentence(migrationWords(progress))),
  });
  const gone = reversed.flatMap(({ empty = [] }) => empty.map((each) => `what was in ${each}`));
  const thinned = reversed.flatMap((each) => each.thinned ?? []);
  return {
    reversed: reversed.map(({ file }) => file),
    kept,
    ...(gone.length === 0 ? {} : { gone }),
    ...(thinned.length === 0 ? {} : { thinned }),
  } satisfies WentBack;
}

async function folderOf({ ports, release, signal }: Stage, version: string): Promise<string> {
  return (await ports.runtime.prepare(version, release.plan.services, signal)).directory;
}

/** The compiler refuses such steps where it names none. */
function databaseOf({ release }: Stage): DatabasePlan {
  const { database } = release.plan;
  if (database !== undefined) return database;
  throw new FaultError({ code: "no-database", what: "The plan names no database.", fix: "name it under `database:`" });
}

function asSentence(words: string | null): string | null {
  return words === null || words.endsWith("…") ? words : fullStop(words);
}
