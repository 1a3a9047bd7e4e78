import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { FaultError } from "../../core/fault.ts";
import { type Illegible, utf8Text } from "../../migrations/sql/utf8-text.ts";

/** A file as it lies in the folder. */
export interface SqlText {
  readonly version: string;
  readonly name: string;
  readonly file: string;
  readonly text: string;
}

/**
 * The SQL files of a folder, in the order of their versions.
 * Faults: migrations-missing, migration-not-utf8, migration-name-invalid, migration-version-twice.
 */
export function readMigrationTexts(directory: string, folder: string): readonly SqlText[] {
  const names = namesIn(join(directory, folder), folder);
  const texts = names.map((name): SqlText => {
    const file = join(folder, name);
    const version = /^\d+/.exec(name)?.[0];
    if (version === undefined)
      throw new FaultError({
        code: "migration-name-invalid",
        what: "The name of a migration begins with its version, which is a number.",
        where: file,
        fix: "name it like 20261122093000_add_notes.sql; tidegate migrate new NAME does",
      });
    const text = utf8Text(readFileSync(join(directory, folder, name)));
    if (typeof text !== "string") throw notUtf8(file, text);
    return { version, name, file, text };
  });
  const inOrder = texts.toSorted((a, b) => byVersion(a.version, b.version));
  inOrder.forEach(({ version, file }, index) => {
    const before = inOrder[index - 1];
    if (before?.version !== version) return;
    throw new FaultError({
      code: "migration-version-twice",
      what: "Two migrations have the same version, so nobody knows which comes first.",
      where: `${before.file}, ${file}`,
      fix: "give one of them another number",
    });
  });
  return inOrder;
}

/** Numbers by their value: 9 comes before 10. */
export function byVersion(a: string, b: string): number {
  const [x, y] = [a.replace(/^0+(?=\d)/, ""), b.replace(/^0+(?=\d)/, "")];
  return x.length - y.length || (x < y ? -1 : x > y ? 1 : a < b ? -1 : a > b ? 1 : 0);
}

function namesIn(path: string, folder: string): readonly string[] {
  try {
    return readdirSync(path).filter((name) => name.toLowerCase().endsWith(".sql"));
  } catch (error) {
    throw new FaultError(
      {
        code: "migrations-missing",
        what: "The folder with the migrations can't be read.",
        where: path,
        cause: error instanceof Error ? error.message : String(error),
        fix: `make it, or write another one under \`database: migrations:\`; it is ${folder} now`,
      },
      { cause: error },
    );
  }
}

function notUtf8(file: string, { line, column, what, fix }: Illegible): FaultError {
  return new FaultError({ code: "migration-not-utf8", what, where: `${file}:${line}:${column}`, fix });
}
