import type { Assertion } from "../../core/plan/database.ts";
import type { MigrationProblem } from "../../ports/migrations.ts";
import { lostAssertions, type PendingStatement } from "../../migrations/serving/lost-assertions.ts";
import { loadParser, type SqlParser } from "../../migrations/sql/parser.ts";

/** Why migrations can't be run with these assertions, as people read it: one of them could not be asked any more. */
export async function assertionProblems(
  assertions: readonly Assertion[],
  statements: (parse: SqlParser) => readonly PendingStatement[] | Promise<readonly PendingStatement[]>,
): Promise<readonly MigrationProblem[]> {
  if (assertions.length === 0) return [];
  const parse = await loadParser();
  return lostAssertions(await statements(parse), assertions, parse).map(({ name, file, line, what }) => ({
    code: "migration-assertion-lost",
    file,
    what: `${file} takes away ${what}, and the assertion "${name}" asks for it: it could not be asked afterwards.`,
    where: `${file}:${line}`,
    fix: assertionFix(name),
  }));
}

/** How an assertion is mended that could not be asked afterwards. */
export function assertionFix(name: string): string {
  return `change "${name}" in the plan file (database: assertions) to ask for what is there before and afterwards, or take it out`;
}
