import { inSchema, schemaOf } from "../sql/object-name.ts";
import type { ReadStatement } from "./read-statements.ts";
import { withNames } from "./with-names.ts";

/** The statements of a script with the schema of each name, as far as the script itself has said in which single one names are looked for. */
export function inSearchPath(statements: readonly ReadStatement[]): readonly ReadStatement[] {
  let schema: string | null = null;
  const placed = (statement: ReadStatement): ReadStatement => {
    const into = schema;
    const named = (name: string): string =>
      into === null || name === "" || schemaOf(name) !== null ? name : inSchema(into, name);
    for (const change of statement.changes)
      if (change.kind === "set" && change.variable.toLowerCase() === "search_path") schema = onlyOne(change.values);
    const changes = statement.changes.map((change) => withNames(change, named));
    return { ...statement, changes, inside: statement.inside.map(placed) };
  };
  return statements.map(placed);
}

/** Of several nobody knows which has the name. */
function onlyOne([first, ...others]: readonly string[]): string | null {
  return first === undefined || first === "" || first.startsWith("$") || others.length > 0 ? null : first;
}
