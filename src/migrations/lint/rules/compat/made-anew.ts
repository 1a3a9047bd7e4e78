import { bareName, mayBeSame } from "../../../sql/object-name.ts";
import type { At } from "../../rule.ts";

/** A table of SQLite is changed by making another of its name and copying its rows, in one go. */
export function isMadeAnew(table: string, { dialect, later }: At): boolean {
  return (
    dialect === "sqlite" &&
    later().some((changes) =>
      changes.some(
        (change) =>
          (change.kind === "rename" && change.what === "table" && change.to === bareName(table)) ||
          (change.kind === "create-table" && mayBeSame(change.table, table)),
      ),
    )
  );
}
