import type { Change } from "../lint/change.ts";
import { changesOf } from "../lint/changes-of.ts";
import { changesInside } from "../lint/read-statements.ts";
import { mayBeSame, nameBeside } from "../sql/object-name.ts";
import type { SqlParser } from "../sql/parser.ts";
import { readUses, type Uses } from "./uses.ts";

/** A statement of a pending file, in words of what it changes. */
export interface PendingStatement {
  readonly file: string;
  readonly line: number;
  readonly changes: readonly Change[];
}

/** An assertion of which a migration takes away what it asks for. */
export interface LostAssertion {
  readonly name: string;
  readonly file: string;
  readonly line: number;
  /** `items.price`. */
  readonly what: string;
}

/**
 * The assertions that nobody can ask any more once all of the statements are run, each with the first that is to blame. It rather names too
 * few than too many: what a later statement brings back is not lost, and what can't be read is left to the database.
 */
export function lostAssertions(
  statements: readonly PendingStatement[],
  assertions: readonly { readonly name: string; readonly sql: string }[],
  parse: SqlParser,
): readonly LostAssertion[] {
  const taken = statements.flatMap(({ file, line, changes }, index) =>
    changes.flatMap((change) =>
      takenBy(change)
        .filter((each) => !statements.slice(index).some((later) => later.changes.some((back) => brings(back, each))))
        .map((each) => ({ ...each, file, line })),
    ),
  );
  if (taken.length === 0) return [];
  return assertions.flatMap(({ name, sql }) => {
    const uses = readUses(sql, parse);
    const first = uses === null ? undefined : taken.find((each) => needs(uses, each));
    return first === undefined ? [] : [{ name, file: first.file, line: first.line, what: wordsOf(first) }];
  });
}

/** The changes of a statement, for who has only its text; none where it can't be read. */
export function changesIn(sql: string, parse: SqlParser): readonly Change[] {
  return parse(sql).statements.flatMap((each) => [...changesOf(each.node), ...changesInside(each)]);
}

interface Taken {
  readonly table: string;
  /** null: the table or view itself. */
  readonly column: string | null;
}

function takenBy(change: Change): readonly Taken[] {
  if (change.kind === "drop-column") return [{ table: change.table, column: change.column }];
  if (change.kind === "drop") {
    const isAsked = change.what === "table" || change.what === "view";
    return isAsked ? change.names.map((table) => ({ table, column: null })) : [];
  }
  if (change.kind !== "rename") return [];
  if (change.what === "column") return [{ table: change.of, column: change.from }];
  return change.what === "table" || change.what === "view" ? [{ table: change.from, column: null }] : [];
}

/** What nothing here reads into (a view, a function) may bring back anything. */
function brings(change: Change, { table, column }: Taken): boolean {
  if (change.kind === "other" || change.kind === "create-object") return true;
  if (change.kind === "create-table") return mayBeSame(change.table, table);
  if (change.kind === "rename")
    return change.what === "column"
      ? mayBeSame(change.of, table) && change.to === column
      : mayBeSame(nameBeside(change.from, change.to), table);
  return (
    column !== null && change.kind === "add-column" && mayBeSame(change.table, table) && change.column.name === column
  );
}

function needs({ tables }: Uses, { table, column }: Taken): boolean {
  return [...tables].some(([name, use]) => mayBeSame(name, table) && (column === null || use.columns.has(column)));
}

function wordsOf({ table, column }: Taken): string {
  return column === null ? table : `${table}.${column}`;
}
