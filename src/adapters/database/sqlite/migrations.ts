import { releaseOf, runName } from "../run-name.ts";
import { upTo } from "../baseline.ts";
import { FaultError } from "../../../core/fault.ts";
import type { Assertion } from "../../../core/plan/database.ts";
import type { BaselineRequest, BaselineResult, Migrations } from "../../../ports/migrations.ts";
import { withDrops } from "../comes-back-empty.ts";
import { assertionProblems } from "../lost-assertions.ts";
import { reachedOf, rowOf, toldOf } from "../ledger-row.ts";
import type { MigrationFile, Script } from "../migration-file.ts";
import { type Patience, USUAL_PATIENCE } from "../patience.ts";
import { sqlOfVersion } from "../sql-of.ts";
import { standingOf } from "../standing.ts";
import { down } from "./down.ts";
import { toldInWords } from "./file-faults.ts";
import { livingHolder } from "./holder.ts";
import { readHistory, readLedger, writeApplied, writeTold } from "./ledger.ts";
import { lossWordsOf } from "./loss-words.ts";
import { readSqliteMigrations } from "./read-migrations.ts";
import { immediately, openSession, readFile, type Session, type SessionAsk } from "./session.ts";
import { refuseWithoutFolder } from "./unreachable.ts";
import { statementsOf, up } from "./up.ts";

export interface SqliteMigrationSettings {
  /** Of the database file. Absolute. */
  readonly path: string;
  /** Of the SQL files, relative to the version's folder. */
  readonly folder: string;
  readonly assertions: readonly Assertion[];
  readonly patience?: Partial<Patience>;
}

/** Shorter than whoever asks for a status waits for any database, who would learn less. */
const READ_MS = 3_000;

/** Plain SQL files, run by Tidegate itself in a file of SQLite. */
export function createSqliteMigrations({ path, folder, assertions, patience }: SqliteMigrationSettings): Migrations {
  const { boundMs, otherRunMs } = { ...USUAL_PATIENCE, ...patience };
  const within = async <T>(
    ask: Pick<SessionAsk, "signal" | "onWait" | "onlyTries"> & {
      readonly by: string;
      readonly what: "up" | "down" | "baseline";
      readonly release: number | null;
    },
    run: (session: Session) => Promise<T>,
  ): Promise<T> =>
    await toldInWords(path, async () => {
      const application = runName(ask.what, ask.by, ask.release);
      // What has nothing in it has nothing to take back.
      const isMade = !ask.onlyTries && ask.what !== "down";
      if (ask.what !== "down") refuseWithoutFolder(path);
      await using session = await openSession({ ...ask, path, application, boundMs, otherRunMs, isMade });
      return await run(session);
    });
  /** Reading is waited for as long as somebody has said, else for a few seconds. */
  const readMs = patience?.boundMs ?? READ_MS;
  return {
    status: async ({ directory, signal, isPatient = false }) => {
      const files = readSqliteMigrations(directory, folder);
      refuseWithoutFolder(path);
      const waiting = { signal, boundMs: isPatient ? boundMs : readMs };
      const { ledger, lock } = await toldInWords(path, () =>
        readFile(path, waiting, (database) => ({ ledger: readLedger(database), lock: livingHolder(database) })),
      );
      const { applied, pending, problems } = standingOf(files, ledger);
      const wanted = pending.map(({ file }) => file);
      const lost = await assertionProblems(assertions, (parse) => statementsOf(wanted, parse));
      const known = new Map(files.map((file) => [file.version, file.up]));
      const dropsOf = (script: Script | undefined): readonly string[] =>
        script === undefined ? [] : lossWordsOf(script);
      return {
        applied: applied.map((each) => withDrops(each, dropsOf(known.get(each.version)))),
        problems: [...problems, ...lost],
        lock,
        pending: pending.map(({ file, row }) => ({
          version: file.version,
          file: file.file,
          phase: file.phase,
          ...reachedOf(row),
          statements: file.up.statements,
          isReversible: file.down !== null && file.reversible !== "no" && file.reversible !== "lossy",
          drops: lossWordsOf(file.up),
        })),
      };
    },
    up: async (request) => {
      const files = readSqliteMigrations(request.directory, folder);
      const { signal, by, tell, dryRun: onlyTries } = request;
      const onWait: SessionAsk["onWait"] = (holder) => tell({ kind: "waiting-for-lock", holder });
      return await within({ signal, by, what: "up", release: request.release, onWait, onlyTries }, (session) =>
        up(session, files, request, assertions),
      );
    },
    down: async (request) => {
      const files = filesOrNone(request.directory, folder);
      const { signal, by, tell, dryRun: onlyTries } = request;
      const onWait: SessionAsk["onWait"] = (holder) => tell({ kind: "waiting-for-lock", holder });
      return await within({ signal, by, what: "down", release: releaseOf(request.of), onWait, onlyTries }, (session) =>
        down(session, files, request, assertions),
      );
    },
    baseline: async (request) => {
      const files = readSqliteMigrations(request.directory, folder);
      const { signal, by } = request;
      return await within(
        { signal, by, what: "baseline", release: null, onWait: () => undefined, onlyTries: false },
        (session) => baseline(session, files, request),
      );
    },
    history: ({ signal }) => toldInWords(path, () => readFile(path, { signal, boundMs: readMs }, readHistory)),
    sqlOf: async ({ directory }, version) => sqlOfVersion(readSqliteMigrations(directory, folder), version),
  };
}

/** The ledger has the texts that were applied: a version's folder may be gone when it is rolled back. */
function filesOrNone(directory: string, folder: string): readonly MigrationFile[] {
  try {
    return readSqliteMigrations(directory, folder);
  } catch (error) {
    if (error instanceof FaultError && error.fault.code === "migrations-missing") return [];
    throw error;
  }
}

async function baseline(
  session: Session,
  files: readonly MigrationFile[],
  { version, by }: BaselineRequest,
): Promise<BaselineResult> {
  const wanted = upTo(files, version);
  const { database } = session;
  return await immediately(session, () => {
    const { versions } = readLedger(database);
    const marked = wanted.filter((file) => !versions.has(file.version));
    for (const file of marked) {
      const row = rowOf(file, { by, release: null }, { reached: file.up.statements, appliedAt: Date.now() });
      writeApplied(database, row);
      writeTold(database, { ...toldOf(row), did: "baseline", note: "marked as applied, and not run" }, Date.now());
    }
    return { marked: marked.map(({ file }) => file) };
  });
}
