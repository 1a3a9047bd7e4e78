import type { MigrationFile } from "./migration-file.ts";

/** What a file runs, as one text; null: there is no such file. */
export function sqlOfVersion(files: readonly MigrationFile[], version: string): string | null {
  const file = files.find((each) => each.version === version);
  if (file === undefined) return null;
  return file.up.units.flatMap(({ statements }) => statements.map(({ sql }) => `${sql};\n`)).join("");
}
