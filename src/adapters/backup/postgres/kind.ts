import type { BackupKind } from "../kind.ts";
import { copyPostgres, decodePostgres } from "./copy.ts";
import { dumpPostgres } from "./dump.ts";
import { outlookPostgres, restorePostgres } from "./restore.ts";
import type { PostgresBackups } from "./settings.ts";

/** Backups of a PostgreSQL database by its own programs. */
export function postgresBackups(settings: PostgresBackups): BackupKind {
  return {
    extension: "dump",
    dump: (order) => dumpPostgres(settings, order),
    decode: (stored, going) => decodePostgres(settings, stored, going),
    copy: (stored, going) => copyPostgres(settings, stored, going),
    outlook: (stored, into, going) => outlookPostgres(settings, stored, into, going),
    restore: (stored, order, going) => restorePostgres(settings, stored, order, going),
  };
}
