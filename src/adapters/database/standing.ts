import type { MigrationPhase } from "../../core/plan/database.ts";
import type { AppliedMigration, MigrationProblem } from "../../ports/migrations.ts";
import { differenceOf } from "./difference.ts";
import type { LedgerRow } from "./ledger-row.ts";
import type { MigrationFile } from "./migration-file.ts";
import { misspelt, unreached } from "./mistakes.ts";
import { byVersion } from "./read-files.ts";

/** What the database has, held against what lies in the folder. */
export interface Standing {
  readonly applied: readonly AppliedMigration[];
  /** In their order; with the row of one that was begun. */
  readonly pending: readonly { readonly file: MigrationFile; readonly row: LedgerRow | null }[];
  /** Applied by another tool, and not yet in Tidegate's own ledger. */
  readonly toAdopt: readonly MigrationFile[];
  readonly problems: readonly MigrationProblem[];
}

export interface Ledger {
  /** What `schema_migrations` says, which other tools read and write too. */
  readonly versions: ReadonlySet<string>;
  readonly rows: ReadonlyMap<string, LedgerRow>;
}

export function standingOf(files: readonly MigrationFile[], { versions, rows }: Ledger): Standing {
  const isApplied = ({ version }: { readonly version: string }): boolean => versions.has(version);
  const byName = new Map(files.map((file) => [file.version, file]));
  const pending = files
    .filter((file) => !isApplied(file))
    .map((file) => ({ file, row: begun(rows.get(file.version)) }));
  const appliedFiles = files.filter(isApplied);
  const missing = [...versions].filter((version) => !byName.has(version)).toSorted(byVersion);
  return {
    applied: [...versions]
      .toSorted(byVersion)
      .map((version) => appliedAs(version, byName.get(version), rows.get(version))),
    pending,
    toAdopt: appliedFiles.filter(({ version }) => rows.get(version) === undefined),
    problems: [
      ...appliedFiles.flatMap((file) => edited(file, rows.get(file.version))),
      ...[...rows.values()].flatMap((row) => halfReversed(row)),
      ...missing.flatMap((version) => gone(rows.get(version))),
      ...pending.flatMap(({ file }) => misspelt(file.file, file.misspelt)),
      ...pending.flatMap(({ file }) => unreached(file.file, file.unreached)),
      ...pending.flatMap(({ file }) => outOfOrder(file, appliedFiles)),
      ...pending.flatMap(({ file, row }) => (row === null ? [] : begunOtherwise(file, row))),
    ],
  };
}

/** A row that says applied where `schema_migrations` does not: another tool took it back. */
function begun(row: LedgerRow | undefined): LedgerRow | null {
  return row === undefined || row.state === "applied" ? null : row;
}

function appliedAs(version: string, file: MigrationFile | undefined, row: LedgerRow | undefined): AppliedMigration {
  return {
    version,
    file: file?.file ?? null,
    phase: row?.phase ?? file?.phase ?? null,
    appliedAt: row?.appliedAt ?? null,
    tookMs: row?.tookMs ?? null,
    release: row?.release ?? null,
    by: row?.by ?? null,
  };
}

export function edited(
  file: Pick<MigrationFile, "file" | "text" | "sha256">,
  row: LedgerRow | undefined,
): readonly MigrationProblem[] {
  if (row === undefined || row.sha256 === null || row.sha256 === file.sha256) return [];
  const difference = differenceOf(row.body ?? "", file.text);
  if (difference === null) return [];
  const [was, is] = parting(difference.was, difference.is);
  return [
    {
      code: "migration-edited",
      file: file.file,
      what: `${file.file} was changed after it was applied.`,
      where: `${file.file}:${difference.line} · applied: ${was} · now: ${is}`,
      fix: "put the file back as it was (git log -p FILE), and write the change into a new migration",
    },
  ];
}

function halfReversed({ state, file, reached }: LedgerRow): readonly MigrationProblem[] {
  if (state !== "reversing") return [];
  return [
    {
      code: "migration-half-reversed",
      file,
      what: `The way back of ${file} was cut off after ${reached} statements.`,
      fix: "finish it: tidegate migrate down; then go forward again",
    },
  ];
}

/** Begun and cut off: what is not done yet may be mended, what is done may not. */
function begunOtherwise(file: MigrationFile, row: LedgerRow): readonly MigrationProblem[] {
  if (row.state !== "applying" || row.sha256 === file.sha256 || row.body === null) return [];
  const done = file.up.units.filter(({ to }) => to <= row.reached);
  const isWhole = row.reached === 0 || done.at(-1)?.to === row.reached;
  const isSame = isWhole && done.every(({ statements }) => statements.every(({ sql }) => row.body?.includes(sql)));
  if (isSame) return [];
  const difference = differenceOf(row.body, file.text);
  return [
    {
      code: "migration-edited",
      file: file.file,
      what: `The first ${row.reached} statements of ${file.file} are done, and one of them was changed since.`,
      ...(difference === null ? {} : { where: `${file.file}:${difference.line}` }),
      fix: "put these statements back as they were; what comes after them may be mended",
    },
  ];
}

/** What was only added is safe beside a version that does not know it: after a rollback that is how it should be. */
export function gone(row: LedgerRow | undefined): readonly MigrationProblem[] {
  if (row === undefined || row.phase !== "contract") return [];
  return [
    {
      code: "migration-missing",
      file: row.file,
      what: `${row.file} was applied, and its file is not here: it took away what this version may still need.`,
      fix: "take a version that has it, or bring the file back: git log --all -- FILE",
    },
  ];
}

function outOfOrder(file: MigrationFile, applied: readonly MigrationFile[]): readonly MigrationProblem[] {
  // A contract migration waits for long, and others overtake it.
  const later = applied.findLast(({ version, phase }) => phase === file.phase && byVersion(version, file.version) > 0);
  if (later === undefined) return [];
  return [
    {
      code: "migration-out-of-order",
      file: file.file,
      what: `${file.file} is not applied, and ${later.name}, which comes after it, is.`,
      fix: "give it a newer number; or, if it depends on nothing that came since: tidegate migrate up --out-of-order",
    },
  ];
}

/** What a person needs of two lines to see where they part: as much of the same before it as there is room for. */
function parting(was: string, is: string): readonly [string, string] {
  const [before, after] = [was.trim(), is.trim()];
  let same = 0;
  while (same < before.length && before[same] === after[same]) same += 1;
  const from = Math.max(before.length, after.length) > MOST_SHOWN ? Math.max(0, same - SHOWN_BEFORE) : 0;
  return [quoted(before, from), quoted(after, from)];
}

const MOST_SHOWN = 60;
const SHOWN_BEFORE = 25;

function quoted(line: string, from: number): string {
  if (line === "") return "nothing";
  const rest = `${from === 0 ? "" : "…"}${line.slice(from)}`;
  return `\`${rest.length > MOST_SHOWN ? `${rest.slice(0, MOST_SHOWN - 1)}…` : rest}\``;
}

/** Those of the phases, in order. */
export function ofPhases<T extends { readonly file: MigrationFile }>(
  pending: readonly T[],
  phases: readonly MigrationPhase[],
): readonly T[] {
  return pending.filter(({ file }) => phases.includes(file.phase));
}
