import type { Mistake } from "../../migrations/lint/mistake.ts";
import type { MigrationProblem } from "../../ports/migrations.ts";

/** A pending file that says of itself what nobody understands: nobody knows then when it may run. */
export function misspelt(file: string, found: Mistake | null): readonly MigrationProblem[] {
  return mistaken("migration-header-misspelt", file, found);
}

/** A pending file of which a part would never run, and would be written down as applied. */
export function unreached(file: string, found: Mistake | null): readonly MigrationProblem[] {
  return mistaken("migration-never-runs", file, found);
}

function mistaken(code: string, file: string, found: Mistake | null): readonly MigrationProblem[] {
  if (found === null) return [];
  const { line, what, fix } = found;
  return [{ code, file, what, where: `${file}:${line}`, fix }];
}
