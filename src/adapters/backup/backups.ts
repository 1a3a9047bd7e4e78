import { randomInt } from "node:crypto";
import { tooMany } from "../../core/backup/keep.ts";
import { type BackupRecord, isAtLeast, type Proven } from "../../core/backup/record.ts";
import { FaultError } from "../../core/fault.ts";
import type { BackupPlan } from "../../core/plan/database.ts";
import type { BackupMade, BackupRequest, Backups } from "../../ports/backups.ts";
import type { Clock } from "../../ports/clock.ts";
import { type AgeSettings, encrypting, type Identity, passingIdentity } from "./age.ts";
import { type BackupFolder, backupFolder, createBackupFolder, folderTrouble } from "./folder.ts";
import type { BackupKind, Going, StoredBackup } from "./kind.ts";
import type { Drilling, Migrating } from "./drill.ts";
import { newerThan, recordNamed } from "./named-record.ts";
import { noticesOf } from "./notices.ts";
import { checkSum, refuseWithoutIdentity } from "./stored-file.ts";
import { drillOf, type ProofOrder, proveBackup } from "./prove.ts";
import { uploadBackup, type UploadSettings } from "./upload.ts";

export interface BackupSettings extends UploadSettings, Omit<Drilling, "migrating"> {
  readonly plan: BackupPlan & { /** Absolute. */ readonly folder: string };
  readonly kind: BackupKind;
  readonly clock: Clock;
  /** What a drill migrates with; null: there are no migrations. */
  readonly migrating: Migrating | null;
}

/** Backups of one database in one folder. */
export function createBackups(settings: BackupSettings): Backups {
  const { plan, clock } = settings;
  const folder = backupFolder(plan.folder);

  const prune = async (): Promise<readonly string[]> => {
    const gone = tooMany(folder.records(), plan.keep, clock.wall());
    for (const record of gone) await folder.remove(record);
    return gone.map(({ id }) => id);
  };

  const found = (name: string, identity: string | null): StoredBackup => {
    return stored(folder, recordNamed(folder, name), identity === null ? null : { kind: "file", path: identity });
  };

  return {
    list: async () => folder.records(),
    unreadable: async () => folder.unreadable().map(({ fault }) => fault),
    prune,
    folderTrouble: async () => folderTrouble(folder),
    notices: async (signal) =>
      noticesOf(await settings.kind.notices(signal), { env: settings.env, encryptTo: plan.encryptTo, signal }),
    make: async (request) => {
      // Not after a dump that took an hour.
      drillOf(settings, request);
      createBackupFolder(folder);
      await folder.sweep();
      const { made, identity, notes } = await dumped(settings, folder, request);
      const proven = await proofOf(settings, folder, stored(folder, made, identity), request);
      const { upload } = plan;
      const record =
        upload === undefined
          ? proven
          : await noted(folder, await uploadBackup(upload, proven, folder, settings, request));
      const removed = await prune();
      return { record, path: folder.file(record.file), removed, notes: [...notes, ...uploadNotes(record)] };
    },
    verify: async (request) => {
      const backup = found(request.backup, request.identity);
      refuseWithoutIdentity(backup, request);
      if (request.backup === "newest")
        for (const { id, why } of newerThan(backup.record, folder))
          request.tell({ kind: "note", what: `The newest backup, ${id}, is passed over: ${why.what}` });
      const record = await proofOf(settings, folder, backup, request);
      return { record, path: backup.path, removed: [], notes: [] };
    },
    outlook: async (target) => {
      const backup = found(target.backup, target.identity);
      const passedOver = target.backup === "newest" ? newerThan(backup.record, folder) : [];
      const outlook = await settings.kind.outlook(backup, target.into, target);
      return { record: backup.record, ...outlook, ...(passedOver.length === 0 ? {} : { passedOver }) };
    },
    restore: async (request) => {
      const backup = found(request.backup, request.identity);
      refuseWithoutIdentity(backup, { proof: "restore" });
      const restored = await orNoted(
        folder,
        () => backup.record,
        async () => {
          await checkSum(backup, request);
          return await settings.kind.restore(backup, request, request).catch(async (error: unknown) => {
            // A file that has changed since it was looked at says more than what PostgreSQL made of it.
            request.signal.throwIfAborted();
            await checkSum(backup, request);
            throw error;
          });
        },
      );
      // Every row was compared with what the source held.
      const record =
        backup.record.trouble === null ? backup.record : await noted(folder, { ...backup.record, trouble: null });
      return { record, ...restored };
    },
  };
}

/** A backup that is whole, with its record; not proven yet. */
async function dumped(
  settings: BackupSettings,
  folder: BackupFolder,
  request: BackupRequest,
): Promise<{ readonly made: BackupRecord; readonly identity: Identity | null; readonly notes: readonly string[] }> {
  const { kind, plan, clock } = settings;
  const madeAt = clock.wall();
  const id = idOf(madeAt);
  const age = ageOf(settings, request);
  const passing = plan.encryptTo.length === 0 ? null : await passingIdentity(age);
  const path = folder.partial(id);
  request.tell({ kind: "began", part: "dump" });
  try {
    const through = passing === null ? null : () => encrypting([...plan.encryptTo, passing.recipient], age);
    const { written, contents, place, engine, tool, restorePoint, dumpMs, notes } = await kind.dump({
      ...request,
      id,
      path,
      through,
    });
    const file = `${id}.${kind.extension}${passing === null ? "" : ".age"}`;
    await folder.finish(path, file);
    const made: BackupRecord = {
      format: 1,
      id,
      file,
      database: { kind: kind.extension === "sqlite" ? "sqlite" : "postgres", place, engine },
      madeAt,
      by: request.by,
      release: request.release,
      tool,
      ...written,
      recipients: plan.encryptTo.length,
      contents,
      dumpMs,
      restorePoint,
      proof: null,
      trouble: null,
      upload: null,
    };
    await folder.note(made);
    request.tell({ kind: "ended", part: "dump", tookMs: dumpMs });
    return { made, identity: passing?.identity ?? null, notes };
  } catch (error) {
    await folder.discard(path);
    throw error;
  }
}

/** Proves it as asked and writes down how far that came; what proves it to be no good is written down too. */
async function proofOf(
  settings: BackupSettings,
  folder: BackupFolder,
  backup: StoredBackup,
  request: Omit<ProofOrder, "reached">,
): Promise<BackupRecord> {
  let { record } = backup;
  const reached = async (proof: Proven): Promise<void> => {
    // A backup that was restored once does not become worse by being decoded.
    const isLess = record.proof !== null && !isAtLeast(proof.proof, record.proof.proof);
    record = await noted(folder, { ...record, proof: isLess ? record.proof : proof, trouble: null });
  };
  return await orNoted(
    folder,
    () => record,
    async () => {
      await checkSum(backup, request);
      // Without a key there is nothing more to read than that the bytes are those that age wrote.
      if (record.recipients > 0 && backup.identity === null) return record;
      await proveBackup(settings, backup, { ...request, reached });
      return record;
    },
  );
}

/** What finds a backup to be no good is written down in its record, as it is then. */
async function orNoted<T>(folder: BackupFolder, record: () => BackupRecord, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof FaultError && BROKEN.has(error.fault.code))
      await noted(folder, { ...record(), trouble: { code: error.fault.code, what: error.fault.what } });
    throw error;
  }
}

/** What is known to be the backup's own fault, and not of the place where it was tried. */
const BROKEN = new Set(["backup-broken", "backup-differs"]);

async function noted(folder: BackupFolder, record: BackupRecord): Promise<BackupRecord> {
  await folder.note(record);
  return record;
}

function stored(folder: BackupFolder, record: BackupRecord, identity: Identity | null): StoredBackup {
  return { record, path: folder.file(record.file), identity: record.recipients === 0 ? null : identity };
}

function uploadNotes({ upload }: BackupRecord): BackupMade["notes"] {
  return upload === null || upload.isDone ? [] : [`Not uploaded: ${upload.what} The backup itself is there.`];
}

function ageOf({ env, redact }: BackupSettings, { signal }: Going): AgeSettings {
  return { env, redact, signal };
}

/** By its time to the millisecond, so that they sort; two in one differ by chance. */
function idOf(at: number): string {
  const [day = "", time = ""] = new Date(at).toISOString().replaceAll(/[-:]/g, "").split("T");
  const rest = (at % 1_000).toString(16).padStart(3, "0") + randomInt(16).toString(16);
  return `${day}-${time.slice(0, 6)}-${rest}`;
}
