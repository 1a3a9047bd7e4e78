import { deletedWords } from "../../core/migration/deleted-rows.ts";
import type {
  DownResult,
  HistoryEntry,
  MigrationStatus,
  PendingMigration,
  RunMigration,
  TriedStatement,
  UpResult,
} from "../../ports/migrations.ts";
import { formatCount } from "../../core/analysis/figures.ts";
import { isStopping } from "../../core/migration/finding.ts";
import { brokenSentence, type ReplayedQueries, type UntriedQuery } from "../../core/migration/replayed.ts";
import { formatDuration } from "../../core/time/time.ts";
import { onOneLine } from "../../core/text/plain-text.ts";
import { findingLines } from "./lint-view.ts";
import { paint, type Style, symbols } from "./style.ts";
import { cut, padEnd, wrap, wrapItems } from "./text.ts";

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
    ...pending.flatMap((each) => [
      `${paint(style, "active", waiting)} ${padEnd(each.file, width)}  ${pendingWords(each)}`,
      ...stoppingLines(each, style),
    ]),
    ...problems.flatMap(({ what, where, fix }) => [
      `${paint(style, "bad", failed)} ${what}`,
      ...(where === undefined ? [] : [`  where  ${where}`]),
      `  fix    ${fix}`,
    ]),
    ...(lock === null ? [] : [`! ${lock.application} (process ${lock.pid} of the server) has the lock now`]),
    `${counted(applied.length, "migration")} applied, ${pending.length} pending.`,
  ];
}

/** `contract, takes away users.legacy`. */
export function pendingWords({ phase, reached, batchRows, statements, drops, note }: PendingMigration): string {
  const words = [
    phase,
    ...(reached === null ? [] : [`begun: ${begunWords(reached, statements, batchRows)}`]),
    ...(drops.length === 0 ? [] : [`takes away ${drops.join(", ")}`]),
  ].join(", ");
  return note === undefined ? words : `${words} (${note})`;
}

/** Of a backfill the rows say more than its only statement, which is done at the very end. */
function begunWords(reached: number, statements: number, batchRows: number | undefined): string {
  const whole = `${reached} of ${counted(statements, "statement")} ${statements === 1 ? "is" : "are"} done`;
  if (batchRows === undefined) return whole;
  const rows = `${formatCount(batchRows)} ${batchRows === 1 ? "row" : "rows"}`;
  return statements === 1 ? `${rows} done so far` : `${whole}, and ${rows} of the next`;
}

/** What the linter finds in it and nobody has allowed. */
export function stoppingLines({ findings = [] }: Pick<PendingMigration, "findings">, style: Style): readonly string[] {
  return findings
    .filter(isStopping)
    .flatMap((finding) => findingLines({ ...finding, message: `line ${finding.line}: ${finding.message}` }, style));
}

export function upLines(
  { applied, already, pendingLater, queries, heldMs }: UpResult,
  dryRun: boolean,
  style: Style,
): readonly string[] {
  const later = pendingLater.length === 0 ? [] : [`Of other phases, and not applied: ${pendingLater.join(", ")}.`];
  if (applied.length === 0) return [`Nothing to apply: ${counted(already, "migration")} applied before.`, ...later];
  return [
    ...applied.flatMap((each) => runLines(each, dryRun, style)),
    ...(queries === undefined ? [] : replayLines(queries, style)),
    dryRun
      ? `${triedWords(applied)}. Nothing was changed.${heldMs === undefined ? "" : ` Their locks were held together, for ${formatDuration(heldMs)}.`}`
      : `${counted(applied.length, "migration")} applied, ${already} before.`,
    ...later,
  ];
}

function triedWords(applied: readonly RunMigration[]): string {
  const left = applied.filter(({ tried = [] }) => tried.some(({ isTried }) => isTried === false)).length;
  const words = `${counted(applied.length - left, "migration")} tried and taken back`;
  return left === 0 ? words : `${words}, ${left} not, or not wholly`;
}

function runLines(run: RunMigration, dryRun: boolean, style: Style): readonly string[] {
  const mark = dryRun ? symbols(style).waiting : paint(style, "good", symbols(style).passed);
  const wait = run.longestWaitMs === 0 ? "" : `, waited ${formatDuration(run.longestWaitMs)} for a lock`;
  return [
    `${mark} ${run.file}  ${run.phase}, ${run.statements === 0 ? "" : `${counted(run.statements, "statement")}, `}${run.tookMs === null ? "in one go" : formatDuration(run.tookMs)}${wait}`,
    ...(dryRun ? stoppingLines(run, style) : []),
    ...triedLines(run.tried ?? [], style),
    ...(run.changes ?? []).map((each) => `    ${each}`),
    ...(run.deleted ?? []).map((each) => `    deleted ${deletedWords(each)}`),
  ];
}

/** What became of the old version's queries. */
export function replayLines(
  { from, tried, broken, failedBefore, notTried }: ReplayedQueries,
  style: Style,
): readonly string[] {
  const { passed, failed } = symbols(style);
  const left = (all: readonly UntriedQuery[], what: string): readonly string[] =>
    all.length === 0
      ? []
      : [
          `    ${what}: ${all.length}`,
          ...all
            .slice(0, SHOWN)
            .map(({ query, why }) => `      ${cut(`${query}: ${why}`, Math.max(40, style.width - 6))}`),
        ];
  return [
    `${broken.length === 0 ? paint(style, "good", passed) : paint(style, "bad", failed)} ${counted(tried, "query", "queries")} of the version that serves (${from}), asked again: ${broken.length === 0 ? "all work" : `${broken.length} no longer work${broken.length === 1 ? "s" : ""}`}`,
    ...broken.flatMap((each) =>
      wrap(`${brokenSentence(each)}${each.isAllowed ? ", which the file allows" : ""}`, style.width - 4).map(
        (line) => `    ${line}`,
      ),
    ),
    ...left(failedBefore, "failed before already, which counts for nothing"),
    ...left(notTried, "not tried"),
  ];
}

const SHOWN = 5;

/** Under the statement. */
const TRIED = " ".repeat(12);

function triedLines(tried: readonly TriedStatement[], style: Style): readonly string[] {
  return tried.flatMap(({ line, sql, tookMs, rows, locks, rewritten, note }) => [
    `    ${paint(style, "strong", `line ${line}`)}  ${cut(onOneLine(sql, 500), Math.max(30, style.width - 16))}`,
    ...(note === undefined
      ? []
      : wrap(note, Math.max(30, style.width - 12)).map((each) => `            ${paint(style, "warn", each)}`)),
    ...(note?.startsWith("not tried") === true
      ? []
      : wrapItems(
          [
            tookMs < 1000 ? `${tookMs} ms` : formatDuration(tookMs),
            ...(rows === null || rows === 0 ? [] : [counted(rows, "row")]),
            ...(locks.length === 0 ? ["no lock that others feel"] : locks),
            ...rewritten.map((name) => `writes ${name} anew`),
          ],
          style.width,
          { between: ` ${symbols(style).dot} `, lead: TRIED, indent: TRIED },
        )),
  ]);
}

export function downLines({ reversed, kept }: DownResult, dryRun: boolean, style: Style): readonly string[] {
  const { passed, waiting, skipped } = symbols(style);
  return [
    ...reversed.flatMap(({ file, tookMs, lost, empty = [], thinned = [], tried, changes }) => [
      `${dryRun ? waiting : paint(style, "good", passed)} ${file}  ${dryRun ? "could be taken back" : "taken back"}, ${formatDuration(tookMs)}`,
      ...lost.map((each) => `    ${dryRun ? "would lose" : "lost"}: ${each}`),
      ...empty.map((each) => `    ${dryRun ? "would come" : "came"} back without what was in it: ${each}`),
      ...thinned.map(
        (table) => `    ${dryRun ? "would not" : "did not"} come back: the rows that it deleted from ${table}`,
      ),
      ...triedLines(tried ?? [], style),
      ...(changes ?? []).map((each) => `    ${each}`),
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

function counted(count: number, word: string, words = `${word}s`): string {
  return `${count} ${count === 1 ? word : words}`;
}

function timeOf(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace("T", " ")}Z`;
}

function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
