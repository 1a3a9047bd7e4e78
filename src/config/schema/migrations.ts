import { z } from "zod";
import { knowing } from "./about.ts";
import { oneOrMore, text } from "./values.ts";

const phases = knowing(
  z.record(text("the name of a revision", "20260102-drop-notes"), z.enum(["expand", "backfill", "contract"])),
  { noun: "names of revisions and their phases", like: "{ 20260102-drop-notes: contract }" },
)
  .prefault({})
  .describe(
    "The phase of revisions whose files don't say it, by name: for migrations that are somebody else's. Usually `# tidegate: phase=contract` stands in the file.",
  );

const program = (like: string) =>
  knowing(oneOrMore(text("a program", like)), { noun: "a program, or a list of a program and its arguments", like });

const folder = (like: string) => text("the path of a folder", like);

/** A tool that is named by its folder, or by an object with more. */
const known = (describe: string, likeFolder: string, likeProgram: string) =>
  knowing(
    z.union([
      folder(likeFolder),
      z.strictObject({
        folder: folder(likeFolder).describe(describe),
        command: program(likeProgram)
          .optional()
          .describe("The program and its first arguments, where it is not the version's own or on the PATH."),
        phases,
      }),
    ]),
    { noun: "a folder, or an object with `folder`", like: likeFolder },
  )
    .optional()
    .describe(describe);

const command = knowing(
  z.strictObject({
    files: text("a pattern with one `*`", "migrations/*.js").describe(
      "The files, one a revision, in the order of their names: `migrations/*.js`. What stands for the `*` is the revision's name.",
    ),
    applied: knowing(oneOrMore(text("SQL or a program", "SELECT name FROM migrations")), {
      noun: "SQL, or a list of a program and its arguments",
      like: "SELECT name FROM migrations",
    }).describe("What tells which are applied, by name: SQL; or, as a list, a program that writes one a line."),
    up: program("[./migrate, up, '${revision}']").describe(
      "Applies one revision. `${revision}`, `${version}` (the number in front) and `${file}` are filled in.",
    ),
    down: program("[./migrate, down, '${revision}']").optional().describe("Takes one revision back."),
    sql: program("[./migrate, print, '${revision}']")
      .optional()
      .describe("Writes the SQL of one revision to its output, and runs nothing."),
    check: program("[./migrate, status]")
      .optional()
      .describe(
        "Only reads, and fails where it does not reach the database. Shows that the tool goes by `DATABASE_URL`; without it nothing is tried on a copy.",
      ),
    phases,
  }),
  {
    noun: "an object",
    like: "{ files: migrations/*.js, applied: SELECT name FROM migrations, up: [./up, '${revision}'] }",
  },
)
  .optional()
  .describe("Any other tool, by programs that take one revision up and down.");

const byCommand = (name: string, like: string) => ({
  what: `Tidegate has no part of its own for ${name}.`,
  fix: `Run it by \`command:\`, for example ${like}; docs/migration-tools.md says more.`,
});

const PRISMA =
  "`command: { files: prisma/migrations/*/migration.sql, applied: SELECT migration_name FROM _prisma_migrations WHERE finished_at IS NOT NULL, up: [sh, -c, 'npx prisma db execute --file \"$1\" && npx prisma migrate resolve --applied \"$0\"', '${revision}', '${file}'] }`";
const FLYWAY =
  "`command: { files: sql/V*.sql, applied: \"SELECT substring(script, '^V(.*)[.]sql$') FROM flyway_schema_history WHERE success\", up: [flyway, migrate, '-target=${version}'] }`";

const ELSEWHERE = {
  prisma: byCommand("Prisma", PRISMA),
  flyway: byCommand("Flyway", FLYWAY),
  dbmate: {
    what: "Tidegate reads dbmate's files itself.",
    fix: "Name their folder: `migrations: db/migrations`.",
  },
  files: { what: "The folder of SQL files stands by itself.", fix: "Write `migrations: db/migrations`." },
};

const tool = knowing(
  z.strictObject({
    alembic: known("The folder with `alembic.ini`: `alembic: .`.", ".", "venv/bin/alembic"),
    rails: known("The folder of the Rails app: `rails: .`.", ".", "[bundle, exec, rails]"),
    knex: known("The folder with its migrations: `knex: migrations`.", "migrations", "node_modules/.bin/knex"),
    "db-migrate": known("The folder with its migrations: `db-migrate: migrations`.", "migrations", "[npx, db-migrate]"),
    command,
  }),
  {
    noun: "an object with one tool",
    like: "{ alembic: . }",
    elsewhere: ELSEWHERE,
  },
);

/** How the schema changes: a folder of SQL files, or a tool of the team's own. */
export const migrations = knowing(z.union([text("the path of a folder", "db/migrations"), tool]), {
  noun: "a folder of SQL files, or an object with one tool",
  like: "db/migrations",
})
  .optional()
  .describe(
    "Folder of plain SQL files inside the version, in dbmate's format; or a tool that the team uses already: `{ alembic: . }` (see [migration-tools.md](migration-tools.md)).",
  );

/** The short form of a tool that needs nothing but its folder: `database: { alembic: . }`. */
export const shortTools = Object.fromEntries(
  (["alembic", "rails", "knex", "db-migrate"] as const).map((key) => [
    key,
    folder(key === "alembic" || key === "rails" ? "." : "migrations")
      .optional()
      .describe(`The same as \`migrations: { ${key}: … }\`, where a folder is all that it needs.`),
  ]),
) as Record<"alembic" | "rails" | "knex" | "db-migrate", z.ZodOptional<ReturnType<typeof folder>>>;

/** What stands under `migrations` alone. */
export const TOOLS_ELSEWHERE = {
  ...ELSEWHERE,
  command: {
    what: "`command` stands under `migrations`.",
    fix: "Write it there: `migrations: { command: { files: …, applied: …, up: … } }`.",
  },
};
