import { FaultError } from "../../core/fault.ts";
import { isStopping } from "../../migrations/lint/finding.ts";
import { lint } from "../../migrations/lint/lint.ts";
import { loadParser } from "../../migrations/sql/parser.ts";
import { answer } from "../context.ts";
import { type CommandDefinition, type Invocation, isGiven } from "../definition.ts";
import { DONE, type ExitCode, REFUSED } from "../exit-code.ts";
import { readSqlFiles } from "../migrations/read-sql-files.ts";
import { lintView } from "../render/lint-view.ts";

/** Those of later versions: told as such. */
const NOT_BUILT = ["status", "up", "down", "new", "baseline", "history"];

export const migrate: CommandDefinition = {
  about:
    "Says what SQL migrations would do before they are run. `lint` reads them with PostgreSQL's own parser and says of each statement whom it would keep waiting and what it would break in the version that serves meanwhile, with a safer way to write it. It needs no database and no plan file. Files with the marks of dbmate, goose or sql-migrate are read as these tools run them. It ends with 3 when there is an error that the file does not allow itself: `-- tidegate:allow RULE because …` before the statement.",
  arguments: [
    { name: "action", required: true, about: "`lint`" },
    {
      name: "files",
      required: false,
      isList: true,
      about:
        "files and folders in the order in which they are applied, `-` for standard input; by default the folder with migrations",
    },
  ],
  options: [
    { flags: "--all", about: "notes on style too, and what the files allow" },
    { flags: "--in-transaction", about: "the tool that runs files without marks does so in a transaction" },
  ],
  examples: [
    { line: "tidegate migrate lint", does: "what lies in db/migrations" },
    { line: "tidegate migrate lint db/migrations/20261122_state.sql --all", does: "one file, with notes on style" },
    { line: "alembic upgrade head --sql | tidegate migrate lint -", does: "what another tool would run" },
  ],
  run: async (invocation) => {
    const [action = "", ...files] = invocation.arguments;
    if (action === "lint")
      return await lintFiles(
        invocation,
        files.filter((file) => file !== undefined),
      );
    const isLater = NOT_BUILT.includes(action);
    throw new FaultError({
      code: isLater ? "not-built" : "usage",
      what: isLater
        ? `"tidegate migrate ${action}" is not built yet in this version of Tidegate.`
        : `"${action}" is nothing that can be done with migrations.`,
      fix: "tidegate migrate lint",
    });
  },
};

async function lintFiles(invocation: Invocation, names: readonly string[]): Promise<ExitCode> {
  const { context } = invocation;
  const files = readSqlFiles(names, context.cwd);
  const parse = await loadParser();
  const statements = lint(files, { parse, isTransactionAssumed: isGiven(invocation, "inTransaction") });
  const isRefused = statements.some(({ findings }) => findings.some(isStopping));
  const view = lintView(statements, isGiven(invocation, "all"), context.terminal.style());
  return answer(context, { statements }, view, isRefused ? REFUSED : DONE);
}
