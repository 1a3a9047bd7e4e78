import { FaultError } from "../../core/fault.ts";
import { nearest } from "../../core/text/nearest.ts";
import { DATABASE_OPTION } from "../app-database.ts";
import { answer } from "../context.ts";
import { type CommandDefinition, type Invocation, isGiven } from "../definition.ts";
import { DONE, type ExitCode, REFUSED } from "../exit-code.ts";

const ACTIONS = ["lint", "status", "up", "down", "new", "baseline", "history"] as const;

export const migrate: CommandDefinition = {
  about:
    "Changes the schema of the app's database by plain SQL files in dbmate's format, without keeping anybody waiting, and says what SQL would do before it is run. `lint` reads SQL with PostgreSQL's own parser and says of each statement whom it would keep waiting and what it would break in the version that serves meanwhile, with a safer way to write it; it needs no database and no plan file, and ends with 3 when there is an error that the file does not allow itself: `-- tidegate:allow RULE because …` before the statement. `status` shows what is applied; `up` applies what is not; `down` takes back the newest, and refuses to lose data; `new` writes an empty file; `baseline` writes down that a database has them already; `history` shows what was ever done. What was cut off in the middle goes on when it is run again.",
  arguments: [
    { name: "action", required: true, about: ACTIONS.map((action) => `\`${action}\``).join(", ") },
    {
      name: "words",
      required: false,
      isList: true,
      about:
        "of `lint`: files and folders in the order in which they are applied, `-` for standard input, by default the folder with migrations; of `down`: how many, by default 1; of `new`: its name; of `baseline`: the version up to which they are applied, by default all",
    },
  ],
  options: [
    {
      flags: "--dry-run",
      about:
        "of `up` and `down`: really runs all of it in a transaction that is taken back, and says what each statement locks, writes anew and takes",
    },
    { flags: "--phase <phase>", about: "of `up`: `expand`, `backfill` or `contract` alone" },
    { flags: "--out-of-order", about: "of `up`: also those that come before one that is applied" },
    {
      flags: "--release <number>",
      about: "of `down`: what that release has migrated, as far as provably nothing is lost",
    },
    { flags: "--accept-loss", about: "of `down`: lose the data that it names" },
    { flags: "--wait <duration>", about: "how long it tries to get its locks, by default 2m" },
    {
      flags: "--folder <path>",
      about: "where the SQL files are, by default what the plan file says, else db/migrations",
    },
    DATABASE_OPTION,
    { flags: "--yes", about: "don't ask" },
    { flags: "--all", about: "of `lint`: notes on style too, and what the files allow" },
    { flags: "--in-transaction", about: "of `lint`: the tool that runs files without marks does so in a transaction" },
  ],
  examples: [
    { line: "tidegate migrate lint", does: "what SQL in db/migrations would block or break; `-` is standard input" },
    {
      line: "tidegate migrate up --dry-run",
      does: "tries what is pending, and takes it back; without --dry-run it stays",
    },
    { line: "tidegate migrate down 2", does: "takes the newest two back, if nothing is lost by that" },
  ],
  run: async (invocation) => {
    const [action = "", ...given] = invocation.arguments;
    const words = given.filter((word) => word !== undefined);
    if (action === "lint") return await lintFiles(invocation, words);
    if (action === "new") return await (await import("../migrations/new-migration.ts")).newMigration(invocation, words);
    const run = await import("../migrations/run-migrations.ts");
    if (action === "status") return await run.showStatus(invocation);
    if (action === "up") return await run.goUp(invocation);
    if (action === "down") return await run.goDown(invocation, words);
    if (action === "baseline") return await run.setBaseline(invocation, words);
    if (action === "history") return await run.showHistory(invocation);
    const near = nearest(action, ACTIONS);
    throw new FaultError({
      code: "usage",
      what: `"${action}" is nothing that can be done with migrations.`,
      fix: near === undefined ? "tidegate migrate --help" : `did you mean: tidegate migrate ${near}`,
    });
  },
};

async function lintFiles(invocation: Invocation, names: readonly string[]): Promise<ExitCode> {
  const { context } = invocation;
  const [{ isStopping }, { lint }, { loadParser }, { readSqlFiles }, { lintView }] = await Promise.all([
    import("../../migrations/lint/finding.ts"),
    import("../../migrations/lint/lint.ts"),
    import("../../migrations/sql/parser.ts"),
    import("../migrations/read-sql-files.ts"),
    import("../render/lint-view.ts"),
  ]);
  const files = readSqlFiles(names, context.cwd);
  const parse = await loadParser();
  const statements = lint(files, { parse, isTransactionAssumed: isGiven(invocation, "inTransaction") });
  const isRefused = statements.some(({ findings }) => findings.some(isStopping));
  const view = lintView(statements, isGiven(invocation, "all"), context.terminal.style());
  return answer(context, { statements }, view, isRefused ? REFUSED : DONE);
}
