import { access, chmod, chown, copyFile, link, mkdir, open, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { type Contents, differences, lossesOf, rowsOf } from "../../../core/backup/contents.ts";
import { FaultError } from "../../../core/fault.ts";
import type { Restored, RestoreOutlook } from "../../../ports/backups.ts";
import type { AgeSettings } from "../age.ts";
import type { Going, StoredBackup } from "../kind.ts";
import { contentsOf } from "./contents.ts";
import { plainBytes } from "./copy.ts";
import { beginReading, countObjects, integrityOf, openSqlite, pathOf } from "./open.ts";
import { inWords, isDamaged, toldInWords } from "../../database/sqlite/file-faults.ts";
import { realPathOf } from "../../database/sqlite/real-path.ts";
import { untilFree } from "../../database/sqlite/until-free.ts";
import { usersOf } from "../../database/sqlite/users-of.ts";

export interface SqlitePlace {
  /** Of the app's database. */
  readonly path: string;
  /** What paths are relative to. */
  readonly folder: string;
  readonly programs: Omit<AgeSettings, "signal">;
}

/** What a restore would do; only looks. Faults: restore-refused where somebody has the file open. */
export async function outlookSqlite(
  place: SqlitePlace,
  { record }: StoredBackup,
  into: string | null,
  { signal }: Going,
): Promise<Omit<RestoreOutlook, "record">> {
  const target = targetOf(place, into);
  if (!(await exists(target))) return { target, way: "new", losses: [], clients: [], keptAs: null };
  refuseWhileOpen(target);
  const seen = { target, way: "replace", clients: [], keptAs: await freeName(target, record.id) } as const;
  const now = await contentsNow(target, signal);
  if ("unreadable" in now) return { ...seen, losses: [], unreadable: now.unreadable };
  return { ...seen, losses: lossesOf(record.contents, now) };
}

/** What is wrong with it is no reason to restore nothing: that is when one needs it. */
async function contentsNow(target: string, signal: AbortSignal): Promise<Contents | { readonly unreadable: string }> {
  try {
    using database = await openSqlite(target);
    await beginReading(database, target, { signal, boundMs: OTHERS_MS }, countObjects);
    return await toldInWords(target, () => contentsOf(database, signal));
  } catch (error) {
    if (!isDamaged(error) || !(error instanceof FaultError)) throw error;
    return { unreadable: error.fault.cause ?? error.fault.what };
  }
}

/** Others may be writing for as long as this. */
const OTHERS_MS = 10_000;
/** Whoever stays connected is waited for in vain. */
const SWAP_MS = 1_000;

/** Restores beside the file and renames at the very end: until then, and whenever it fails, nothing has changed. */
export async function restoreSqlite(
  place: SqlitePlace,
  stored: StoredBackup,
  into: string | null,
  going: Going,
): Promise<Omit<Restored, "record">> {
  const { contents, id } = stored.record;
  const target = targetOf(place, into);
  const isThere = await exists(target);
  if (isThere) refuseWhileOpen(target);
  const beside = `${target}.restoring`;
  try {
    await mkdir(dirname(target), { recursive: true });
    const restoreMs = await during("restore", going, () => written(stored, beside, place, going.signal));
    const checksMs = await during("checks", going, () => refuseDifferent(stored, beside, going.signal));
    const keptAs = isThere ? await freeName(target, id) : null;
    const swapMs = await during("swap", going, async () => {
      if (keptAs !== null) {
        await putAside(target, keptAs, going.signal);
        await likeBefore(keptAs, beside);
      }
      await rename(beside, target);
      await syncFolder(dirname(target));
    });
    return {
      target,
      keptAs,
      tables: contents.tables.length,
      rows: rowsOf(contents),
      restoreMs,
      checksMs,
      swapMs,
      notes: [],
    };
  } catch (error) {
    throw notRestored(error, beside);
  } finally {
    for (const end of ["", "-wal", "-shm", "-journal"]) await rm(`${beside}${end}`, { force: true });
  }
}

/** What the system says of the disk, in words: until the very end nothing has changed. */
function notRestored(error: unknown, beside: string): unknown {
  const told = inWords(error, beside);
  const isSystems = typeof (error as NodeJS.ErrnoException | null)?.syscall === "string";
  if (told instanceof FaultError || !isSystems) return told;
  return new FaultError(
    {
      code: "restore-failed",
      what: UNCHANGED,
      where: beside,
      cause: error instanceof Error ? error.message : String(error),
      fix: `look whether the folder can be written and has room (ls -ld ${dirname(beside)}; df -h ${dirname(beside)}), then restore again`,
    },
    { cause: error },
  );
}

const UNCHANGED = "The backup could not be restored. What was there before still is, unchanged.";

async function written(stored: StoredBackup, beside: string, place: SqlitePlace, signal: AbortSignal): Promise<void> {
  // What a killed restore has left is in the way of nobody.
  await rm(beside, { force: true });
  if (stored.identity === null) await copyFile(stored.path, beside);
  else await writeFile(beside, await plainBytes(stored, place.programs, signal), { mode: 0o600 });
  const file = await open(beside, "r+");
  await file.sync();
  await file.close();
}

/** Faults: restore-failed. */
async function refuseDifferent({ record }: StoredBackup, beside: string, signal: AbortSignal): Promise<void> {
  const database = await openSqlite(beside);
  try {
    const found = [...integrityOf(database), ...differences(record.contents, await contentsOf(database, signal))];
    if (found.length > 0)
      throw new FaultError({
        code: "restore-failed",
        what: UNCHANGED,
        detail: found.slice(0, 20),
        fix: "take another backup: tidegate backup list",
      });
  } finally {
    database.close();
  }
}

/**
 * Gives what is there a second name, so that the first never means nothing. Its log must be in it by then: one that stayed behind would be
 * taken for the new file's. Faults: restore-refused.
 */
async function putAside(target: string, keptAs: string, signal: AbortSignal): Promise<void> {
  const isWhole = await takeLogIn(target, signal);
  refuseWhileOpen(target);
  await link(target, keptAs);
  if (isWhole) return;
  // With the log that nobody could take in what is kept is all that there was.
  for (const end of ["-wal", "-journal"])
    if (await exists(`${target}${end}`)) await rename(`${target}${end}`, `${keptAs}${end}`);
  await rm(`${target}-shm`, { force: true });
}

/** False: it is damaged, and can't be. Faults: restore-refused. */
async function takeLogIn(target: string, signal: AbortSignal): Promise<boolean> {
  try {
    using database = await openSqlite(target);
    // SQLite itself refuses it while anybody else is connected.
    await untilFree(target, { signal, boundMs: SWAP_MS }, () =>
      database.exec("PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE; COMMIT"),
    );
    return true;
  } catch (error) {
    if (isDamaged(error)) return false;
    signal.throwIfAborted();
    throw stillOpen(target, error instanceof FaultError ? (error.fault.cause ?? error.fault.what) : String(error));
  }
}

/** Who may read it is as it was; another owner only root can give it. */
async function likeBefore(kept: string, beside: string): Promise<void> {
  const { mode, uid, gid } = await stat(kept);
  await chmod(beside, mode & 0o7777);
  if (process.getuid?.() === 0) await chown(beside, uid, gid);
}

/** Whoever has it open would go on with the old file and never know. Faults: restore-refused. */
function refuseWhileOpen(target: string): void {
  const users = usersOf(target);
  if (users.length > 0) throw stillOpen(target, users.join("; "));
}

function stillOpen(target: string, who: string): FaultError {
  return new FaultError({
    code: "restore-refused",
    what: "Somebody has the database open, and would go on with the old file without knowing.",
    where: target,
    cause: who,
    fix: "stop the app (tidegate down), restore, and start it again; or restore beside it: --into PATH",
  });
}

/** A link to the file goes on leading there: a rename would take its place. */
function targetOf({ path, folder }: SqlitePlace, into: string | null): string {
  if (into === null) return realPathOf(path);
  return realPathOf(/^sqlite3?:/i.test(into) ? pathOf(into, folder) : resolve(folder, into));
}

/** A name for what is put aside that nothing has yet: the same backup may be restored twice. */
async function freeName(target: string, id: string): Promise<string> {
  for (let count = 1; ; count += 1) {
    const free = `${target}.before-${id}${count === 1 ? "" : `-${count}`}`;
    if (!(await exists(free))) return free;
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  await folder.sync();
  await folder.close();
}

async function during(
  part: "restore" | "checks" | "swap",
  { tell }: Going,
  work: () => Promise<void>,
): Promise<number> {
  const startedAt = performance.now();
  tell({ kind: "began", part });
  await work();
  const tookMs = Math.round(performance.now() - startedAt);
  tell({ kind: "ended", part, tookMs });
  return tookMs;
}
