import type { DatabaseSync } from "node:sqlite";
import type { Assertion } from "../../../core/plan/database.ts";
import { onOneLine } from "../../../core/text/plain-text.ts";
import { refuseWrong, whatIsWrong } from "../asserted.ts";

/** Faults: database-assertion-failed, with what each of them gave. */
export function requireAssertions(database: DatabaseSync, assertions: readonly Assertion[], after: string): void {
  database.exec("PRAGMA query_only = ON");
  try {
    refuseWrong(
      assertions.flatMap(({ name, sql }) => {
        const said = saidBy(database, sql);
        return said === null ? [] : [`${name}: ${said}`];
      }),
      after,
    );
  } finally {
    database.exec("PRAGMA query_only = OFF");
  }
}

function saidBy(database: DatabaseSync, sql: string): string | null {
  try {
    return whatIsWrong(
      database
        .prepare(sql)
        .all()
        .map((row) => Object.values(row)),
    );
  } catch (error) {
    return onOneLine(error instanceof Error ? error.message : String(error), 200);
  }
}
