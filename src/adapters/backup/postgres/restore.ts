import { randomBytes } from "node:crypto";
import { differences, rowsOf } from "../../../core/backup/contents.ts";
import { FaultError } from "../../../core/fault.ts";
import { connectPostgres, filledUrl, placeOf } from "../../database/postgres/connect.ts";
import type { DatabaseSettings } from "../../database/settings.ts";
import type { LockHolder } from "../../../ports/migrations.ts";
import type { BackupPart, Restored, RestoreOutlook } from "../../../ports/backups.ts";
import type { Going, StoredBackup } from "../kind.ts";
import { type Beside, besideDatabase } from "./beside.ts";
import { contentsAt, restoreInto } from "./copy.ts";
import { versionOf } from "./dump.ts";
import { extensionsToMiss, leftOut } from "./extensions.ts";
import { likeBefore } from "./database-traits.ts";
import { type HeldLock, lockForBackup } from "./lock-for-backup.ts";
import { postgresPrograms } from "./programs.ts";
import { unlessReplaced } from "./replaced-meanwhile.ts";
import type { PostgresBackups } from "./settings.ts";
import { putInPlace } from "./swap.ts";
import { clientsOf, findTarget, lossesAt, type Target } from "./target.ts";

interface RestoreOrder {
  readonly by: string;
  readonly into: string | null;
  readonly withoutOwners: boolean;
}

/** What a restore would do; only looks. */
export async function outlookPostgres(
  backups: PostgresBackups,
  stored: StoredBackup,
  into: string | null,
  going: Going,
): Promise<Omit<RestoreOutlook, "record">> {
  const target = await findTarget(backups.database, stored, into, going);
  const losses = await lossesAt(target, stored, going.signal);
  const clients = await clientsOf(target, going.signal);
  const missing = await missingAfter(backups, stored, target, going);
  return { target: target.place, way: target.way, losses, clients, keptAs: target.keptAs, ...leftOut(missing) };
}

/** Extensions that the restored database will lack. An encrypted backup is not opened for that: its restore says it. */
async function missingAfter(
  backups: PostgresBackups,
  stored: StoredBackup,
  { way, settings, door }: Target,
  going: Going,
): Promise<readonly string[]> {
  if (stored.record.recipients > 0) return [];
  const { env, folders } = backups;
  const from = way === "new" ? (door ?? settings) : settings;
  await using connection = await connectPostgres(from, { application: "tidegate restore", signal: going.signal });
  const { client } = connection;
  const programs = await postgresPrograms(await versionOf(client), { env, folders, signal: going.signal });
  return await extensionsToMiss(client, stored, way !== "fill", programs.restore, backups, going);
}

/** Restores beside what is there and swaps by name at the end: until then, and whenever it fails, nothing has changed. */
export async function restorePostgres(
  backups: PostgresBackups,
  stored: StoredBackup,
  order: RestoreOrder,
  going: Going,
): Promise<Omit<Restored, "record">> {
  const target = await findTarget(backups.database, stored, order.into, going);
  switch (target.way) {
    case "new":
      return await intoPlace(backups, stored, order, target, null, going);
    case "fill": {
      await using _ = await locked(backups, target, order, going);
      const result = await filled(backups, stored, order, target.settings, going);
      return { ...result, ...told(target), swapMs: 0, notes: [] };
    }
    case "replace":
      return await unlessReplaced(target.settings, going.signal, async (waitsFor) => {
        await using lock = await locked(backups, target, order, going, waitsFor);
        return await intoPlace(backups, stored, order, target, lock, going);
      });
  }
}

/** Nobody migrates the app's database meanwhile; of another one Tidegate migrates nothing. */
async function locked(
  { database }: PostgresBackups,
  { place }: Target,
  { by }: RestoreOrder,
  going: Going,
  waitsFor?: (holder: LockHolder | null) => void,
): Promise<HeldLock | null> {
  if (place !== placeOf(filledUrl(database))) return null;
  const application = `tidegate restore (${by})`.slice(0, 63);
  return await lockForBackup(database, going, { application, ...(waitsFor === undefined ? {} : { waitsFor }) });
}

/** By way of a database beside it. */
async function intoPlace(
  backups: PostgresBackups,
  stored: StoredBackup,
  order: RestoreOrder,
  target: Target,
  lock: HeldLock | null,
  going: Going,
): Promise<Omit<Restored, "record">> {
  // In the database that is replaced, or, where there is none yet, in another one of its server.
  const from = target.way === "replace" ? target.settings : (target.door ?? target.settings);
  await using beside = await besideDatabase(from, {
    purpose: "restore",
    why: `to restore backup ${stored.record.id}`,
    signal: going.signal,
  });
  const result = await filled(backups, stored, order, beside.settings, going);
  const notes = target.way === "replace" ? await likeBefore(beside.client, beside.settings, target.name) : [];
  lock?.requireLock();
  const swapMs = await swapped(beside, lock, target, stored, going);
  return { ...result, ...told(target), swapMs, notes };
}

function told({ place, keptAs }: Target): Pick<Restored, "target" | "keptAs"> {
  return { target: place, keptAs };
}

/** Into an empty database, and compared with what the source held. Faults: restore-failed. */
async function filled(
  backups: PostgresBackups,
  stored: StoredBackup,
  { withoutOwners }: RestoreOrder,
  into: DatabaseSettings,
  going: Going,
): Promise<Pick<Restored, "tables" | "rows" | "restoreMs" | "checksMs" | "extensionsLeftOut">> {
  const words = withoutOwners ? ["--no-owner", "--no-privileges"] : [];
  let missing: readonly string[] = [];
  const restoreMs = await during("restore", going, async () => {
    const end = await restoreInto(backups, stored, into, words, going);
    if (end.code !== 0) throw failed(end.said);
    ({ missing } = end);
    await analyze(into, going);
  });
  const { contents } = stored.record;
  const checksMs = await during("checks", going, async () => {
    const found = differences(contents, await contentsAt(into, going.signal));
    if (found.length > 0) throw failed(found.slice(0, 20));
  });
  return { tables: contents.tables.length, rows: rowsOf(contents), restoreMs, checksMs, ...leftOut(missing) };
}

/** Without it the planner knows nothing of the tables, and the first minutes would be slow ones. */
async function analyze(into: DatabaseSettings, { signal }: Going): Promise<void> {
  await using connection = await connectPostgres(into, { application: "tidegate restore", signal });
  await connection.client.query("ANALYZE");
}

async function swapped(
  beside: Beside,
  lock: AsyncDisposable | null,
  { door, name, keptAs, way }: Target,
  { record }: StoredBackup,
  going: Going,
): Promise<number> {
  if (door === null) throw new Error("nothing can be renamed without a door");
  // From here on no later run takes it for a leftover.
  const waiting = await beside.keepAs(
    `${name.slice(0, 30)}_restored_${record.id.replaceAll("-", "_")}_${randomBytes(2).toString("hex")}`,
    await commentOf(beside.client, name),
  );
  // Nobody can rename a database that somebody is in, ourselves too.
  await lock?.[Symbol.asyncDispose]();
  await beside[Symbol.asyncDispose]();
  return await during("swap", going, () =>
    putInPlace({ door, waiting, name, keptAs: way === "replace" ? keptAs : null }, going),
  );
}

async function commentOf(client: Beside["client"], name: string): Promise<string | null> {
  const { rows } = await client.query<{ comment: string | null }>(
    "SELECT shobj_description(oid, 'pg_database') AS comment FROM pg_database WHERE datname = $1",
    [name],
  );
  return rows[0]?.comment ?? null;
}

async function during(part: BackupPart, { tell }: Going, work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  tell({ kind: "began", part });
  await work();
  const tookMs = Math.round(performance.now() - startedAt);
  tell({ kind: "ended", part, tookMs });
  return tookMs;
}

function failed(said: readonly string[]): FaultError {
  const text = said.join("\n");
  const isAboutOwners =
    /role "[^"]*" does not exist|must be (?:member|owner)|permission denied|must be able to SET ROLE/.test(text);
  return new FaultError({
    code: "restore-failed",
    what: "The backup could not be restored. What was there before still is, unchanged.",
    detail: said,
    fix: isAboutOwners
      ? "make the roles that it names, or leave out who owns what: --no-owner"
      : "see what it says: an extension or a right that is missing, or no room",
  });
}
