import { releaseOf, runName } from "../run-name.ts";
import { upTo } from "../baseline.ts";
import { FaultError } from "../../../core/fault.ts";
import type { Assertion } from "../../../core/plan/database.ts";
import type {
  BaselineRequest,
  BaselineResult,
  Migrations,
  MigrationStatus,
  PlacedFinding,
} from "../../../ports/migrations.ts";
import { emptyUpTo } from "../empty-at-first.ts";
import { withDrops } from "../comes-back-empty.ts";
import { assertionProblems } from "../lost-assertions.ts";
import { reachedOf, rowOf, toldOf } from "../ledger-row.ts";
import { type Patience, USUAL_PATIENCE } from "../patience.ts";
import type { DatabaseSettings } from "../settings.ts";
import { sqlOfVersion } from "../sql-of.ts";
import { type Standing, standingOf } from "../standing.ts";
import { connectPostgres } from "./connect.ts";
import { down } from "./down.ts";
import { placeOfLedger, readHistory, readLedger } from "./ledger.ts";
import { lintFiles, queriesPlace } from "./lint-files.ts";
import { readServing } from "./lint-pending.ts";
import { lockHolder } from "./lock.ts";
import { type PostgresFile, readPostgresMigrations } from "./read-migrations.ts";
import { orLost } from "./run-faults.ts";
import { openSession, type Session, type SessionAsk } from "./session.ts";
import { notesOf } from "./role-notes.ts";
import { lossWordsOf } from "./loss-words.ts";
import { statementsOf, up } from "./up.ts";

export interface MigrationSettings extends DatabaseSettings {
  /** Of the SQL files, relative to the version's folder. */
  readonly folder: string;
  readonly assertions: readonly Assertion[];
  /** Absent: what the linter finds and nobody has allowed is refused. */
  readonly lint?: "refuse" | "warn";
  /** A file of the queries of the version that serves, relative to its folder. */
  readonly queries?: string;
  readonly patience?: Partial<Patience>;
}

/** Plain SQL files, run by Tidegate itself in PostgreSQL. */
export function createPostgresMigrations(settings: MigrationSettings): Migrations {
  const { folder, assertions } = settings;
  const patience = { ...USUAL_PATIENCE, ...settings.patience };
  const looking = (signal: AbortSignal) =>
    connectPostgres(settings, { application: "tidegate migrate status", signal });
  const within = async <T>(
    ask: Omit<SessionAsk, "patience" | "application"> & {
      readonly by: string;
      readonly what: string;
      readonly release: number | null;
    },
    run: (session: Session) => Promise<T>,
  ): Promise<T> => {
    const application = runName(ask.what, ask.by, ask.release);
    await using session = await openSession(settings, { ...ask, application, patience });
    return await orLost(() => run(session));
  };
  return {
    status: async (at) => {
      const files = await readPostgresMigrations(at.directory, folder);
      await using connection = await looking(at.signal);
      const { client } = connection;
      const ledger = await placeOfLedger(client);
      const standing = standingOf(files, await readLedger(client, ledger));
      const upTo = emptyUpTo(await readHistory(client, ledger));
      const findings = await lintFiles(client, files, standing, queriesPlace(at, settings.queries), upTo);
      const status = statusOf(files, standing, findings);
      const pending = new Set(standing.pending.map(({ file }) => file.version));
      const lost = await assertionProblems(assertions, () => statementsOf(files, pending));
      const problems = [...status.problems, ...lost];
      return { ...status, problems, lock: await lockHolder(client), notes: await notesOf(client) };
    },
    serving: async (ask) => {
      await using connection = await looking(ask.signal);
      const { client } = connection;
      const serving = await readServing(client, ask.names, queriesPlace(ask, settings.queries));
      const { versions } = await readLedger(client, await placeOfLedger(client));
      return { serving, applied: [...versions] };
    },
    up: async (request) => {
      const files = await readPostgresMigrations(request.directory, folder);
      const { signal, by, tell, dryRun } = request;
      const onWait: SessionAsk["onWait"] = (holder) => tell({ kind: "waiting-for-lock", holder });
      return await within({ signal, by, what: "up", release: request.release, onWait, onlyTries: dryRun }, (session) =>
        up(session, files, request, settings),
      );
    },
    down: async (request) => {
      const files = await readPostgresMigrations(request.directory, folder).catch(noneIfMissing);
      const { signal, by, tell, dryRun } = request;
      const onWait: SessionAsk["onWait"] = (holder) => tell({ kind: "waiting-for-lock", holder });
      return await within(
        { signal, by, what: "down", release: releaseOf(request.of), onWait, onlyTries: dryRun },
        (session) => down(session, files, request, assertions),
      );
    },
    baseline: async (request) => {
      const files = await readPostgresMigrations(request.directory, folder);
      const { signal, by } = request;
      return await within(
        { signal, by, what: "baseline", release: null, onWait: () => undefined, onlyTries: false },
        (session) => baseline(session, files, request),
      );
    },
    history: async ({ signal }) => {
      await using connection = await looking(signal);
      return await readHistory(connection.client, await placeOfLedger(connection.client));
    },
    sqlOf: async ({ directory }, version) => sqlOfVersion(await readPostgresMigrations(directory, folder), version),
  };
}

/** The ledger has the texts that were applied: a version's folder may be gone when it is rolled back. */
function noneIfMissing(error: unknown): readonly PostgresFile[] {
  if (error instanceof FaultError && error.fault.code === "migrations-missing") return [];
  throw error;
}

function statusOf(
  files: readonly PostgresFile[],
  { applied, pending, problems }: Standing,
  findings: ReadonlyMap<string, readonly PlacedFinding[]>,
): Omit<MigrationStatus, "lock" | "notes"> {
  const known = new Map(files.map((file) => [file.version, file]));
  return {
    applied: applied.map((each) => withDrops(each, lossWordsOf(known.get(each.version)))),
    problems,
    pending: pending.map(({ file, row }) => ({
      version: file.version,
      file: file.file,
      phase: file.phase,
      ...reachedOf(row),
      statements: file.up.statements,
      isReversible: file.down !== null && file.reversible !== "no" && file.reversible !== "lossy",
      drops: lossWordsOf(known.get(file.version)),
      findings: findings.get(file.file) ?? [],
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
