import type { Client } from "pg";
import { FaultError } from "../../../core/fault.ts";
import type { LockHolder } from "../../../ports/migrations.ts";
import type { Patience } from "../patience.ts";
import type { DatabaseSettings } from "../settings.ts";
import { connectPostgres, redactOf } from "./connect.ts";
import { type LedgerPlace, ledgerWriter, type LedgerWriter, placeOfLedger, prepareLedger } from "./ledger.ts";
import { takeLock, takeWorkLock } from "./lock.ts";
import { refusePooler } from "./pooler.ts";

/** A run of migrations: the connection that works, and the one that has the lock. */
export interface Session extends AsyncDisposable {
  readonly work: Client;
  /** In autocommit and mostly idle: it has the lock, and looks at the other one. */
  readonly guard: Client;
  readonly workPid: number;
  readonly place: LedgerPlace;
  readonly ledger: LedgerWriter;
  readonly patience: Patience;
  readonly signal: AbortSignal;
  /** SQL that undoes what a file has set for the session. */
  readonly reset: string;
  readonly redact: (text: string) => string;
  /** Ends what is run now when the lock is lost: somebody else may have it. Faults: database-lost. */
  requireLock(): void;
}

export interface SessionAsk {
  /** As others see it in pg_stat_activity. */
  readonly application: string;
  readonly patience: Patience;
  readonly signal: AbortSignal;
  readonly onWait: (holder: LockHolder | null) => void;
  /** Makes no table. */
  readonly onlyTries: boolean;
  /** A tool of the team's own writes down what is applied, in a table of its own. */
  readonly hasOwnTable?: boolean;
}

/** Faults: those of connecting, database-pooled, database-read-only, migration-locked, migration-ledger. */
export async function openSession(settings: DatabaseSettings, ask: SessionAsk): Promise<Session> {
  await using stack = new AsyncDisposableStack();
  const { application, signal } = ask;
  // They must outlive the signal: what runs is cancelled through the one, and put in order by the other.
  const life = new AbortController();
  signal.throwIfAborted();
  const connect = { application, signal: life.signal };
  const guarding = stack.use(await connectPostgres(settings, connect));
  const working = stack.use(await connectPostgres(settings, connect));
  const [guard, work] = [guarding.client, working.client];
  await refusePooler(guard, work);
  await refuseStandby(guard);
  const locking = { waitMs: ask.patience.otherRunMs, signal, onWait: ask.onWait };
  await takeLock(guard, locking);
  const reset = await resetOf(work);
  await work.query(reset);
  await takeWorkLock(work, { ...locking, waitMs: Math.max(locking.waitMs, 5_000) });
  const place = await placeOfLedger(work, ask.hasOwnTable);
  if (!ask.onlyTries) await prepareLedger(work, place).catch((error: unknown) => refuseLedger(error));
  const { rows } = await work.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  const workPid = rows[0]?.pid ?? 0;
  const cancel = (): void => void guard.query("SELECT pg_cancel_backend($1)", [workPid]).catch(() => undefined);
  signal.addEventListener("abort", cancel, { once: true });
  stack.defer(() => signal.removeEventListener("abort", cancel));
  const owned = stack.move();
  return {
    work,
    guard,
    workPid,
    place,
    ledger: ledgerWriter(place, (text) => work.escapeLiteral(text)),
    patience: ask.patience,
    signal,
    reset,
    redact: redactOf(settings),
    requireLock: () => {
      if (!guarding.isLost()) return;
      throw new FaultError({
        code: "database-lost",
        what: "The connection that had the lock of migrations is gone, so nothing more was begun.",
        again: "tidegate migrate up",
        fix: "look whether PostgreSQL was started again, then: tidegate migrate up",
      });
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Told of the death of this process while a statement runs, the server ends it; before PostgreSQL 14 it goes on to its end. */
async function resetOf(client: Client): Promise<string> {
  const { rows } = await client.query<{ isWatching: boolean }>(
    `SELECT current_setting('client_connection_check_interval', true) IS NOT NULL AS "isWatching"`,
  );
  const reset = "RESET SESSION AUTHORIZATION; RESET ALL";
  return rows[0]?.isWatching === true ? `${reset}; SET client_connection_check_interval = '1s'` : reset;
}

async function refuseStandby(client: Client): Promise<void> {
  const { rows } = await client.query<{ standby: boolean }>("SELECT pg_is_in_recovery() AS standby");
  if (rows[0]?.standby !== true) return;
  throw new FaultError({
    code: "database-read-only",
    what: "This PostgreSQL is a standby, which can only be read.",
    fix: "give migrations the address of the primary",
  });
}

function refuseLedger(error: unknown): never {
  throw new FaultError(
    {
      code: "migration-ledger",
      what: "The tables in which applied migrations are written down can't be made.",
      cause: error instanceof Error ? error.message : String(error),
      fix: "grant CREATE on the schema to the user in DATABASE_URL",
    },
    { cause: error },
  );
}
