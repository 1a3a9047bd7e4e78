import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { buffer } from "node:stream/consumers";
import { FaultError } from "../../core/fault.ts";
import type { SqlFile } from "../../migrations/lint/lint.ts";
import { utf8Text } from "../../migrations/sql/utf8-text.ts";

/** Where migrations usually lie, the first that is there. */
export const USUAL = ["db/migrations", "migrations", "db/migrate", "sql/migrations"];

/**
 * The SQL of files and folders, in the order in which they would be applied; of standard input for `-`.
 * Faults: usage (nothing there, or not to be read).
 */
export async function readSqlFiles(names: readonly string[], cwd: string): Promise<readonly SqlFile[]> {
  const given = names.length > 0 ? names : USUAL.filter((name) => isFolder(resolve(cwd, name))).slice(0, 1);
  if (given.length === 0)
    throw new FaultError({
      code: "usage",
      what: `There are no migrations here: none of ${USUAL.join(", ")} is a folder.`,
      fix: "name files or folders: tidegate migrate lint db/*.sql",
    });
  // It comes when the program before it in the pipe has something to say.
  const piped = given.includes("-") ? { ...sqlOf("-", await buffer(process.stdin)), isPrinted: true as const } : null;
  return given.flatMap((name) => (name === "-" && piped !== null ? [piped] : filesOf(name, cwd)));
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

/** One that is no text must not hide what there is to say of the others. */
function sqlOf(name: string, bytes: Buffer): SqlFile {
  const text = utf8Text(bytes);
  return typeof text === "string" ? { name, text } : { name, text: "", illegible: text };
}

export function isFolder(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}
