import { type BackupRecord, namedBackup, newestFirst } from "../../core/backup/record.ts";
import { FaultError } from "../../core/fault.ts";
import type { PassedOver } from "../../ports/backups.ts";
import type { BackupFolder } from "./folder.ts";

/** The backup that a name, the beginning of one, or `newest` means. Faults: backup-unknown, and what is wrong with a record that can't be read. */
export function recordNamed(folder: BackupFolder, name: string): BackupRecord {
  const record = namedBackup(folder.records(), name);
  if (record !== null) return record;
  const meant = folder.unreadable().find(({ id }) => name !== "" && id.startsWith(name));
  throw meant === undefined ? unknown(name, folder) : new FaultError(meant.fault);
}

/** Those of which nobody would know, did `newest` not pass them over; the newest first. */
export function newerThan({ id }: BackupRecord, folder: BackupFolder): readonly PassedOver[] {
  const all = newestFirst(folder.records());
  const bad = all
    .slice(
      0,
      all.findIndex((each) => each.id === id),
    )
    .flatMap((each) => (each.trouble === null ? [] : [{ id: each.id, why: each.trouble }]));
  const unread = folder.unreadable().map((each) => ({ id: each.id, why: each.fault }));
  return [...bad, ...unread.filter((each) => each.id > id)].sort((one, other) => (one.id < other.id ? 1 : -1));
}

function unknown(name: string, folder: BackupFolder): FaultError {
  const where = folder.path;
  if (name !== "newest")
    return new FaultError({
      code: "backup-unknown",
      what: `There is no backup "${name}", or several begin like that.`,
      where,
      fix: "tidegate backup list names them",
    });
  const [newest, ...others] = newestFirst(folder.records());
  if (newest === undefined)
    return new FaultError({
      code: "backup-unknown",
      what: "There is no backup yet.",
      where,
      fix: "make one: tidegate backup",
    });
  const which =
    others.length === 0
      ? `The only backup, ${newest.id}, was found to be no good`
      : `All ${others.length + 1} backups were found to be no good, the newest, ${newest.id}, too`;
  return new FaultError({
    code: "backup-unknown",
    what: `${which}: ${newest.trouble?.what ?? ""}`,
    where,
    fix: `take another one: tidegate backup; to look at this one again: tidegate backup verify ${newest.id}`,
  });
}
