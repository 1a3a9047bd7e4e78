import { FaultError } from "../../../core/fault.ts";
import { onOneLine } from "../../../core/text/plain-text.ts";
import { filledUrl, placeOf, redactOf } from "../../database/postgres/connect.ts";
import { errorOf } from "../../database/postgres/faults.ts";
import type { BackupKind, Going } from "../kind.ts";
import { copyPostgres, decodePostgres } from "./copy.ts";
import { dumpPostgres } from "./dump.ts";
import { postgresNotices } from "./notices.ts";
import { outlookPostgres, restorePostgres } from "./restore.ts";
import type { PostgresBackups } from "./settings.ts";

/** Backups of a PostgreSQL database by its own programs. */
export function postgresBackups(settings: PostgresBackups): BackupKind {
  const told = <T>(going: Going, work: Promise<T>): Promise<T> => inWords(settings, going, work);
  return {
    extension: "dump",
    dump: (order) => told(order, dumpPostgres(settings, order)),
    decode: (stored, going) => told(going, decodePostgres(settings, stored, going)),
    copy: async (stored, going) => {
      const copy = await told(going, copyPostgres(settings, stored, going));
      return { ...copy, contents: () => told(going, copy.contents()) };
    },
    notices: (signal) => postgresNotices(settings, signal),
    outlook: (stored, into, going) => told(going, outlookPostgres(settings, stored, into, going)),
    restore: (stored, order, going) => told(going, restorePostgres(settings, stored, order, going)),
  };
}

/** What the server says where nobody expected it (it was stopped, a right is missing) is no mistake of Tidegate's. Faults: backup-interrupted. */
async function inWords<T>({ database }: PostgresBackups, { signal }: Going, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof FaultError || signal.aborted) throw error;
    const { code, message } = errorOf(error);
    const isServers =
      /^[0-9A-Z]{5}$/.test(code) || /^(?:E[A-Z]+)$/.test(code) || /connection|not queryable|closed/i.test(message);
    if (!isServers) throw error;
    throw new FaultError(
      {
        code: "backup-interrupted",
        what: "PostgreSQL broke it off. What was half done is gone, or goes with the next run; this run has changed nothing in the database.",
        where: placeOf(filledUrl(database)),
        cause: onOneLine(redactOf(database)(message), 300),
        fix: "see what it says, and try again",
      },
      { cause: error },
    );
  }
}
