import { FaultError } from "../../../core/fault.ts";
import { connectPostgres } from "../../database/postgres/connect.ts";
import type { DatabaseSettings } from "../../database/settings.ts";
import type { Copy, Going, StoredBackup } from "../kind.ts";
import { besideDatabase } from "./beside.ts";
import { contentsOf, withSameWords } from "./contents.ts";
import { versionOf } from "./dump.ts";
import { programEnvironment } from "./environment.ts";
import { temporaryFile } from "../temporary-file.ts";
import { withoutExtensions } from "./extensions.ts";
import { brokenBy, pgRestore } from "./pg-restore.ts";
import { postgresPrograms } from "./programs.ts";
import { lentDatabase } from "./scratch.ts";
import type { PostgresBackups } from "./settings.ts";

/** Reads every byte, which `pg_restore --list` does not: it finds nothing wrong with half a dump. Faults: backup-broken. */
export async function decodePostgres(backups: PostgresBackups, stored: StoredBackup, going: Going): Promise<void> {
  const { env, folders } = backups;
  const programs = await postgresPrograms(stored.record.database.engine, { env, folders, signal: going.signal });
  const order = { program: programs.restore, words: ["--file=/dev/null"], env };
  const end = await pgRestore(stored, order, false, backups, going);
  if (end.code !== 0) throw brokenBy(end, stored.path);
}

/** A copy to look at: in a database that is made for it, or in the one that is lent for that. Faults: backup-not-provable, backup-broken. */
export async function copyPostgres(backups: PostgresBackups, stored: StoredBackup, going: Going): Promise<Copy> {
  await using stack = new AsyncDisposableStack();
  const place = stack.use(await placeFor(backups, stored, going));
  // Nobody but Tidegate sees the copy: who owns what needs roles that may not be there, and a subscription would begin to copy.
  const words = ["--no-owner", "--no-privileges", "--no-publications", "--no-subscriptions"];
  const end = await restoreInto(backups, stored, place.settings, words, going);
  if (end.code !== 0) throw notRestorable(end.said);
  const rest = stack.move();
  return {
    settings: place.settings,
    contents: () => contentsAt(place.settings, going.signal),
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  };
}

const WITHOUT = "It was restored without";

/** It was read to its end before: what is wrong now may be its own or the server's. */
function notRestorable(said: readonly string[]): FaultError {
  return new FaultError({
    code: "backup-not-restorable",
    what: "The backup can be read, and can't be restored: the server refuses a part of it.",
    detail: said,
    fix: said.some((line) => line.startsWith(WITHOUT))
      ? 'lend an empty database in which a superuser has made the extension: database: { backups: { scratch: "${SCRATCH_URL}" } }; or back up with a role that may make it'
      : "see what it says: a right that is missing, or no room; then: tidegate backup verify newest --proof restore",
  });
}

/** pg_restore into an empty database, until the first thing that fails. `missing`: extensions that it was restored without. */
export async function restoreInto(
  backups: PostgresBackups,
  stored: StoredBackup,
  into: DatabaseSettings,
  words: readonly string[],
  going: Going,
): Promise<Awaited<ReturnType<typeof pgRestore>> & { readonly missing: readonly string[] }> {
  await using connection = await connectPostgres(into, { application: "tidegate restore", signal: going.signal });
  const { client } = connection;
  const { folders } = backups;
  const programs = await postgresPrograms(await versionOf(client), { env: backups.env, folders, signal: going.signal });
  const env = {
    ...programEnvironment(into, client, backups.env),
    // Should the server fall, a copy that is half there is worth nothing anyway.
    PGOPTIONS: "-c synchronous_commit=off",
  };
  const all = ["--exit-on-error", "--no-password", `--dbname=${client.database ?? ""}`, ...words];
  const without = await withoutExtensions(client, stored, programs.restore, backups, going);
  if (without === null) {
    const whole = await pgRestore(stored, { program: programs.restore, words: all, env }, true, backups, going);
    return { ...whole, missing: [] };
  }
  await using file = await temporaryFile("restore.list", without.list.join("\n"));
  const { missing } = without;
  const names = missing.join(", ");
  if (missing.length > 0)
    going.tell({
      kind: "note",
      what: `Without ${missing.length === 1 ? "the extension" : "the extensions"} ${names}, which only a superuser may make there.`,
    });
  const order = { program: programs.restore, words: [...all, `--use-list=${file.path}`], env };
  const end = await pgRestore(stored, order, true, backups, going);
  if (end.code === 0 || missing.length === 0) return { ...end, missing };
  return { ...end, missing, said: [...end.said, `${WITHOUT} ${names}, which only a superuser may make there.`] };
}

export async function contentsAt(settings: DatabaseSettings, signal: AbortSignal): ReturnType<typeof contentsOf> {
  await using connection = await connectPostgres(settings, { application: "tidegate backup", signal });
  await withSameWords(connection.client);
  return await contentsOf(connection.client, signal);
}

interface Place extends AsyncDisposable {
  readonly settings: DatabaseSettings;
}

async function placeFor(
  { database, scratch }: PostgresBackups,
  stored: StoredBackup,
  { signal }: Going,
): Promise<Place> {
  if (scratch !== null)
    return lentDatabase({ ...database, url: scratch, writtenIn: "database.backups.scratch" }, signal);
  try {
    return await besideDatabase(database, { purpose: "try", why: `to try backup ${stored.record.id}`, signal });
  } catch (error) {
    if (!(error instanceof FaultError) || error.fault.code !== "backup-database-not-created") throw error;
    throw new FaultError(
      {
        ...error.fault,
        code: "backup-not-provable",
        what: `The backup is there and can be read, and could not be tried: ${error.fault.what.charAt(0).toLowerCase()}${error.fault.what.slice(1)}`,
        fix: `${error.fault.fix ?? ""}; or lend Tidegate an empty database for it: database: { backups: { scratch: "\${SCRATCH_URL}" } }`,
      },
      { cause: error },
    );
  }
}
