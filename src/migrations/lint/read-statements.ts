import type { Node } from "@pgsql/types";
import type { ParsedStatement, SqlParser, UnreadStatement } from "../sql/parser.ts";
import type { Change } from "./change.ts";
import { changesOf } from "./changes-of.ts";
import { doneOutside } from "./outside-transaction.ts";

/** A statement of a script, in words of what it changes. */
export interface ReadStatement {
  readonly sql: string;
  readonly start: number;
  /** Behind its last character, without the semicolon. */
  readonly end: number;
  readonly changes: readonly Change[];
  /** What the database does in no transaction, in a word or two; null: it does it in one. */
  readonly doneOutside: string | null;
  /** Of a block: what it would run. */
  readonly inside: readonly ReadStatement[];
  /** What of it nobody can look into, as the end of a sentence. */
  readonly opaque: readonly string[];
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
      statements: statements.map((each) => ({
        ...read({ ...each, sql: text.slice(each.start, each.end) }),
        inside: (each.block?.statements ?? []).map(read),
        opaque: each.block?.opaque ?? [],
      })),
    };
  };
}

/** What a `DO` block would change, as far as anybody can look into it: its own transactions apart. */
export function changesInside({ block }: Pick<ParsedStatement, "block">): readonly Change[] {
  const changes = (block?.statements ?? []).flatMap(({ node }) => changesOf(node));
  return changes.filter(({ kind }) => kind !== "begin" && kind !== "end" && kind !== "set");
}

type Placed = Pick<ReadStatement, "sql" | "start" | "end"> & { readonly node: Node };

function read({ node, sql, start, end }: Placed): ReadStatement {
  return { sql, start, end, changes: changesOf(node), doneOutside: doneOutside(node), inside: [], opaque: [] };
}
