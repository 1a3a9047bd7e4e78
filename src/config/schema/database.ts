import { z } from "zod";
import { knowing } from "./about.ts";
import { migrations, shortTools, TOOLS_ELSEWHERE } from "./migrations.ts";
import { filePath, oneOrMore, shellLine, text, wholeNumber } from "./values.ts";

const recipient = knowing(z.string().regex(/^(age1[0-9a-z]+|ssh-(ed25519|rsa) \S+( .*)?)$/), {
  noun: "a recipient of age: `age1…` or an SSH public key",
  like: "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
});

const backups = knowing(
  z.strictObject({
    folder: knowing(text("the path of a folder", "/var/backups/shop").optional(), {
      default: "`.tidegate/backups`",
    }).describe("Where they lie, relative to the plan file; another disk than the database's is wise."),
    keep: knowing(
      z.union([
        wholeNumber(1),
        z.strictObject({
          newest: wholeNumber(1).prefault(7).describe("So many of the newest always stay."),
          days: wholeNumber(1).optional().describe("All that are younger than so many days stay too."),
        }),
      ]),
      { noun: "a whole number, or an object with `newest` and `days`", like: "{ newest: 7, days: 30 }" },
    )
      .prefault(7)
      .describe("How many stay: the newest so many, or `{ newest: 7, days: 30 }`."),
    encryptTo: knowing(oneOrMore(recipient).optional(), { default: "not encrypted" }).describe(
      "Who can read them: public keys of [age](https://age-encryption.org), one or a list.",
    ),
    scratch: text("the address of an empty database", "${SCRATCH_URL}")
      .optional()
      .describe(
        "An empty database in which backups are tried, where the role may not create one each time. It is emptied before and after.",
      ),
    upload: shellLine('aws s3 cp "${file}" s3://backups/')
      .optional()
      .describe("A shell line for each backup once it is whole; `${file}` is its path."),
  }),
  { noun: "an object" },
);

/** The app's database. */
export const database = knowing(
  z.strictObject({
    url: text("the address of a database", "${DATABASE_URL}").describe(
      "`postgres://user@host/name`, or `sqlite:data/shop.db` (relative to the plan file). With a password it is a secret: `${NAME}`.",
    ),
    ca: filePath("certificates/database.pem")
      .optional()
      .describe("A file of certificates (PEM) to trust instead of the machine's own."),
    migrations,
    ...shortTools,
    lint: knowing(z.enum(["refuse", "warn"]).optional(), { default: "refuse" }).describe(
      "What becomes of a migration in which [the linter](lint-rules.md) finds an error that the file does not allow: `refuse`, or `warn` to run it all the same.",
    ),
    queries: text("the path of a file", "db/queries.sql")
      .optional()
      .describe(
        "File of the queries that the version asks, inside the version: what a migration must not break. Without it counts what `pg_stat_statements` has seen.",
      ),
    backups: backups.prefault({}).describe("Where backups lie, how many stay, and for whom they are encrypted."),
    assertions: knowing(
      z.record(text("what it asserts", "no order without a customer"), text("SQL that gives true", "SELECT true")),
      {
        noun: "names and their SQL",
        like: "{ every order has a customer: SELECT count(*) = 0 FROM orders WHERE customer IS NULL }",
      },
    )
      .prefault({})
      .describe("Asked after migrating and after going back, by name: SQL that gives one row with `true`."),
  }),
  {
    elsewhere: TOOLS_ELSEWHERE,
    section: {
      title: "Database",
      intro:
        "The app's database: what `tidegate migrate` changes (see [migrations.md](migrations.md)). PostgreSQL, or SQLite.",
      example: `database:
  url: "\${DATABASE_URL}"
  migrations: db/migrations
  assertions:
    every order has a customer: SELECT count(*) = 0 FROM orders WHERE customer IS NULL`,
    },
  },
);
