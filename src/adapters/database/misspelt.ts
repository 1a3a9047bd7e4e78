import type { Misspelt } from "../../migrations/lint/headers.ts";
import type { MigrationProblem } from "../../ports/migrations.ts";

/** A pending file that says of itself what nobody understands: nobody knows then when it may run. */
export function misspelt(file: string, found: Misspelt | null): readonly MigrationProblem[] {
  if (found === null) return [];
  const { line, what, fix } = found;
  return [{ code: "migration-header-misspelt", file, what, where: `${file}:${line}`, fix }];
}
