import type { Node } from "@pgsql/types";
import { textsOf } from "../../../../migrations/lint/names.ts";
import { listOf, nameOf, plain, type Plain, walk } from "../../../../migrations/sql/tree.ts";

/** What a parameter of a query stands for, as far as its text says. */
export type Parameter =
  /** Compared with a column, or written to it. `table`: as it is written; null: any of the query's. */
  | { readonly kind: "column"; readonly table: string | null; readonly column: string; readonly isInserted: boolean }
  /** Of a time: `date_trunc($1, at)`. */
  | { readonly kind: "unit" }
  | { readonly kind: "limit" }
  | { readonly kind: "offset" };

/** By the parameter's number. */
export function parametersOf(query: Node): ReadonlyMap<number, Parameter> {
  const found = new Map<number, Parameter>();
  const note = (number: number | null, parameter: Parameter): void => {
    if (number !== null && !found.has(number)) found.set(number, parameter);
  };
  const aliases = aliasesIn(query);
  walk(query, (key, node) => {
    if (key === "A_Expr")
      for (const [side, other] of [
        [node["lexpr"], node["rexpr"]],
        [node["rexpr"], node["lexpr"]],
      ]) {
        const column = columnIn(side, aliases);
        if (column !== null) for (const number of numbersIn(other)) note(number, { ...column, isInserted: false });
      }
    if (key === "FuncCall" && UNITS.has(lastOf(node["funcname"])))
      for (const number of numbersIn(listOf(node["args"])[0])) note(number, { kind: "unit" });
    if (key === "InsertStmt") meetInsert(node, note);
    if (key === "UpdateStmt") meetTargets(node["targetList"], nameOf(node["relation"]), note);
    if (key === "SelectStmt" || key === "selectStmt") {
      for (const number of numbersIn(node["limitCount"])) note(number, { kind: "limit" });
      for (const number of numbersIn(node["limitOffset"])) note(number, { kind: "offset" });
    }
  });
  return found;
}

const UNITS: ReadonlySet<string> = new Set(["date_trunc", "date_part", "extract"]);

function lastOf(path: unknown): string {
  return (
    listOf(path)
      .flatMap((each) => textsOf(each as Node))
      .at(-1) ?? ""
  );
}

function meetInsert(node: Plain, note: (number: number | null, parameter: Parameter) => void): void {
  const table = nameOf(node["relation"]);
  const columns = listOf(node["cols"]).map((each) => plain(plain(each)?.["ResTarget"])?.["name"]);
  const select = plain(plain(node["selectStmt"])?.["SelectStmt"]);
  for (const row of listOf(select?.["valuesLists"]))
    listOf(plain(plain(row)?.["List"])?.["items"]).forEach((item, index) => {
      const column = columns[index];
      if (typeof column === "string")
        for (const number of numbersIn(item)) note(number, { kind: "column", table, column, isInserted: true });
    });
  meetTargets(plain(node["onConflictClause"])?.["targetList"], table, note);
}

function meetTargets(
  targets: unknown,
  table: string | null,
  note: (number: number | null, parameter: Parameter) => void,
): void {
  for (const each of listOf(targets)) {
    const target = plain(plain(each)?.["ResTarget"]);
    const column = target?.["name"];
    if (typeof column === "string")
      for (const number of numbersIn(target?.["val"]))
        note(number, { kind: "column", table, column, isInserted: false });
  }
}

/** Parameters that stand there themselves, cast or in a list, and not within something that is worked out of them. */
function numbersIn(value: unknown): readonly number[] {
  const node = plain(value);
  if (node === null) return [];
  const parameter = plain(node["ParamRef"]);
  if (parameter !== null) return typeof parameter["number"] === "number" ? [parameter["number"]] : [];
  const cast = plain(node["TypeCast"]);
  if (cast !== null) return numbersIn(cast["arg"]);
  const items = plain(node["List"])?.["items"] ?? plain(node["A_ArrayExpr"])?.["elements"];
  return listOf(items).flatMap(numbersIn);
}

function columnIn(
  value: unknown,
  aliases: ReadonlyMap<string, string>,
): { readonly kind: "column"; readonly table: string | null; readonly column: string } | null {
  const fields = plain(plain(value)?.["ColumnRef"])?.["fields"];
  const path = listOf(fields).flatMap((each) => textsOf(each as Node));
  const column = path.at(-1);
  if (column === undefined) return null;
  const owner = path.at(-2);
  return { kind: "column", table: owner === undefined ? null : (aliases.get(owner) ?? owner), column };
}

function aliasesIn(query: Node): ReadonlyMap<string, string> {
  const aliases = new Map<string, string>();
  walk(query, (_, node) => {
    const alias = plain(node["alias"])?.["aliasname"];
    if (typeof node["relname"] === "string" && typeof alias === "string") aliases.set(alias, node["relname"]);
  });
  return aliases;
}
