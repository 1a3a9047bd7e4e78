import { FaultError } from "../../core/fault.ts";
import { nearest } from "../../core/text/nearest.ts";
import { DATABASE_OPTION } from "../app-database.ts";
import type { CommandDefinition } from "../definition.ts";

const ACTIONS = ["lint", "status", "up", "down", "new", "baseline", "history"] as const;

export const migrate: CommandDefinition = {
  about:
    "Changes the schema of the app's database by plain SQL files in dbmate's format, or by the tool that the plan names (alembic, Rails, …), without keeping anybody waiting, and says what SQL would do before it is run. `lint` reads SQL (PostgreSQL's with its own parser; of SQLite's what both write alike) and says of each statement whom it would keep waiting and what it would break in the version that serves meanwhile, with a safer way to write it; it needs no database and no plan file (with `--live` or `--database` it judges by that database as it is, and by what is asked of it), and ends with 3 when there is an error that the file does not allow itself: `-- tidegate:allow RULE because …` before the statement. `status` shows what is applied; `up` applies what is not, and refuses what `lint` finds an error in; `down` takes back the newest, and refuses to lose data; `new` writes an empty file; `baseline` writes down that a database has them already; `history` shows what was ever done. What was cut off in the middle goes on when it is run again.",
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
    {
      flags: "--lint <refuse|warn>",
      about:
        "of `up`: whether an error that the linter finds is refused; by default as the plan file says, else refuse",
    },
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
    {
      flags: "--live",
      about:
        "of `lint`: judges by the plan file's database (or DATABASE_URL) as it is now: how large a table is, and which queries need what is taken away",
    },
    {
      flags: "--queries <file>",
      about: "of `lint` with a database: the queries that the version that serves asks, instead of the plan file's",
    },
    { flags: "--yes", about: "don't ask" },
    { flags: "--all", about: "of `lint`: notes on style too, and what the files allow" },
    {
      flags: "--dialect <postgres|sqlite>",
      about:
        "of `lint`: whose SQL it is, by default that of the database of `--database`, of the plan file or of DATABASE_URL, else PostgreSQL's",
    },
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
    if (action === "lint") return await (await import("../migrations/lint-files.ts")).lintFiles(invocation, words);
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
