import { FaultError } from "../../../core/fault.ts";
import type { Assertion } from "../../../core/plan/database.ts";
import { onOneLine } from "../../../core/text/plain-text.ts";
import { assertionFix } from "../lost-assertions.ts";
import type { Session } from "./session.ts";

/**
 * Asks, where it is called, whether every assertion can still be asked that can be now: what a file takes away by CASCADE, or of a view or
 * function, its text does not say. Only planned, not run: nobody waits for that while the file has its locks. Faults: migration-assertion-lost.
 */
export async function stillAskable(
  { work, redact }: Pick<Session, "work" | "redact">,
  assertions: readonly Assertion[],
  file: string,
): Promise<() => Promise<void>> {
  const known: Assertion[] = [];
  for (const each of assertions) {
    const isAskable = await work.query(`EXPLAIN ${each.sql}`).then(
      () => true,
      () => false,
    );
    if (isAskable) known.push(each);
  }
  return async () => {
    for (const { name, sql } of known)
      await work.query(`EXPLAIN ${sql}`).catch((error: unknown) => {
        throw new FaultError(
          {
            code: "migration-assertion-lost",
            what: `${file} takes away what the assertion "${name}" asks for; nothing of it was done.`,
            where: file,
            cause: onOneLine(redact(error instanceof Error ? error.message : String(error)), 300),
            fix: assertionFix(name),
          },
          { cause: error },
        );
      });
  };
}
