import { join } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { ShopError } from "./shop-error.ts";

/** How long somebody waits for the other writers before being told that the shop is busy. */
const PATIENCE_MS = 2_000;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS carts (
    id TEXT PRIMARY KEY, lines TEXT NOT NULL, total INTEGER NOT NULL, created_at INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS orders (
    id TEXT PRIMARY KEY, lines TEXT NOT NULL, total INTEGER NOT NULL,
    accepted_by TEXT NOT NULL, accepted_at INTEGER NOT NULL,
    fulfilled_by TEXT, fulfilled_at INTEGER
  ) STRICT;
  CREATE INDEX IF NOT EXISTS orders_waiting ON orders (accepted_at) WHERE fulfilled_at IS NULL;
  CREATE TABLE IF NOT EXISTS sold (product TEXT PRIMARY KEY, quantity INTEGER NOT NULL) STRICT;
`;

export type Statement = (sql: string) => StatementSync;

/**
 * One SQLite file that every version and every process of the shop writes at once. Nobody waits inside SQLite, which
 * would stop the whole process: a busy store is asked again a few milliseconds later.
 */
export class Store {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #durable = true;

  private constructor(database: DatabaseSync) {
    this.#database = database;
  }

  static async open(folder: string): Promise<Store> {
    const database = new DatabaseSync(join(folder, "shop.db"), { timeout: 0 });
    await patiently(() => database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL"));
    await patiently(() => database.exec(`BEGIN IMMEDIATE; ${SCHEMA} COMMIT`));
    return new Store(database);
  }

  /** Runs `work` as one transaction that is on disk when the promise resolves. `work` may run several times. */
  write<T>(work: (sql: Statement) => T): Promise<T> {
    return this.#transaction(work, true);
  }

  /** Like write, but the newest of it may be lost in a power cut: enough for what was not promised to anybody. */
  jot<T>(work: (sql: Statement) => T): Promise<T> {
    return this.#transaction(work, false);
  }

  read<T>(work: (sql: Statement) => T): Promise<T> {
    return patiently(() => work(this.#statement));
  }

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }

  #transaction<T>(work: (sql: Statement) => T, durable: boolean): Promise<T> {
    return patiently(() => {
      this.#setDurable(durable);
      this.#database.exec("BEGIN IMMEDIATE");
      try {
        const result = work(this.#statement);
        this.#database.exec("COMMIT");
        return result;
      } catch (error) {
        if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
        throw error;
      }
    });
  }

  #setDurable(durable: boolean): void {
    if (durable === this.#durable) return;
    this.#database.exec(`PRAGMA synchronous = ${durable ? "FULL" : "NORMAL"}`);
    this.#durable = durable;
  }

  readonly #statement: Statement = (sql) => {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const prepared = this.#database.prepare(sql);
    this.#statements.set(sql, prepared);
    return prepared;
  };
}

async function patiently<T>(attempt: () => T): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  for (let longestWaitMs = 2; ; longestWaitMs = Math.min(longestWaitMs * 2, 30)) {
    try {
      return attempt();
    } catch (error) {
      if (!isBusy(error)) throw error;
      if (performance.now() > deadline)
        throw new ShopError(503, "The store is busy, please try again.", { cause: error });
    }
    // Not all at the same moment again.
    await sleep(Math.random() * longestWaitMs);
  }
}

function isBusy(error: unknown): boolean {
  const SQLITE_BUSY = 5;
  const SQLITE_LOCKED = 6;
  const code = (error as { errcode?: number }).errcode;
  // The lower byte is the error; the upper ones say which kind of it.
  return code !== undefined && [SQLITE_BUSY, SQLITE_LOCKED].includes(code & 0xff);
}
