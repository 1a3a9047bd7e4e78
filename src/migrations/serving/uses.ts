import type { Node } from "@pgsql/types";
import { textsOf } from "../lint/names.ts";
import { bareName, writtenName } from "../sql/object-name.ts";
import type { SqlParser } from "../sql/parser.ts";
import { listOf, plain, type Plain, walk } from "../sql/tree.ts";

/** What a query takes of a database. It rather names too much than too little. */
export interface Uses {
  /** By their names as the query writes them, with or without their schema. */
  readonly tables: ReadonlyMap<string, TableUse>;
  /** Functions, types and schemas that it names, and its strings: of a sequence that is all there is. */
  readonly names: ReadonlySet<string>;
}

export interface TableUse {
  readonly columns: ReadonlySet<string>;
  /** `*`, a whole row, or a list by position. */
  readonly takesAll: boolean;
  /** Columns that an INSERT gives; null where it gives them by position; undefined: it inserts nothing. */
  readonly inserted: readonly string[] | null | undefined;
  /** Columns that an UPDATE sets. */
  readonly updated: readonly string[];
  readonly conflicts: readonly Conflict[];
}

/** What an ON CONFLICT needs. */
export type Conflict =
  | { readonly kind: "columns"; readonly columns: readonly string[] }
  | { readonly kind: "constraint"; readonly name: string };

interface Gathering {
  columns: Set<string>;
  takesAll: boolean;
  inserted: readonly string[] | null | undefined;
  updated: string[];
  conflicts: Conflict[];
}

export function usesOf(query: Node): Uses {
  const names = new Set<string>();
  const tables = new Map<string, Gathering>();
  const aliases = new Map<string, string[]>();
  const common = commonTables(query);
  const of = (table: string): Gathering => {
    const known = tables.get(table);
    if (known !== undefined) return known;
    const made: Gathering = {
      columns: new Set(),
      takesAll: false,
      inserted: undefined,
      updated: [],
      conflicts: [],
    };
    tables.set(table, made);
    return made;
  };
  walk(query, (key, node) => {
    if (typeof node["relname"] === "string" && !common.has(node["relname"])) {
      meetTable(tableIn(node) ?? "", plain(node["alias"])?.["aliasname"], of, aliases);
      if (typeof node["schemaname"] === "string") names.add(node["schemaname"]);
    }
    if (key === "FuncCall" || key === "TypeName" || key === "typeName" || key === "typname")
      for (const name of textsIn(node["funcname"] ?? node["names"])) names.add(name);
    if (key === "sval" && typeof node["sval"] === "string") names.add(lastPart(node["sval"]));
  });
  // Who a column is of can only be said once all names of tables are known.
  walk(query, (key, node) => {
    if (key === "ColumnRef") meetColumn(listOf(node["fields"]) as readonly Node[], tables, aliases);
    if (key === "JoinExpr") {
      const using = textsIn(node["usingClause"]);
      for (const use of tables.values()) for (const column of using) use.columns.add(column);
      if (node["isNatural"] === true) for (const use of tables.values()) use.takesAll = true;
    }
    meetWriting(key, node, of);
  });
  return { tables, names };
}

/** What the first query of a text takes; null: it can't be read. */
export function readUses(sql: string, parse: SqlParser): Uses | null {
  const { statements, unread } = parse(sql);
  const [first] = statements;
  return first === undefined || unread.length > 0 ? null : usesOf(first.node);
}

function meetTable(
  table: string,
  alias: unknown,
  of: (table: string) => Gathering,
  aliases: Map<string, string[]>,
): void {
  of(table);
  for (const name of [bareName(table), typeof alias === "string" ? alias : bareName(table)])
    aliases.set(name, [...new Set([...(aliases.get(name) ?? []), table])]);
}

function meetColumn(
  fields: readonly Node[],
  tables: ReadonlyMap<string, Gathering>,
  aliases: ReadonlyMap<string, readonly string[]>,
): void {
  const path = fields.flatMap(textsOf);
  const isStar = fields.some((field) => "A_Star" in field);
  const owner = isStar ? path.at(-1) : path.at(-2);
  const mine = owner === undefined ? [...tables.keys()] : (aliases.get(owner) ?? []);
  const column = path.at(-1) ?? "";
  for (const name of mine) {
    const use = tables.get(name);
    if (use === undefined) continue;
    if (isStar) use.takesAll = true;
    else use.columns.add(column);
  }
  // The name of a table where a column stands is its whole row.
  for (const name of owner === undefined && !isStar ? (aliases.get(column) ?? []) : []) {
    const use = tables.get(name);
    if (use !== undefined) use.takesAll = true;
  }
}

function meetWriting(key: string, node: Plain, of: (table: string) => Gathering): void {
  const table = tableIn(node["relation"]);
  if (key === "InsertStmt" && table !== null) {
    const use = of(table);
    const columns = targetsIn(node["cols"]);
    give(use, columns.length === 0 ? null : columns);
    const conflict = plain(node["onConflictClause"]);
    if (conflict === null) return;
    set(use, targetsIn(conflict["targetList"]));
    const infer = plain(conflict["infer"]);
    if (infer !== null) use.conflicts.push(...conflictOf(infer));
  }
  if (key === "CopyStmt" && table !== null && node["is_from"] === true) {
    const columns = textsIn(node["attlist"]);
    give(of(table), columns.length === 0 ? null : columns);
  }
  if (key === "CopyStmt" && table !== null && node["is_from"] !== true) {
    const columns = textsIn(node["attlist"]);
    if (columns.length === 0) of(table).takesAll = true;
    for (const column of columns) of(table).columns.add(column);
  }
  if (key === "UpdateStmt" && table !== null) set(of(table), targetsIn(node["targetList"]));
  if (key === "MergeStmt" && table !== null) {
    for (const each of listOf(node["mergeWhenClauses"])) {
      const when = plain(plain(each)?.["MergeWhenClause"]);
      const columns = targetsIn(when?.["targetList"]);
      if (when?.["commandType"] === "CMD_UPDATE") set(of(table), columns);
      if (when?.["commandType"] === "CMD_INSERT") give(of(table), columns.length === 0 ? null : columns);
    }
  }
}

/** Its name as it is written. */
function tableIn(relation: unknown): string | null {
  const { relname, schemaname } = plain(relation) ?? {};
  if (typeof relname !== "string") return null;
  return writtenName(typeof schemaname === "string" ? [schemaname, relname] : [relname]);
}

function give(use: Gathering, columns: readonly string[] | null): void {
  use.inserted = columns;
  if (columns === null) use.takesAll = true;
  for (const column of columns ?? []) use.columns.add(column);
}

function set(use: Gathering, columns: readonly string[]): void {
  use.updated.push(...columns);
  for (const column of columns) use.columns.add(column);
}

function conflictOf(infer: Plain): readonly Conflict[] {
  if (typeof infer["conname"] === "string") return [{ kind: "constraint", name: infer["conname"] }];
  const columns = listOf(infer["indexElems"]).flatMap((each) => {
    const { name } = plain(plain(each)?.["IndexElem"]) ?? {};
    return typeof name === "string" ? [name] : [];
  });
  return [{ kind: "columns", columns }];
}

/** The columns that stand on the left of an assignment, or in the list of an INSERT. */
function targetsIn(list: unknown): readonly string[] {
  return listOf(list).flatMap((each) => {
    const { name } = plain(plain(each)?.["ResTarget"]) ?? {};
    return typeof name === "string" ? [name] : [];
  });
}

function commonTables(query: Node): ReadonlySet<string> {
  const names = new Set<string>();
  walk(query, (key, node) => {
    if (key === "CommonTableExpr" && typeof node["ctename"] === "string") names.add(node["ctename"]);
  });
  return names;
}

function textsIn(list: unknown): readonly string[] {
  return listOf(list).flatMap((each) => textsOf(each as Node));
}

/** `public.orders_id_seq` and `"orders_id_seq"` are the same sequence. */
function lastPart(text: string): string {
  return text.replace(/^.*\./, "").replaceAll('"', "");
}
