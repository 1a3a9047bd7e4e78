import { FaultError } from "../../core/fault.ts";
import { onOneLine } from "../../core/text/plain-text.ts";

/** Faults: database-assertion-failed, where there are any. */
export function refuseWrong(wrong: readonly string[], after: string): void {
  if (wrong.length === 0) return;
  throw new FaultError({
    code: "database-assertion-failed",
    what: `${wrong.length === 1 ? "An assertion does" : `${wrong.length} assertions do`} not hold after ${after}.`,
    detail: wrong,
    fix: "look at the data; to go back: tidegate migrate down",
  });
}

/** null: one row, which says true. */
export function whatIsWrong(rows: readonly (readonly unknown[])[]): string | null {
  const [row] = rows;
  if (row === undefined) return "it gives no row";
  if (rows.length > 1 || row.length !== 1) return `it gives ${rows.length} rows of ${row.length}, and not one \`true\``;
  const [value] = row;
  if (value === true || value === 1 || value === "t" || value === "true") return null;
  return `it gives ${onOneLine(String(value), 60)}`;
}
