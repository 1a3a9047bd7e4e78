import type {
  DownResult,
  HistoryEntry,
  MigrationStatus,
  RunMigration,
  TriedStatement,
  UpResult,
} from "../../ports/migrations.ts";
import { formatDuration } from "../../core/time/time.ts";
import { onOneLine } from "../../core/text/plain-text.ts";
import { paint, type Style, symbols } from "./style.ts";
import { cut, padEnd, wrap } from "./text.ts";

/** What is applied, what is not, and what is in the way. */
export function statusLines({ applied, pending, problems, lock }: MigrationStatus, style: Style): readonly string[] {
  const { passed, waiting, failed } = symbols(style);
  const width = Math.max(0, ...[...applied, ...pending].map(({ file, version }) => (file ?? version).length));
  return [
    ...applied.map(
      ({ file, version, phase, release, by, appliedAt }) =>
        `${paint(style, "good", passed)} ${padEnd(file ?? version, width)}  ${[
          phase ?? "",
          file === null ? "its file is not here" : "",
          appliedAt === null ? "by another tool" : dayOf(appliedAt),
          appliedAt === null || by === null ? "" : `by ${by}`,
          release === null ? "" : `release ${release}`,
        ]
          .filter((word) => word !== "")
          .join(` ${symbols(style).dot} `)}`,
    ),
    ...pending.map(
      ({ file, phase, reached, statements, drops }) =>
        `${paint(style, "active", waiting)} ${padEnd(file, width)}  ${phase}${reached === null ? "" : `, begun: ${reached} of ${statements} statements are done`}${drops.length === 0 ? "" : `, takes away ${drops.join(", ")}`}`,
    ),
    ...problems.flatMap(({ what, where, fix }) => [
      `${paint(style, "bad", failed)} ${what}`,
      ...(where === undefined ? [] : [`  where  ${where}`]),
      `  fix    ${fix}`,
    ]),
    ...(lock === null ? [] : [`! ${lock.application} (process ${lock.pid} of the server) has the lock now`]),
    `${counted(applied.length, "migration")} applied, ${pending.length} pending.`,
  ];
}

export function upLines(
  { applied, already, pendingLater }: UpResult,
  dryRun: boolean,
  style: Style,
): readonly string[] {
  const later = pendingLater.length === 0 ? [] : [`Of other phases, and not applied: ${pendingLater.join(", ")}.`];
  if (applied.length === 0) return [`Nothing to apply: ${counted(already, "migration")} applied before.`, ...later];
  return [
    ...applied.flatMap((each) => runLines(each, dryRun, style)),
    dryRun
      ? `${counted(applied.length, "migration")} tried and taken back. Nothing was changed.`
      : `${counted(applied.length, "migration")} applied, ${already} before.`,
    ...later,
  ];
}

function runLines(run: RunMigration, dryRun: boolean, style: Style): readonly string[] {
  const mark = dryRun ? symbols(style).waiting : paint(style, "good", symbols(style).passed);
  const wait = run.longestWaitMs === 0 ? "" : `, waited ${formatDuration(run.longestWaitMs)} for a lock`;
  return [
    `${mark} ${run.file}  ${run.phase}, ${counted(run.statements, "statement")}, ${formatDuration(run.tookMs)}${wait}`,
    ...triedLines(run.tried ?? [], style),
  ];
}

function triedLines(tried: readonly TriedStatement[], style: Style): readonly string[] {
  return tried.flatMap(({ line, sql, tookMs, rows, locks, rewritten, note }) => [
    `    ${paint(style, "strong", `line ${line}`)}  ${cut(onOneLine(sql, 500), Math.max(30, style.width - 16))}`,
    ...(note === undefined
      ? []
      : wrap(note, Math.max(30, style.width - 12)).map((each) => `            ${paint(style, "warn", each)}`)),
    ...(note?.startsWith("not tried") === true
      ? []
      : [
          `            ${[
            tookMs < 1000 ? `${tookMs} ms` : formatDuration(tookMs),
            ...(rows === null || rows === 0 ? [] : [counted(rows, "row")]),
            ...(locks.length === 0 ? ["no lock that others feel"] : locks),
            ...rewritten.map((name) => `writes ${name} anew`),
          ].join(` ${symbols(style).dot} `)}`,
        ]),
  ]);
}

export function downLines({ reversed, kept }: DownResult, dryRun: boolean, style: Style): readonly string[] {
  const { passed, waiting, skipped } = symbols(style);
  return [
    ...reversed.flatMap(({ file, tookMs, lost, tried }) => [
      `${dryRun ? waiting : paint(style, "good", passed)} ${file}  ${dryRun ? "could be taken back" : "taken back"}, ${formatDuration(tookMs)}`,
      ...lost.map((each) => `    ${dryRun ? "would lose" : "lost"}: ${each}`),
      ...triedLines(tried ?? [], style),
    ]),
    ...kept.map(({ file, why }) => `${skipped} ${file}  stays: ${why}`),
    reversed.length + kept.length === 0
      ? "There is nothing to take back."
      : `${counted(reversed.length, "migration")} ${dryRun ? "tried and left as they are" : "taken back"}${kept.length === 0 ? "" : `, ${kept.length} left as they are`}.`,
  ];
}

export function historyLines(history: readonly HistoryEntry[], style: Style): readonly string[] {
  if (history.length === 0) return ["Tidegate has migrated nothing here yet."];
  return history.map(({ at, did, file, by, release, tookMs, note }) =>
    [
      timeOf(at),
      padEnd(paint(style, did === "failed" ? "bad" : "plain", did), 8),
      file,
      `by ${by}${release === null ? "" : `, release ${release}`}${tookMs === null ? "" : `, ${formatDuration(tookMs)}`}`,
      note ?? "",
    ]
      .join("  ")
      .trimEnd(),
  );
}

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

function timeOf(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace("T", " ")}Z`;
}

function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
