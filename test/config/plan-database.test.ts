import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { mistakes, planOf, planWith } from "./loading.ts";

const env = { DATABASE_URL: "postgresql+psycopg2://gate:word@db/shop" };

describe("The database of a plan", () => {
  it("keeps its address as it is written, and works its defaults in", async () => {
    const { database } = await planOf('database: { url: "${DATABASE_URL}", migrations: db/migrations }', { env });
    assert.deepEqual(database, {
      kind: "postgres",
      url: "${DATABASE_URL}",
      migrations: { kind: "files", folder: "db/migrations" },
      backups: { folder: ".tidegate/backups", keep: { newest: 7 }, encryptTo: [] },
      assertions: [],
    });
  });

  it("takes backups and assertions as they are written", async () => {
    const { database } = await planOf(`
      database:
        url: sqlite:data/shop.db
        backups: { folder: /mnt/b, keep: { days: 30 }, encryptTo: age1abc, upload: 'cp "\${file}" "$OFF_SITE"' }
        assertions: { all have an owner: SELECT true }
    `);
    assert.deepEqual(database, {
      kind: "sqlite",
      url: "sqlite:data/shop.db",
      backups: {
        folder: "/mnt/b",
        keep: { newest: 7, days: 30 },
        encryptTo: ["age1abc"],
        upload: 'cp "${file}" "$OFF_SITE"',
      },
      assertions: [{ name: "all have an owner", sql: "SELECT true" }],
    });
  });

  it("keeps another environment's backups apart", async () => {
    const { database } = await planOf("database: { url: sqlite:x }", { environment: "staging" });
    assert.equal(database?.backups.folder, ".tidegate/staging/backups");
  });

  const refused = async (written: string, what: string, more: Record<string, string> = env): Promise<void> =>
    assert.equal((await mistakes(planWith(`database: ${written}`), { env: more })).split("\n")[0], what);

  it("is refused where Tidegate does not know it, where it tells a password, and where migrations are no version's", async () => {
    await refused(
      '{ url: "${DATABASE_URL}" }',
      "MariaDB is not built yet in this version of Tidegate: it knows PostgreSQL and SQLite.",
      { DATABASE_URL: "mariadb://x" },
    );
    await refused('{ url: "oracle:x" }', "This is no address of a database that Tidegate knows.");
    assert.match(
      await mistakes(planWith('database: { url: "oracle:x" }'), { env }),
      /Write `postgres:\/\/USER@HOST\/NAME`, or `sqlite:path\/to\/file`\./,
      "an advice hides nothing of itself",
    );
    await refused(
      '{ url: "postgres://gate:word@db/shop" }',
      "A password can't stand here in plain text: the plan is kept in the journal.",
    );
    await refused(
      '{ url: "${DATABASE_URL}", migrations: ../db }',
      "Migrations belong to a version, and this folder lies outside of it.",
    );
    await refused('{ url: "${OTHER}" }', "`${OTHER}` is not set in the environment.");
    await refused(
      "{ url: sqlite:x, backups: { upload: 'cp ${fil} x' } }",
      "`${fil}` is not known here; did you mean `${file}`?",
    );
  });

  it("takes a tool of the team's own by its name, in short or with its program and phases", async () => {
    const toolOf = async (written: string) =>
      (await planOf(`database: { url: "\${DATABASE_URL}", ${written} }`, { env })).database?.migrations;
    const alembic = { kind: "alembic", folder: ".", phases: {} };
    assert.deepEqual(await toolOf("alembic: ."), alembic);
    assert.deepEqual(await toolOf("migrations: { alembic: . }"), alembic);
    assert.deepEqual(
      await toolOf("migrations: { rails: { folder: api, command: bundle exec rails, phases: { 1_a: contract } } }"),
      { kind: "rails", folder: "api", command: ["bundle", "exec", "rails"], phases: { "1_a": "contract" } },
    );
    assert.deepEqual(
      await toolOf(
        "migrations: { command: { files: m/*.js, applied: SELECT name FROM m, up: [./up, '${revision}'] } }",
      ),
      {
        kind: "command",
        files: "m/*.js",
        applied: { sql: "SELECT name FROM m" },
        up: ["./up", "${revision}"],
        phases: {},
      },
    );
  });

  it("refuses two tools, one outside of the version, one for SQLite, and says how to run those that it does not know", async () => {
    const url = 'url: "${DATABASE_URL}"';
    await refused(`{ ${url}, alembic: ., rails: . }`, "One tool, and only one, changes a schema.");
    await refused(`{ ${url}, migrations: {} }`, "One tool, and only one, changes a schema.");
    await refused(`{ ${url}, rails: ../api }`, "Migrations belong to a version, and this folder lies outside of it.");
    await refused(
      "{ url: sqlite:x, alembic: . }",
      "Tools of the team's own are run for PostgreSQL alone in this version of Tidegate.",
    );
    await refused(
      `{ ${url}, migrations: { command: { files: m/x.js, applied: [./applied], up: ./up } } }`,
      "The pattern has one `*`, which is the name of a revision.",
    );
    await refused(`{ ${url}, prisma: . }`, "Tidegate has no part of its own for Prisma.");
    assert.match(
      await mistakes(planWith(`database: { ${url}, migrations: { flyway: . } }`), { env }),
      /command: \{ files: sql\/V\*\.sql/,
    );
  });
});
