import type { Node, RangeVar } from "@pgsql/types";
import { writtenName } from "../sql/object-name.ts";

/** A table's name, with its schema where one is written. */
export function tableName(relation: RangeVar | undefined): string {
  return relation === undefined ? "" : writtenName(textsOf({ RangeVar: relation }));
}

/** A name of several parts, with its schema where one is written. */
export function nameIn(parts: readonly Node[] | undefined): string {
  return writtenName((parts ?? []).flatMap(textsOf));
}

/** The parts of a name, in whatever the parser has wrapped it. */
export function textsOf(node: Node): readonly string[] {
  if ("String" in node) return node.String.sval === undefined ? [] : [node.String.sval];
  if ("List" in node) return (node.List.items ?? []).flatMap(textsOf);
  if ("TypeName" in node) return (node.TypeName.names ?? []).flatMap(textsOf);
  if ("ObjectWithArgs" in node) return (node.ObjectWithArgs.objname ?? []).flatMap(textsOf);
  if ("RangeVar" in node) {
    const { schemaname, relname = "" } = node.RangeVar;
    return schemaname === undefined ? [relname] : [schemaname, relname];
  }
  return [];
}

/** Whether an option in parentheses is on: `(CONCURRENTLY)`, `(FULL true)`, not `(FULL false)`. */
export function hasOption(options: readonly Node[], name: string): boolean {
  return options.some((option) => {
    if (!("DefElem" in option) || option.DefElem.defname !== name) return false;
    const { arg } = option.DefElem;
    if (arg === undefined) return true;
    if ("Boolean" in arg) return arg.Boolean.boolval === true;
    if ("Integer" in arg) return (arg.Integer.ival ?? 0) !== 0;
    return !textsOf(arg).some((text) => /^(?:false|off|0)$/i.test(text));
  });
}
