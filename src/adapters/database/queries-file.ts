import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { FaultError } from "../../core/fault.ts";
import type { ServedQuery } from "../../core/migration/serving.ts";
import type { SqlParser } from "../../migrations/sql/parser.ts";
import { lineOf } from "../../migrations/sql/line-of.ts";

/**
 * The queries of a file: SQL, one behind the other, each under its `-- name: …` where it has one.
 * Faults: queries-missing, queries-unreadable.
 */
export function readQueriesFile(directory: string, file: string, parse: SqlParser): readonly ServedQuery[] {
  const path = resolve(directory, file);
  if (!existsSync(path))
    throw new FaultError({
      code: "queries-missing",
      what: "The file with the queries of the version that serves is not there.",
      where: path,
      fix: "write it, or take `queries:` out of `database:`",
    });
  const text = readFileSync(path, "utf8").replace(/^\uFEFF/, "");
  const { statements, unread } = parse(text);
  const [wrong] = unread;
  if (wrong !== undefined)
    throw new FaultError({
      code: "queries-unreadable",
      what: "PostgreSQL can't read one of the queries.",
      where: `${file}:${lineOf(text, wrong.at)}`,
      cause: wrong.message,
      fix: "mend it; values stand in it as SQL writes them, or as $1",
    });
  let before = 0;
  return statements.map(({ start, end }) => {
    const name = /--[ \t]*name:[ \t]*(\S[^\n]*)/i.exec(text.slice(before, start))?.[1]?.trim();
    before = end;
    return { name: name ?? `${file}:${lineOf(text, start)}`, sql: text.slice(start, end), calls: null };
  });
}
