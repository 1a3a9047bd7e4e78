import { type Contents, differences, type TableContents } from "../../core/backup/contents.ts";
import type { ReplayedQueries } from "../../core/migration/replayed.ts";
import type { Drilled } from "../../core/backup/record.ts";
import { FaultError } from "../../core/fault.ts";
import { MIGRATION_PHASES } from "../../core/plan/database.ts";
import type { VerifyRequest } from "../../ports/backups.ts";
import type { Migrations, PendingMigration } from "../../ports/migrations.ts";
import { isLedger } from "../database/ledger-tables.ts";
import type { DatabaseSettings } from "../database/settings.ts";
import type { Copy, Going } from "./kind.ts";
import { refuseBroken, type Watching } from "./query-watch.ts";

/** The plan's migrations, for any database of the same kind. */
export type Migrating = (database: DatabaseSettings) => Migrations | Promise<Migrations>;

type DrillOrder = Going & Pick<VerifyRequest, "by" | "servingDirectory"> & { readonly directory: string };

export interface Drilling {
  readonly migrating: Migrating;
  /** Absent: queries can't be asked of a copy of this kind. */
  readonly watching?: Watching;
  /** What becomes of a query that no longer works; absent: the drill fails. */
  readonly broken?: "refuse" | "warn";
}

/** Of a database that is empty: its first migrations, perhaps those of years, are not run three times to show nothing. */
const NOTHING: Drilled = { upMs: 0, downMs: 0, againMs: 0, applied: [], reversed: [], kept: [] };

/**
 * What is pending goes up on the copy, down and up again, with the time of each; what went down must leave the rows that were there before,
 * and what the version that serves asks must still work while that does. Faults: drill-failed, drill-breaks-queries, and those of migrations.
 */
export async function drill(drilling: Drilling, copy: Copy, before: Contents, order: DrillOrder): Promise<Drilled> {
  return await drillOn(drilling, copy, before, order).catch((error: unknown) => {
    throw error instanceof FaultError && OF_MIGRATING.has(error.fault.code) ? onTheCopy(error) : error;
  });
}

const OF_MIGRATING = new Set(["migration-failed", "migration-blocked", "database-lost"]);

/** What it says of what is done must not be taken for what is done to the users' database. */
function onTheCopy(error: FaultError): FaultError {
  const { what } = error.fault;
  const fix = "mend the migration; then try it again: tidegate backup --proof drill";
  return new FaultError({ ...error.fault, what: `On the copy, not in your database: ${what}`, fix }, { cause: error });
}

async function drillOn(
  { migrating, watching, broken }: Drilling,
  copy: Copy,
  before: Contents,
  order: DrillOrder,
): Promise<Drilled> {
  if (copy.settings === null)
    throw notPossible("Migrations can't be tried on an encrypted backup of SQLite: it is never a file in plain text.");
  const { directory, by, signal, tell } = order;
  if (before.tables.every(isAboutMigrations)) {
    tell({ kind: "note", what: "The database holds nothing yet, so there is nothing that migrations could harm." });
    return NOTHING;
  }
  const migrations = await migrating(copy.settings);
  const { pending } = await migrations.status({ directory, signal });
  const common = { directory, by, signal, dryRun: false, onCopy: true, tell: () => undefined };
  const up = () => migrations.up({ ...common, phases: MIGRATION_PHASES, release: null });
  const first = await timed(async () => {
    const watched = await upWatched(migrations, watching, { ...order, copy: copy.settings, pending });
    const { applied } = await up();
    return { applied: [...watched.applied, ...applied.map(({ file }) => file)], queries: watched.queries };
  });
  const back = reversibleEnd(pending);
  const down = await timed(async () =>
    back.length === 0
      ? []
      : (await migrations.down({ ...common, of: { steps: back.length }, acceptLoss: true })).reversed,
  );
  const kept = pending.slice(0, pending.length - back.length).map(keptWords);
  if (kept.length === 0) {
    const changed = rowDifferences(before, await copy.contents());
    const loss = pending.flatMap(({ file, drops }) => drops.map((what) => `${file} ${what}`));
    // A migration that takes something away says so beforehand; any other must leave the rows as they were.
    if (changed.length > 0 && loss.length === 0) throw notReversed(changed);
    for (const what of changed) tell({ kind: "note", what: `After going up and down ${what} (${loss.join("; ")}).` });
  }
  const again = await timed(up);
  const { applied, queries } = first.result;
  if (queries !== null && broken !== "warn") refuseBroken(queries);
  return {
    upMs: first.tookMs,
    downMs: down.tookMs,
    againMs: again.tookMs,
    applied,
    reversed: down.result.map(({ file }) => file),
    kept,
    ...(queries === null ? {} : { queries }),
  };
}

/** In the order of a release, one by one, and what is asked after each; nothing where nobody knows what that is. */
async function upWatched(
  migrations: Migrations,
  watching: Watching | undefined,
  {
    copy,
    directory,
    servingDirectory,
    by,
    signal,
    pending,
  }: DrillOrder & {
    readonly copy: DatabaseSettings | null;
    readonly pending: readonly PendingMigration[];
  },
): Promise<{ readonly applied: readonly string[]; readonly queries: ReplayedQueries | null }> {
  const none = { applied: [], queries: null };
  if (watching === undefined || copy === null || pending.length === 0) return none;
  const serving = servingDirectory === undefined ? {} : { servingDirectory };
  await using watch = await watching({ copy, directory, ...serving, signal });
  if (watch === null) return none;
  const allowing = new Set(
    pending
      .filter(({ findings }) => findings?.some(({ kind, allowed }) => kind === "compat" && allowed !== undefined))
      .map(({ file }) => file),
  );
  const applied: string[] = [];
  for (;;) {
    const done = await migrations.up({
      directory,
      phases: ["expand", "backfill"],
      atMost: 1,
      release: null,
      by,
      dryRun: false,
      signal,
      tell: () => undefined,
    });
    for (const { file, phase } of done.applied) await watch.after({ file, phase, isAllowed: allowing.has(file) });
    if (done.applied.length === 0) return { applied, queries: watch.result() };
    applied.push(...done.applied.map(({ file }) => file));
  }
}

/** Faults: drill-not-possible. */
export function notPossible(what: string): FaultError {
  return new FaultError({
    code: "drill-not-possible",
    what,
    fix: "name them: database: { migrations: db/migrations }; or prove the backup with --proof restore",
  });
}

/** The newest that can be taken back one after the other. */
function reversibleEnd(pending: readonly PendingMigration[]): readonly PendingMigration[] {
  return pending.slice(pending.findLastIndex(({ isReversible }) => !isReversible) + 1);
}

function keptWords({ file, isReversible }: PendingMigration): Drilled["kept"][number] {
  return {
    file,
    why: isReversible
      ? "One after it has no way back without a loss."
      : "It has no way back, or says that it loses data.",
  };
}

/** What is written down of migrations differs by what was done, and is nobody's data. */
function rowDifferences(before: Contents, after: Contents): readonly string[] {
  const known = new Set(before.tables.filter((table) => !isAboutMigrations(table)).map(({ name }) => name));
  const only = ({ tables }: Contents): Contents => ({
    tables: tables.filter(({ name }) => known.has(name)),
    objects: {},
  });
  return differences(only(before), only(after));
}

/** By its name alone: what is in a table called `migrations` counts as rows, which of a tool's own come back to what they were anyway. */
function isAboutMigrations({ name }: TableContents): boolean {
  return isLedger(name.slice(name.lastIndexOf(".") + 1));
}

function notReversed(changed: readonly string[]): FaultError {
  return new FaultError({
    code: "drill-failed",
    what: "The migrations went up and down on the copy, and it is not what it was: going back would change rows.",
    detail: changed.slice(0, 20),
    fix: "mend the way down; or say in the migration that it is not reversible: -- reversible: lossy",
  });
}

async function timed<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly tookMs: number }> {
  const startedAt = performance.now();
  const result = await work();
  return { result, tookMs: Math.round(performance.now() - startedAt) };
}
