import type { DatabaseKind } from "../../core/plan/database.ts";
import type { LintedStatement } from "../../core/migration/finding.ts";
import { type Allowed, allowedAt } from "./allowed.ts";
import { RULES } from "./catalogue.ts";
import { findingOf, misused, psqlStatement, syntaxFinding, worstFirst } from "./findings.ts";
import { batchBefore } from "./headers.ts";
import type { Judge } from "./judge.ts";
import type { Memory } from "./known.ts";
import { lineCounter } from "./line-counter.ts";
import type { ReadStatement, StatementReader } from "./read-statements.ts";
import type { Rule } from "./rule.ts";
import type { Script } from "./script.ts";
import { inSearchPath } from "./search-path.ts";

export interface Means {
  readonly dialect: DatabaseKind;
  readonly read: StatementReader;
  readonly memory: Memory;
  readonly judge: Judge | undefined;
}

/** A part of a file, statement by statement; the memory learns what each of them does. */
export function lintScript(
  given: Script,
  isApplied: "whole" | "in part" | "not",
  means: Means,
): readonly LintedStatement[] {
  const { file, text } = given;
  const { dialect, read, memory } = means;
  const lineAt = lineCounter(text);
  const psql = given.psql.map(({ at, line }) => psqlStatement(file, lineAt(at), line));
  const { statements: asWritten, unread } = read(text);
  const statements = inSearchPath(asWritten);
  const wrong = unread.map(({ message, start, end, at }): LintedStatement => ({
    file,
    line: lineAt(at),
    sql: text.slice(start, end),
    findings: [syntaxFinding(message)],
  }));
  const batches = statements.map(({ start }, index) => batchBefore(text, statements[index - 1]?.end ?? 0, start));
  // Each batch is a transaction of its own, so the file is none.
  const script = batches.every((batch) => batch === null) ? given : { ...given, transaction: null };
  memory.begin(script, isApplied);
  const place = { script, lineAt, rules: RULES.filter((rule) => isAsked(rule, script, dialect)), means };
  const linted = statements.flatMap((each, index): readonly LintedStatement[] => {
    const allowed = allowedAt(text, statements[index - 1]?.end ?? 0, each.start, each.end);
    const later = statements.slice(index + 1);
    const isAlone = statements.length === 1;
    const own = lintOne(each, place, { batch: batches[index] ?? null, later, isAlone, allowed, around: [] });
    return [own, ...lintInside(each, place, { later, around: allowed })];
  });
  return [...psql, ...wrong, ...linted].toSorted((a, b) => a.line - b.line);
}

interface Place {
  readonly script: Script;
  readonly lineAt: (at: number) => number;
  readonly rules: readonly Rule[];
  readonly means: Means;
}

interface Neighbours {
  readonly batch: number | null;
  readonly later: readonly ReadStatement[];
  readonly isAlone: boolean;
  readonly allowed: readonly Allowed[];
  /** What is allowed of the block in which it stands. */
  readonly around: readonly Allowed[];
}

function lintOne(
  { start, sql, changes, doneOutside, opaque }: ReadStatement,
  { script, lineAt, rules, means: { dialect, memory, judge } }: Place,
  { batch, later, isAlone, allowed, around }: Neighbours,
): LintedStatement {
  const at = {
    changes,
    sql,
    script,
    batch,
    isAlone,
    doneOutside,
    dialect,
    opaque,
    known: memory,
    later: () => later.map((each) => each.changes),
  };
  const all = [...allowed, ...around];
  const findings = rules.flatMap((rule) => rule.check(at).map((each) => findingOf(rule, each, all, judge)));
  memory.learn(changes);
  const { file } = script;
  return { file, line: lineAt(start), sql, findings: [...findings, ...allowed.flatMap(misused)].toSorted(worstFirst) };
}

/** A block is one transaction, where it is in none already and does not end it itself. */
function lintInside(
  { inside, start }: ReadStatement,
  place: Place,
  { later, around }: Pick<Neighbours, "later" | "around">,
): readonly LintedStatement[] {
  const { memory } = place.means;
  const isOwn = memory.transaction === null;
  if (inside.length > 0 && isOwn) memory.learn([{ kind: "begin" }]);
  const linted = inside.map((each, index) => {
    const allowed = allowedAt(place.script.text, inside[index - 1]?.end ?? start, each.start, each.end);
    const behind = [...inside.slice(index + 1), ...later];
    const one = lintOne(each, place, { batch: null, later: behind, isAlone: false, allowed, around });
    if (each.changes.some(({ kind }) => kind === "end")) memory.learn([{ kind: "begin" }]);
    return one;
  });
  if (inside.length > 0 && isOwn) memory.learn([{ kind: "end" }]);
  return linted;
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
