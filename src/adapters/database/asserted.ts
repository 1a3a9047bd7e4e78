import { FaultError } from "../../core/fault.ts";
import { onOneLine } from "../../core/text/plain-text.ts";

/** What came of an assertion that was not the one row with true. */
export interface Wrong {
  readonly name: string;
  readonly said: string;
  /** The database gave an answer, and not an error. */
  readonly isAnswer: boolean;
}

/** Faults: database-assertion-failed, where there are any. */
export function refuseWrong(wrong: readonly Wrong[], after: string): void {
  const [first, ...others] = wrong;
  if (first === undefined) return;
  const more = others.length === 0 ? "" : `, and ${others.length} more`;
  throw new FaultError({
    code: "database-assertion-failed",
    what: `After ${after}: ${sentenceOf(first)}${more}.`,
    detail: wrong.map(({ name, said, isAnswer }) =>
      isAnswer ? `${name}: ${said}` : sentenceOf({ name, said, isAnswer }),
    ),
    fix: wrong.some(({ isAnswer }) => isAnswer)
      ? "look at the data; to go back: tidegate migrate down"
      : "change what it asks in the plan file (database: assertions), or take it out; to go back: tidegate migrate down",
  });
}

function sentenceOf({ name, said, isAnswer }: Wrong): string {
  return isAnswer ? `assertion "${name}" does not hold: ${said}` : `assertion "${name}" can't be asked: ${said}`;
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
