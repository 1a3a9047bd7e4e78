import { migrationWords } from "../../engine/migration-words.ts";
import { FaultError } from "../../core/fault.ts";
import { isStopping } from "../../core/migration/finding.ts";
import { MIGRATION_PHASES, type MigrationPhase } from "../../core/plan/database.ts";
import type { MigrationProgress, MigrationStatus, StatusAsk } from "../../ports/migrations.ts";
import { confirm } from "../ask.ts";
import { answer, type Context } from "../context.ts";
import { type Invocation, isGiven, textOption } from "../definition.ts";
import { DONE, type ExitCode, REFUSED } from "../exit-code.ts";
import { downLines, historyLines, statusLines, upLines } from "../render/migrations-view.ts";
import { onInterrupt } from "../signals.ts";
import { type MigrationsPlace, migrationsPlace } from "./migrations-place.ts";
import { nowAndThen } from "./now-and-then.ts";

export async function showStatus(invocation: Invocation): Promise<ExitCode> {
  const { context } = invocation;
  const at = await migrationsPlace(invocation);
  using interruption = onInterrupt();
  const status = await lookedAt(context, at, { signal: interruption.signal });
  const lines = statusLines(status, context.terminal.style());
  return answer(context, { ...status }, lines, status.problems.length > 0 ? REFUSED : DONE);
}

export async function showHistory(invocation: Invocation): Promise<ExitCode> {
  const { context } = invocation;
  const { migrations } = await migrationsPlace(invocation);
  using interruption = onInterrupt();
  const history = await migrations.history({ signal: interruption.signal });
  return answer(context, { history }, historyLines(history, context.terminal.style()));
}

export async function goUp(invocation: Invocation): Promise<ExitCode> {
  const { context } = invocation;
  const at = await migrationsPlace(invocation);
  const phases = phasesOf(invocation);
  using interruption = onInterrupt();
  const { signal } = interruption;
  const dryRun = isGiven(invocation, "dryRun");
  if (!dryRun) await confirmLoss(invocation, at, phases, signal);
  const result = await unlessInterrupted(signal, () =>
    at.migrations.up({
      directory: at.directory,
      phases,
      release: null,
      by: context.person,
      dryRun,
      signal,
      outOfOrder: isGiven(invocation, "outOfOrder"),
      tell: teller(context),
    }),
  );
  const lines = upLines(result, dryRun, context.terminal.style());
  // What really runs is refused before it begins; here it was tried all the same, to show what it does.
  const isRefused = at.lint === "refuse" && result.applied.some(({ findings = [] }) => findings.some(isStopping));
  if (!dryRun || !isRefused) return answer(context, { ...result, dryRun }, lines);
  return answer(
    context,
    { ...result, dryRun },
    [...lines, "tidegate migrate up refuses what is marked above."],
    REFUSED,
  );
}

/** A tool's revisions are tried on a copy of the schema, which may last. */
async function lookedAt(
  { json, terminal }: Context,
  { migrations, directory, tool }: MigrationsPlace,
  ask: Pick<StatusAsk, "signal" | "isPatient">,
): Promise<MigrationStatus> {
  const slow = setTimeout(() => {
    if (!json && tool.kind !== "files") terminal.complain("Trying what is pending on a copy of the schema …");
  }, 1_500);
  try {
    return await migrations.status({ directory, ...ask });
  } finally {
    clearTimeout(slow);
  }
}

/** What is taken away by going forward nobody gets back by going back. */
async function confirmLoss(
  invocation: Invocation,
  at: MigrationsPlace,
  phases: readonly MigrationPhase[],
  signal: AbortSignal,
): Promise<void> {
  const { lint } = at;
  if (isGiven(invocation, "yes")) return;
  const { pending, problems } = await lookedAt(invocation.context, at, { signal, isPatient: true });
  const wanted = pending.filter(({ phase }) => phases.includes(phase));
  const drops = wanted.flatMap((each) => each.drops);
  // What is refused anyway needs no question.
  const isRefused =
    problems.length > 0 || (lint === "refuse" && wanted.some(({ findings }) => findings?.some(isStopping)));
  if (drops.length > 0 && !isRefused)
    await confirm(invocation.context, `This takes away ${drops.join(", ")} and what is in it.`, false);
}

export async function goDown(invocation: Invocation, [count]: readonly string[]): Promise<ExitCode> {
  const { context } = invocation;
  const at = await migrationsPlace(invocation);
  const { migrations, directory } = at;
  const release = textOption(invocation, "release");
  if (release !== undefined && count !== undefined)
    throw new FaultError({
      code: "usage",
      what: "A number of steps and --release are two questions.",
      fix: "leave one of them out",
    });
  const of = release === undefined ? { steps: wholeNumber(count ?? "1") } : { release: wholeNumber(release) };
  const dryRun = isGiven(invocation, "dryRun");
  const what =
    "steps" in of
      ? `the newest ${of.steps === 1 ? "migration" : `${of.steps} migrations`}`
      : `what release ${of.release} has migrated, as far as nothing is lost`;
  using interruption = onInterrupt();
  const { signal } = interruption;
  if (!dryRun) {
    const isYes = isGiven(invocation, "yes");
    const empty = "steps" in of && !isYes ? await emptyAfter(at, of.steps, signal) : "";
    if (empty !== null) await confirm(context, `Takes back ${what}.${empty}`, isYes);
  }
  const result = await unlessInterrupted(signal, () =>
    migrations.down({
      directory,
      of,
      by: context.person,
      dryRun,
      signal,
      acceptLoss: isGiven(invocation, "acceptLoss"),
      tell: teller(context),
    }),
  );
  return answer(context, { ...result, dryRun }, downLines(result, dryRun, context.terminal.style()));
}

/** What a contract took away is not what it was when its way back has run; null: there are fewer, which is refused anyway. */
async function emptyAfter(
  { migrations, directory }: MigrationsPlace,
  steps: number,
  signal: AbortSignal,
): Promise<string | null> {
  const { applied } = await migrations.status({ directory, signal, isPatient: true }).catch(unlessMissing);
  if (applied.length > 0 && steps > applied.length) return null;
  const empty = applied.slice(-steps).flatMap(({ drops = [] }) => drops);
  return empty.length === 0 ? "" : ` What comes back is empty: ${empty.join(", ")}.`;
}

/** The ledger has what is needed to go back, also where the files are gone. */
function unlessMissing(error: unknown): Pick<MigrationStatus, "applied"> {
  if (error instanceof FaultError) return { applied: [] };
  throw error;
}

export async function setBaseline(invocation: Invocation, [version]: readonly string[]): Promise<ExitCode> {
  const { context } = invocation;
  const { migrations, directory } = await migrationsPlace(invocation);
  const upTo = version === undefined ? "every migration" : `every migration up to ${version}`;
  await confirm(
    context,
    `Writes down that ${upTo} is applied already, and runs none of them.`,
    isGiven(invocation, "yes"),
  );
  using interruption = onInterrupt();
  const { signal } = interruption;
  const { marked } = await migrations.baseline({
    directory,
    signal,
    by: context.person,
    version: version === undefined ? null : (/^\d+/.exec(version)?.[0] ?? version),
  });
  const lines =
    marked.length === 0 ? ["All of them were applied already."] : marked.map((file) => `marked as applied: ${file}`);
  return answer(context, { marked }, lines);
}

function teller({ json, terminal }: Context): (progress: MigrationProgress) => void {
  const tell = (progress: MigrationProgress): void => {
    const isKnown = progress.kind === "blocked" && progress.isAgain === true;
    const line = json || isKnown ? null : migrationWords(progress);
    if (line !== null) terminal.complain(line);
  };
  return nowAndThen(tell, () => performance.now());
}

function phasesOf(invocation: Invocation): readonly MigrationPhase[] {
  const word = textOption(invocation, "phase");
  if (word === undefined) return MIGRATION_PHASES;
  const phase = MIGRATION_PHASES.find((each) => each === word);
  if (phase !== undefined) return [phase];
  throw new FaultError({
    code: "usage",
    what: `There is no phase "${word}".`,
    fix: `--phase ${MIGRATION_PHASES.join(", --phase ")}`,
  });
}

function wholeNumber(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new FaultError({
    code: "usage",
    what: `"${text}" is no number of migrations.`,
    fix: "tidegate migrate down 2",
  });
}

/** Faults: interrupted. */
async function unlessInterrupted<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new FaultError({
      code: "interrupted",
      what: "Stopped. What was not finished was taken back; what was, is in the ledger. Rows that a backfill has changed stay changed.",
      fix: "tidegate migrate status; tidegate migrate up goes on",
    });
  }
}
