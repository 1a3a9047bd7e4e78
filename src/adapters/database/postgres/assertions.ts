import { FaultError } from "../../../core/fault.ts";
import type { Assertion } from "../../../core/plan/database.ts";
import { onOneLine } from "../../../core/text/plain-text.ts";
import type { Session } from "./session.ts";

/** Asks each, in a transaction that can only read. Faults: database-assertion-failed, with what each of them gave. */
export async function requireAssertions(
  asking: Asking,
  assertions: readonly Assertion[],
  after: string,
): Promise<void> {
  await requireEach(asking, assertions, after, { begin: "BEGIN READ ONLY", end: "ROLLBACK" });
}

/** The same in the transaction that is open. */
export async function requireAssertionsInside(
  asking: Asking,
  assertions: readonly Assertion[],
  after: string,
): Promise<void> {
  await requireEach(asking, assertions, after, {
    begin: "SAVEPOINT asserting",
    end: "ROLLBACK TO SAVEPOINT asserting",
  });
}

type Asking = Pick<Session, "work" | "redact">;

async function requireEach(
  { work, redact }: Asking,
  assertions: readonly Assertion[],
  after: string,
  { begin, end }: { readonly begin: string; readonly end: string },
): Promise<void> {
  const wrong: string[] = [];
  for (const { name, sql } of assertions) {
    await work.query(begin);
    const said = await work
      .query<unknown[]>({ text: sql, rowMode: "array" })
      .then(({ rows }) => whatIsWrong(rows))
      .catch((error: unknown) => onOneLine(redact(error instanceof Error ? error.message : String(error)), 200));
    await work.query(end);
    if (said !== null) wrong.push(`${name}: ${said}`);
  }
  refuseWrong(wrong, after);
}

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
