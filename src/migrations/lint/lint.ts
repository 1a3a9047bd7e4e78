import type { DatabaseKind, MigrationPhase } from "../../core/plan/database.ts";
import type { SqlParser } from "../sql/parser.ts";
import type { Illegible } from "../sql/utf8-text.ts";
import { type Allowed, allowedAt } from "./allowed.ts";
import { RULES } from "./catalogue.ts";
import type { Finding, LintedStatement, Severity } from "../../core/migration/finding.ts";
import { batchBefore, headersOf, type Misspelt } from "./headers.ts";
import type { Judge } from "./judge.ts";
import { createMemory, type Memory } from "./known.ts";
import { postgresReader, type StatementReader } from "./read-statements.ts";
import { sqliteReader } from "./read-sqlite.ts";
import { type Script, scriptsOf } from "./script.ts";
import type { At, Rule, Said } from "./rule.ts";

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
  return files.flatMap(({ name, text, phase, isApplied, isOurs, illegible }) => [
    ...(illegible === undefined ? [] : [illegibleFile(name, illegible)]),
    ...headerStatements(name, headersOf(text).misspelt, isApplied),
    ...scriptsOf(name, text, isOurs === true ? "script" : isTransactionAssumed ? "assumed" : null)
      .filter(({ way }) => isForward !== true || way === "up")
      .flatMap((script) => {
        const own = phase === undefined ? script : { ...script, phase };
        return lintScript(own, isApplied ?? "not", { dialect, read, memory, judge });
      }),
  ]);
}

interface Means {
  readonly dialect: DatabaseKind;
  readonly read: StatementReader;
  readonly memory: Memory;
  readonly judge: Judge | undefined;
}

function lintScript(
  given: Script,
  isApplied: NonNullable<SqlFile["isApplied"]> | "not",
  { dialect, read, memory, judge }: Means,
): readonly LintedStatement[] {
  const { file, text } = given;
  const lineAt = lineCounter(text);
  const psql = given.psql.map(({ at, line }) => psqlStatement(file, lineAt(at), line));
  const parsed = read(text);
  const unread = parsed.unread.map(({ message, start, end, at }): LintedStatement => ({
    file,
    line: lineAt(at),
    sql: text.slice(start, end),
    findings: [syntaxFinding(message)],
  }));
  const batches = parsed.statements.map(({ start }, index) =>
    batchBefore(text, parsed.statements[index - 1]?.end ?? 0, start),
  );
  // Each batch is a transaction of its own, so the file is none.
  const script = batches.every((batch) => batch === null) ? given : { ...given, transaction: null };
  memory.begin(script, isApplied);
  const rules = RULES.filter((rule) => isAsked(rule, script, dialect));
  const all = parsed.statements.map(({ changes }) => changes);
  let before = 0;
  const statements = parsed.statements.map(({ start, end, changes, doneOutside }, index): LintedStatement => {
    const sql = text.slice(start, end);
    const at: At = {
      changes,
      sql,
      script,
      batch: batches[index] ?? null,
      known: memory,
      later: () => all.slice(index + 1),
      isAlone: all.length === 1,
      doneOutside,
      dialect,
    };
    const allowed = allowedAt(text, before, start, end);
    const findings = rules.flatMap((rule) => rule.check(at).map((each) => findingOf(rule, each, allowed, judge)));
    memory.learn(changes);
    before = end;
    return {
      file,
      line: lineAt(start),
      sql,
      findings: [...findings, ...allowed.flatMap(misused)].toSorted(worstFirst),
    };
  });
  return [...psql, ...unread, ...statements].toSorted((a, b) => a.line - b.line);
}

/**
 * What runs once nobody needs the old shape any more breaks nobody, and a way back takes away what its way forward has
 * brought.
 */
function isAsked({ kind, isForSqlite }: Rule, { phase, way }: Script, dialect: DatabaseKind): boolean {
  if (dialect === "sqlite" && isForSqlite !== true) return false;
  if (kind === "compat") return phase !== "contract" && way === "up";
  return kind !== "style" || way === "up";
}

function findingOf(rule: Rule, said: Said, allowed: readonly Allowed[], judge: Judge | undefined): Finding {
  const { name, aliases = [], kind, severity, fix } = rule;
  const because = allowed.find((each) => each.rule === name || aliases.includes(each.rule))?.because;
  const { message } = said;
  const finding: Finding = { kind, rule: name, severity, message, fix };
  return { ...(judge?.weigh(finding, said, rule) ?? finding), ...(because === undefined ? {} : { allowed: because }) };
}

const NAMES = new Set(RULES.flatMap(({ name, aliases = [] }) => [name, ...aliases]));

function worstFirst(a: Finding, b: Finding): number {
  return SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity);
}

const SEVERITIES: readonly Severity[] = ["error", "warning", "info"];

function misused({ rule, because }: Allowed): readonly Finding[] {
  const isKnown = NAMES.has(rule);
  if (isKnown && because !== undefined) return [];
  return [
    {
      kind: "style",
      rule: "allow-without-reason",
      severity: "error",
      message: isKnown ? `It is not said why ${rule} is allowed here.` : `There is no rule ${rule}.`,
      fix: "Write `-- tidegate:allow RULE because …`.",
    },
  ];
}

/** Of what a database has already nobody asks any more when it runs. */
function headerStatements(
  file: string,
  misspelt: Misspelt | null,
  isApplied: SqlFile["isApplied"],
): readonly LintedStatement[] {
  if (misspelt === null || isApplied === "whole") return [];
  const { line, what, fix } = misspelt;
  const finding: Finding = { kind: "txn", rule: "misspelt-header", severity: "error", message: what, fix };
  return [{ file, line, sql: "", findings: [finding] }];
}

function illegibleFile(file: string, { line, column, what, fix }: Illegible): LintedStatement {
  const message = `Column ${column}: ${what}`;
  return { file, line, sql: "", findings: [{ kind: "txn", rule: "not-utf8", severity: "error", message, fix }] };
}

function syntaxFinding(message: string): Finding {
  return {
    kind: "txn",
    rule: "syntax",
    severity: "error",
    message: `PostgreSQL can't read this: ${message}.`,
    fix: "Mend it: nobody can say what it would do.",
  };
}

function psqlStatement(file: string, line: number, sql: string): LintedStatement {
  return {
    file,
    line,
    sql,
    findings: [
      {
        kind: "txn",
        rule: "psql-command",
        severity: "error",
        message: "A command of psql: no server and no migration tool but psql understands it.",
        fix: "Leave it out, or run the file with psql.",
      },
    ],
  };
}

/** The line, from 1, of places that are asked for in their order or not. */
function lineCounter(text: string): (at: number) => number {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return (at) => {
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((starts[middle] ?? 0) <= at) low = middle;
      else high = middle;
    }
    return low + 1;
  };
}
