import type { DatabaseSync } from "node:sqlite";
import type { Assertion } from "../../../core/plan/database.ts";
import { onOneLine } from "../../../core/text/plain-text.ts";
import { isOfFile } from "./file-faults.ts";
import { refuseWrong, whatIsWrong } from "../asserted.ts";

/** Faults: database-assertion-failed, with what each of them gave. */
export function requireAssertions(database: DatabaseSync, assertions: readonly Assertion[], after: string): void {
  database.exec("PRAGMA query_only = ON");
  try {
    refuseWrong(
      assertions.flatMap(({ name, sql }) => {
        const asked = askOne(database, sql);
        return asked.said === null ? [] : [{ name, said: asked.said, isAnswer: asked.isAnswer }];
      }),
      after,
    );
  } finally {
    database.exec("PRAGMA query_only = OFF");
  }
}

function askOne(database: DatabaseSync, sql: string): { readonly said: string | null; readonly isAnswer: boolean } {
  try {
    const rows = database
      .prepare(sql)
      .all()
      .map((row) => Object.values(row));
    return { said: whatIsWrong(rows), isAnswer: true };
  } catch (error) {
    if (isOfFile(error)) throw error;
    return { said: onOneLine(error instanceof Error ? error.message : String(error), 200), isAnswer: false };
  }
}
