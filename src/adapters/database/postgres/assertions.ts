import type { Assertion } from "../../../core/plan/database.ts";
import { onOneLine } from "../../../core/text/plain-text.ts";
import { refuseWrong, whatIsWrong, type Wrong } from "../asserted.ts";
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
  const wrong: Wrong[] = [];
  for (const { name, sql } of assertions) {
    await work.query(begin);
    const asked = await work
      .query<unknown[]>({ text: sql, rowMode: "array" })
      .then(({ rows }) => ({ said: whatIsWrong(rows), isAnswer: true }))
      .catch((error: unknown) => ({
        said: onOneLine(redact(error instanceof Error ? error.message : String(error)), 200),
        isAnswer: false,
      }));
    await work.query(end);
    const { said, isAnswer } = asked;
    if (said !== null) wrong.push({ name, said, isAnswer });
  }
  refuseWrong(wrong, after);
}
