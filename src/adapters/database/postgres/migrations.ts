import { upTo } from "../baseline.ts";
import { FaultError } from "../../../core/fault.ts";
import type { Assertion } from "../../../core/plan/database.ts";
import type { BaselineRequest, BaselineResult, Migrations, MigrationStatus } from "../../../ports/migrations.ts";
import { rowOf, toldOf } from "../ledger-row.ts";
import { type Patience, USUAL_PATIENCE } from "../patience.ts";
import type { DatabaseSettings } from "../settings.ts";
import { standingOf } from "../standing.ts";
import { connectPostgres } from "./connect.ts";
import { down } from "./down.ts";
import { placeOfLedger, readHistory, readLedger } from "./ledger.ts";
import { lockHolder } from "./lock.ts";
import { type PostgresFile, readPostgresMigrations } from "./read-migrations.ts";
import { openSession, type Session, type SessionAsk } from "./session.ts";
import { lossWordsOf } from "./takes-away.ts";
import { up } from "./up.ts";

export interface MigrationSettings extends DatabaseSettings {
  /** Of the SQL files, relative to the version's folder. */
  readonly folder: string;
  readonly assertions: readonly Assertion[];
  readonly patience?: Partial<Patience>;
}

/** Plain SQL files, run by Tidegate itself in PostgreSQL. */
export function createPostgresMigrations(settings: MigrationSettings): Migrations {
  const { folder, assertions } = settings;
  const patience = { ...USUAL_PATIENCE, ...settings.patience };
  const looking = (signal: AbortSignal) =>
    connectPostgres(settings, { application: "tidegate migrate status", signal });
  const within = async <T>(
    ask: Omit<SessionAsk, "patience" | "application"> & { readonly by: string; readonly what: string },
    run: (session: Session) => Promise<T>,
  ): Promise<T> => {
    const application = `tidegate migrate ${ask.what} (${ask.by})`.slice(0, 63);
    await using session = await openSession(settings, { ...ask, application, patience });
    return await run(session);
  };
  return {
    status: async ({ directory, signal }) => {
      const files = await readPostgresMigrations(directory, folder);
      await using connection = await looking(signal);
      const ledger = await readLedger(connection.client, await placeOfLedger(connection.client));
      return { ...statusOf(files, ledger), lock: await lockHolder(connection.client) };
    },
    up: async (request) => {
      const files = await readPostgresMigrations(request.directory, folder);
      const { signal, by, tell, dryRun } = request;
      const onWait: SessionAsk["onWait"] = (holder) => tell({ kind: "waiting-for-lock", holder });
      return await within({ signal, by, what: "up", onWait, onlyTries: dryRun }, (session) =>
        up(session, files, request, assertions),
      );
    },
    down: async (request) => {
      const files = await readPostgresMigrations(request.directory, folder).catch(noneIfMissing);
      const { signal, by, tell, dryRun } = request;
      const onWait: SessionAsk["onWait"] = (holder) => tell({ kind: "waiting-for-lock", holder });
      return await within({ signal, by, what: "down", onWait, onlyTries: dryRun }, (session) =>
        down(session, files, request, assertions),
      );
    },
    baseline: async (request) => {
      const files = await readPostgresMigrations(request.directory, folder);
      const { signal, by } = request;
      return await within({ signal, by, what: "baseline", onWait: () => undefined, onlyTries: false }, (session) =>
        baseline(session, files, request),
      );
    },
    history: async ({ signal }) => {
      await using connection = await looking(signal);
      return await readHistory(connection.client, await placeOfLedger(connection.client));
    },
  };
}

/** The ledger has the texts that were applied: a version's folder may be gone when it is rolled back. */
function noneIfMissing(error: unknown): readonly PostgresFile[] {
  if (error instanceof FaultError && error.fault.code === "migrations-missing") return [];
  throw error;
}

function statusOf(
  files: readonly PostgresFile[],
  ledger: Awaited<ReturnType<typeof readLedger>>,
): Omit<MigrationStatus, "lock"> {
  const { applied, pending, problems } = standingOf(files, ledger);
  const known = new Map(files.map((file) => [file.version, file]));
  return {
    applied,
    problems,
    pending: pending.map(({ file, row }) => ({
      version: file.version,
      file: file.file,
      phase: file.phase,
      reached: row?.state === "applying" ? row.reached : null,
      statements: file.up.statements,
      isReversible: file.down !== null && file.reversible !== "no" && file.reversible !== "lossy",
      drops: lossWordsOf(known.get(file.version)),
    })),
  };
}

async function baseline(
  { work, place, ledger }: Session,
  files: readonly PostgresFile[],
  { version, by }: BaselineRequest,
): Promise<BaselineResult> {
  const wanted = upTo(files, version);
  const { versions } = await readLedger(work, place);
  const marked = wanted.filter((file) => !versions.has(file.version));
  const writes = marked.flatMap((file) => {
    const row = rowOf(file, { by, release: null }, { reached: file.up.statements });
    return [
      ledger.applied(row),
      ledger.told({ ...toldOf(row), did: "baseline", note: "marked as applied, and not run" }),
    ];
  });
  if (writes.length > 0) await work.query(`BEGIN; ${writes.join(";")}; COMMIT`);
  return { marked: marked.map(({ file }) => file) };
}
