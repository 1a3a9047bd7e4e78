import { brokenSentence, type ReplayedQueries } from "../../core/migration/replayed.ts";
import { countOf, rowsOf } from "../../core/backup/contents.ts";
import type { BackupRecord } from "../../core/backup/record.ts";
import type { Fault } from "../../core/fault.ts";
import { withoutFullStop } from "../../core/text/plain-text.ts";
import { formatAge, formatDuration, type Instant } from "../../core/time/time.ts";
import type { BackupMade, BackupPart, BackupProgress, ExtensionLeftOut, Restored } from "../../ports/backups.ts";
import type { Context } from "../context.ts";
import { labelled } from "./labelled.ts";
import { paint, type Style, symbols } from "./style.ts";
import { padEnd, padStart, wrap } from "./text.ts";

const PARTS: Readonly<Record<BackupPart, string>> = {
  dump: "dumped, all rows counted",
  decode: "every byte read again and decoded",
  restore: "restored beside",
  checks: "all rows compared",
  drill: "migrations up, down and up again on the copy",
  upload: "handed to the upload",
  swap: "put in its place",
};

/** Tells what goes on, a line when a part of it is over; nothing where documents are asked for. */
export function backupProgress({ json, terminal }: Context): (progress: BackupProgress) => void {
  return (progress) => {
    if (json) return;
    const style = terminal.style();
    switch (progress.kind) {
      case "waiting-for-lock":
      case "note":
        return terminal.complain(wrap(progress.what, style.width).join("\n"));
      case "began":
        return;
      case "ended": {
        const mark = paint(style, "good", symbols(style).passed);
        return terminal.complain(`${mark} ${padStart(formatDuration(progress.tookMs), 8)}  ${PARTS[progress.part]}`);
      }
    }
  };
}

export function backupLines(
  { record, path, removed, notes }: BackupMade,
  isOld: boolean,
  style: Style,
): readonly string[] {
  const { contents, restorePoint, recipients } = record;
  const sealed =
    recipients === 0 ? "" : `, encrypted for ${recipients === 1 ? "1 recipient" : `${recipients} recipients`}`;
  return [
    ...wrap(
      `Backup ${record.id} of ${record.database.place}${isOld ? "" : " is made"}: ${proofSentence(record)}`,
      style.width,
    ),
    ...labelled("file", [`${path} (${megabytes(record.bytes)}${sealed})`], style),
    ...labelled(
      "holds",
      [
        `${countOf(rowsOf(contents))} in ${contents.tables.length === 1 ? "1 table" : `${contents.tables.length} tables`}`,
      ],
      style,
    ),
    ...(restorePoint === null ? [] : labelled("point", restorePointLines(record), style)),
    ...(record.upload?.isDone === true
      ? labelled("sent", [`by the upload, in ${formatDuration(record.upload.tookMs)}`], style)
      : []),
    ...(removed.length === 0 ? [] : labelled("gone", [`${removed.join(", ")}: more than the plan keeps`], style)),
    ...notes.flatMap((note) => labelled("note", [note], style)),
    ...labelled("back", [`tidegate restore ${record.id}`], style),
  ];
}

/** How the whole server goes back to that moment, in its own words. Source: PostgreSQL, "Recovering Using a Continuous Archive Backup". */
function restorePointLines({ restorePoint }: BackupRecord): readonly string[] {
  if (restorePoint === null) return [];
  const { name, lsn, isArchived } = restorePoint;
  if (!isArchived) return [`${name} at ${lsn}; of no use while the server archives no log (archive_mode is off)`];
  return [
    `${name} at ${lsn}: to bring the whole server back to it, lay a base backup from before it in the data folder, and set there`,
    "restore_command = 'as your archive needs it'",
    `recovery_target_name = '${name}'`,
    "recovery_target_action = 'promote'",
    "then create the file recovery.signal and start the server",
  ];
}

export function proofSentence({ proof, trouble, recipients }: BackupRecord): string {
  if (trouble !== null) return `no good. ${trouble.what}`;
  if (proof === null)
    return recipients === 0
      ? "not proven yet."
      : "its bytes are those that were written; without a key of a recipient nobody can say more.";
  const rows = `${countOf(proof.rows)} in ${proof.tables === 1 ? "1 table" : `${proof.tables} tables`} are the same`;
  switch (proof.proof) {
    case "decode":
      return "every byte was read again and decoded.";
    case "restore":
      return `restored beside and compared, ${rows}.`;
    case "drill":
      return `restored beside and compared, ${rows}; ${drillSentence(proof.drill)}`;
  }
}

function drillSentence(drill: NonNullable<BackupRecord["proof"]>["drill"]): string {
  if (drill === null || drill.applied.length === 0) return "no migration is pending.";
  const kept = drill.kept.map(({ file, why }) => ` ${file} can't be taken back: ${why}`);
  const times = [drill.upMs, drill.downMs, drill.againMs].map((ms) => formatDuration(ms)).join(", ");
  const pending = drill.applied.length === 1 ? "1 pending migration" : `${drill.applied.length} pending migrations`;
  return `${pending} went up, down and up again (${times}).${kept.join("")}${drill.queries === undefined ? "" : queriesSentence(drill.queries)}`;
}

function queriesSentence({ tried, broken, from, failedBefore }: ReplayedQueries): string {
  const works = broken.length === 0 ? "still work" : `${tried - broken.length} still work`;
  const before = failedBefore.length === 0 ? "" : ` (${failedBefore.length} failed before already)`;
  const wrong = broken.map((each) => ` ${brokenSentence(each)}.`);
  return ` Of ${tried} queries of ${from}${before} ${broken.length === 0 ? "all " : ""}${works}.${wrong.join("")}`;
}

/** The newest first. */
export function backupList(records: readonly BackupRecord[], now: Instant, style: Style): readonly string[] {
  if (records.length === 0) return ["There is no backup yet: tidegate backup"];
  const marks = symbols(style);
  return records.map((record) => {
    const mark =
      record.trouble !== null
        ? paint(style, "bad", marks.failed)
        : record.proof === null
          ? marks.waiting
          : paint(style, "good", marks.passed);
    const proof = record.trouble === null ? (record.proof?.proof ?? "not proven") : "no good";
    const sealed = record.recipients === 0 ? "" : ", encrypted";
    const age = padStart(formatAge(record.madeAt, now), 7);
    const of = `${record.database.place}${record.release === null ? "" : `, release ${record.release}`}, by ${record.by}${sealed}`;
    return `${mark} ${record.id}  ${age} ago  ${padStart(megabytes(record.bytes), 9)}  ${padEnd(proof, 10)}  ${of}`;
  });
}

/** Of one of which nobody knows what it is. */
export function unreadableLine({ what, where, fix }: Fault, style: Style): string {
  return `${paint(style, "bad", symbols(style).failed)} ${withoutFullStop(what)}: ${where ?? ""}${fix === undefined ? "" : `; ${fix}`}`;
}

export function restoredLines(
  { record, target, keptAs, tables, rows, restoreMs, checksMs, swapMs, notes, extensionsLeftOut = [] }: Restored,
  style: Style,
): readonly string[] {
  return [
    ...wrap(
      `Backup ${record.id} is restored into ${target}: ${countOf(rows)} in ${tables === 1 ? "1 table" : `${tables} tables`} are the same as when it was made.`,
      style.width,
    ),
    ...labelled(
      "took",
      [
        `${formatDuration(restoreMs)} to restore, ${formatDuration(checksMs)} to compare, ${formatDuration(swapMs)} without a database`,
      ],
      style,
    ),
    ...(keptAs === null
      ? []
      : labelled("kept", [`what was there is ${keptAs}; drop it when nobody needs it any more`], style)),
    ...notes.flatMap((note) => labelled("note", [note], style)),
    ...(extensionsLeftOut.length === 0
      ? []
      : labelled("next", [extensionsSentence(extensionsLeftOut, target, "lacks")], style)),
  ];
}

/** `shop at db1 lacks pg_stat_statements, which only a superuser may make. As one, in it: CREATE EXTENSION pg_stat_statements`. */
export function extensionsSentence(
  extensions: readonly ExtensionLeftOut[],
  target: string,
  verb: "will lack" | "lacks",
): string {
  const [names, statements] = [extensions.map(({ name }) => name), extensions.map(({ statement }) => statement)];
  return `${target} ${verb} ${names.join(", ")}, which only a superuser may make. ${verb === "lacks" ? "As" : "Afterwards, as"} one, in it: ${statements.join("; ")}`;
}

function megabytes(bytes: number): string {
  if (bytes < 1_000_000) return `${Math.max(1, Math.round(bytes / 1_000))} kB`;
  if (bytes < 1_000_000_000) return `${(bytes / 1_000_000).toFixed(bytes < 10_000_000 ? 1 : 0)} MB`;
  return `${(bytes / 1_000_000_000).toFixed(1)} GB`;
}
