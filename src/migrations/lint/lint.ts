import type { LintedStatement, Finding } from "../../core/migration/finding.ts";
import type { DatabaseKind, MigrationPhase } from "../../core/plan/database.ts";
import type { SqlParser } from "../sql/parser.ts";
import type { Illegible } from "../sql/utf8-text.ts";
import { headersOf } from "./headers.ts";
import type { Judge } from "./judge.ts";
import { createMemory } from "./known.ts";
import { lintScript } from "./lint-script.ts";
import type { Mistake } from "./mistake.ts";
import { postgresReader } from "./read-statements.ts";
import { sqliteReader } from "./read-sqlite.ts";
import { scriptsOf } from "./script.ts";
import { unreachedIn } from "./unreached.ts";

/** A file to be linted, in the order in which it would be applied. */
export interface SqlFile {
  /** As people know it. */
  readonly name: string;
  readonly text: string;
  /** As what it will be run, whatever it says itself. */
  readonly phase?: MigrationPhase;
  /** The database that the judge knows has it already, or a part of it. */
  readonly isApplied?: "whole" | "in part";
  /** `migrate up` runs it, which begins a transaction for a file without marks too. */
  readonly isOurs?: true;
  /** All of it is run, whatever marks stand in it: a tool has printed it. */
  readonly isPrinted?: true;
  /** Why it has no text. */
  readonly illegible?: Illegible;
}

export interface LintOptions {
  readonly parse: SqlParser;
  /** The tool that runs files without marks does so in a transaction. */
  readonly isTransactionAssumed: boolean;
  /** Knows the database in which they will be run; absent: nobody does. */
  readonly judge?: Judge;
  /** Leaves ways back out. */
  readonly isForward?: boolean;
  /** Whose SQL it is; absent: PostgreSQL's. */
  readonly dialect?: DatabaseKind;
}

/** What each statement of some migrations would do to those who work beside it. Pure but for the parser. */
export function lint(
  files: readonly SqlFile[],
  { parse, isTransactionAssumed, judge, isForward, dialect = "postgres" }: LintOptions,
): readonly LintedStatement[] {
  const memory = createMemory(dialect, judge);
  const read = dialect === "sqlite" ? sqliteReader(parse) : postgresReader(parse);
  return files.flatMap(({ name, text, phase, isApplied, isOurs, isPrinted, illegible }) => [
    ...(illegible === undefined ? [] : [illegibleFile(name, illegible)]),
    // Of what a database has already nobody asks any more when it runs.
    ...(isApplied === "whole" ? [] : mistakesIn(name, text, isPrinted === true)),
    ...scriptsOf(name, text, isOurs === true ? "script" : isTransactionAssumed ? "assumed" : null)
      .filter(({ way }) => isForward !== true || way === "up")
      .flatMap((script) => {
        const own = phase === undefined ? script : { ...script, phase };
        return lintScript(own, isApplied ?? "not", { dialect, read, memory, judge });
      }),
  ]);
}

function mistakesIn(file: string, text: string, isPrinted: boolean): readonly LintedStatement[] {
  return [
    ...mistaken(file, "misspelt-header", headersOf(text).misspelt),
    ...mistaken(file, "never-runs", isPrinted ? null : unreachedIn(text)),
  ];
}

function mistaken(file: string, rule: string, mistake: Mistake | null): readonly LintedStatement[] {
  if (mistake === null) return [];
  const { line, what, fix } = mistake;
  const finding: Finding = { kind: "txn", rule, severity: "error", message: what, fix };
  return [{ file, line, sql: "", findings: [finding] }];
}

function illegibleFile(file: string, { line, column, what, fix }: Illegible): LintedStatement {
  const message = `Column ${column}: ${what}`;
  return { file, line, sql: "", findings: [{ kind: "txn", rule: "not-utf8", severity: "error", message, fix }] };
}
