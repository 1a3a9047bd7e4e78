import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { FaultError } from "../../core/fault.ts";
import type { SqlFile } from "../../migrations/lint/lint.ts";

/** Where migrations usually lie, the first that is there. */
export const USUAL = ["db/migrations", "migrations", "db/migrate", "sql/migrations"];

/**
 * The SQL of files and folders, in the order in which they would be applied; of standard input for `-`.
 * Faults: usage (nothing there), sql-not-readable, sql-not-utf8.
 */
export function readSqlFiles(names: readonly string[], cwd: string): readonly SqlFile[] {
  const given = names.length > 0 ? names : USUAL.filter((name) => isFolder(resolve(cwd, name))).slice(0, 1);
  if (given.length === 0)
    throw new FaultError({
      code: "usage",
      what: `There are no migrations here: none of ${USUAL.join(", ")} is a folder.`,
      fix: "name files or folders: tidegate migrate lint db/*.sql",
    });
  return given.flatMap((name) => (name === "-" ? [sqlOf("-", readFileSync(0))] : filesOf(name, cwd)));
}

function filesOf(name: string, cwd: string): readonly SqlFile[] {
  const path = resolve(cwd, name);
  try {
    if (!statSync(path).isDirectory()) return [sqlOf(name, readFileSync(path))];
    const inside = readdirSync(path, { recursive: true, encoding: "utf8" })
      .filter((each) => each.toLowerCase().endsWith(".sql"))
      .toSorted();
    if (inside.length > 0)
      return inside.map((each) => sqlOf(relative(cwd, join(path, each)) || each, readFileSync(join(path, each))));
  } catch (error) {
    if (error instanceof FaultError) throw error;
    throw new FaultError(
      {
        code: "usage",
        what: existsSync(path) ? "It can't be read." : "There is no such file.",
        where: name,
        cause: error instanceof Error ? error.message : String(error),
        fix: "name files or folders with SQL",
      },
      { cause: error },
    );
  }
  throw new FaultError({
    code: "usage",
    what: "There is no .sql file in this folder.",
    where: name,
    fix: "name the folder with the migrations",
  });
}

function sqlOf(name: string, bytes: Buffer): SqlFile {
  try {
    // A byte order mark is not part of the text.
    return { name, text: new TextDecoder("utf-8", { fatal: true }).decode(bytes).replaceAll("\r\n", "\n") };
  } catch (error) {
    throw new FaultError(
      {
        code: "usage",
        what: "This is not UTF-8, so nobody can say what it means.",
        where: name,
        fix: "convert it first, for example: iconv -f latin1 -t utf-8",
      },
      { cause: error },
    );
  }
}

export function isFolder(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}
