import type { Finding, LintedStatement } from "../../src/core/migration/finding.ts";
import { lint } from "../../src/migrations/lint/lint.ts";
import { loadParser } from "../../src/migrations/sql/parser.ts";

const parse = await loadParser();

/** Lints texts as files 1.sql, 2.sql, … in their order. */
export function linted(texts: readonly string[], isTransactionAssumed = false): readonly LintedStatement[] {
  const files = texts.map((text, index) => ({ name: `${index + 1}.sql`, text }));
  return lint(files, { parse, isTransactionAssumed });
}

export function findingsOf(...texts: readonly string[]): readonly Finding[] {
  return linted(texts).flatMap(({ findings }) => findings);
}

/** The names of what is found, each once. */
export function rulesOf(...texts: readonly string[]): readonly string[] {
  return [...new Set(findingsOf(...texts).map(({ rule }) => rule))];
}
