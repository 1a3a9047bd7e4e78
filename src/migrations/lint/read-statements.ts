import type { SqlParser, UnreadStatement } from "../sql/parser.ts";
import type { Change } from "./change.ts";
import { changesOf } from "./changes-of.ts";
import { doneOutside } from "./outside-transaction.ts";

/** A statement of a script, in words of what it changes. */
export interface ReadStatement {
  readonly start: number;
  /** Behind its last character, without the semicolon. */
  readonly end: number;
  readonly changes: readonly Change[];
  /** What the database does in no transaction, in a word or two; null: it does it in one. */
  readonly doneOutside: string | null;
}

export interface ReadText {
  readonly statements: readonly ReadStatement[];
  readonly unread: readonly UnreadStatement[];
}

export type StatementReader = (text: string) => ReadText;

export function postgresReader(parse: SqlParser): StatementReader {
  return (text) => {
    const { statements, unread } = parse(text);
    return {
      unread,
      statements: statements.map(({ node, start, end }) => ({
        start,
        end,
        changes: changesOf(node),
        doneOutside: doneOutside(node),
      })),
    };
  };
}
