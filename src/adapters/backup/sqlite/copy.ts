import { randomBytes } from "node:crypto";
import { copyFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { FaultError } from "../../../core/fault.ts";
import { identify } from "../../../local/process-identity.ts";
import type { AgeSettings } from "../age.ts";
import type { Copy, Going, StoredBackup } from "../kind.ts";
import { plainTextOf } from "../plain-text.ts";
import { contentsOf } from "./contents.ts";
import { inMemory, integrityOf, openSqlite, openStill } from "./open.ts";
import { toldInWords } from "../../database/sqlite/file-faults.ts";
import type { DatabaseSettings } from "../../database/settings.ts";

type Programs = Omit<AgeSettings, "signal">;

/** Reads every page, and holds each against what refers to it. Faults: backup-broken. */
export async function decodeSqlite(stored: StoredBackup, programs: Programs, going: Going): Promise<void> {
  const database = await opened(stored, programs, going);
  try {
    const wrong = integrityOf(database);
    if (wrong.length > 0) throw broken(stored.path, wrong);
  } catch (error) {
    if (error instanceof FaultError) throw error;
    throw broken(stored.path, [error instanceof Error ? error.message : String(error)]);
  } finally {
    database.close();
  }
}

/** A file beside the backup; in memory alone where it is encrypted, so that no plain text lies anywhere. */
export async function copySqlite(stored: StoredBackup, programs: Programs, going: Going): Promise<Copy> {
  if (stored.identity !== null) {
    const database = await opened(stored, programs, going);
    return {
      contents: () => contentsOf(database, going.signal),
      settings: null,
      [Symbol.asyncDispose]: async () => database.close(),
    };
  }
  const path = leftoverName(stored);
  await copyFile(stored.path, path);
  return {
    settings: settingsOf(path),
    contents: async () => {
      const database = await openSqlite(path);
      try {
        return await toldInWords(path, () => contentsOf(database, going.signal));
      } finally {
        database.close();
      }
    },
    [Symbol.asyncDispose]: async () => {
      for (const end of ["", "-wal", "-shm", "-journal"]) await rm(`${path}${end}`, { force: true });
    },
  };
}

/** Every byte of a stored backup as a database that nobody changes. Faults: backup-broken, backup-not-decrypted. */
async function opened(stored: StoredBackup, programs: Programs, { signal }: Going): Promise<DatabaseSync> {
  if (stored.identity === null)
    return await openStill(stored.path).catch((error: unknown) => {
      throw broken(stored.path, [
        error instanceof FaultError ? (error.fault.cause ?? error.fault.what) : String(error),
      ]);
    });
  return await inMemory(await plainBytes(stored, programs, signal));
}

export async function plainBytes(stored: StoredBackup, programs: Programs, signal: AbortSignal): Promise<Uint8Array> {
  const plain = await plainTextOf(stored, { ...programs, signal });
  const chunks: Buffer[] = [];
  for await (const chunk of plain.output) chunks.push(chunk as Buffer);
  await plain.whole;
  return Buffer.concat(chunks);
}

function settingsOf(path: string): DatabaseSettings {
  return { url: `sqlite:${path}`, values: () => ({}), redact: (text) => text };
}

/** As a backup that is half written is called: should this process be killed, the next run takes it away. */
function leftoverName({ path, record }: StoredBackup): string {
  const id = `${record.id.slice(0, -4)}${randomBytes(2).toString("hex")}`;
  return join(dirname(path), `.${id}.${process.pid}-${identify(process.pid)?.startTicks ?? 0}.part`);
}

function broken(path: string, said: readonly string[]): FaultError {
  return new FaultError({
    code: "backup-broken",
    what: "The backup can't be read to its end: it is no good.",
    where: path,
    detail: said,
    fix: "make another one: tidegate backup; and look at the disk on which it lies",
  });
}
