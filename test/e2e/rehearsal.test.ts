import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import type { Client } from "pg";
import type { Rehearsal } from "../../src/core/rehearsal/rehearsal.ts";
import { type PostgresServer, postgresServer } from "../support/postgres.ts";
import { type App, createApp, type RunOptions } from "./support/app.ts";
import type { Ended } from "./support/command.ts";
import { processesIn } from "./support/leftovers.ts";

const plan = (...steps: readonly string[]): string => `
app: shop
services:
  web:
    run: node server.js
    health: { ready: /health, every: 1s, timeout: 1s }
    route: /
    env: { DATABASE_URL: "\${DATABASE_URL}" }
    drain: 1s
  worker: { run: exec sleep 600 }
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
database: { url: "\${DATABASE_URL}", migrations: db/migrations }
notify: { webhook: "http://127.0.0.1:1/" }
guards: { errors: { rollback: '> 20%', window: 10s, minRequests: 10, breaches: 1 }, p95: off }
steps:
${steps.map((step) => `  - ${step}\n`).join("")}`;

const SHARE = "{ shift: 100%, for: 300ms }";
const CAREFUL = plan(
  "check: ready.md",
  "run: touch outside",
  "migrate: expand",
  "approve: anyone",
  SHARE,
  "{ retire: null, after: 1h }",
  "migrate: contract",
);

/** Answers with the orders of its database: what it is connected to can be seen, and what it needs of the schema too. */
const SERVER = `
const http = require("node:http");
const { Client } = require(${JSON.stringify(new URL(import.meta.resolve("pg")).pathname)});
const { needs } = JSON.parse(require("node:fs").readFileSync(__dirname + "/behaviour.json", "utf8"));
const database = new Client({ connectionString: process.env.DATABASE_URL, application_name: process.env.PGAPPNAME ?? "shop" });
database.on("error", () => process.exit(1));
database.connect().then(() => {
  http.createServer((request, response) => {
    database.query("SELECT " + (needs ?? "number") + " FROM orders LIMIT 1").then(
      ({ rows }) => response.end(JSON.stringify(rows)),
      (error) => response.writeHead(500).end(error.message),
    );
  }).listen(process.env.PORT, "127.0.0.1");
});
`;

let server: PostgresServer;
let database: Client;
let app: App;
/** What would serve. */
let stable: string;
let options: RunOptions;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

const migration = (file: string, up: string, down: string, phase = "expand"): void =>
  app.write(`db/migrations/${file}`, `-- phase: ${phase}\n-- migrate:up\n${up}\n-- migrate:down\n${down}\n`);

/** What production is made of, and whatever a rehearsal may have left. */
const world = async (): Promise<unknown> => ({
  orders: (await database.query("SELECT * FROM orders ORDER BY number")).rows,
  columns: (
    await database.query(
      "SELECT column_name FROM information_schema.columns WHERE table_name = 'orders' ORDER BY ordinal_position",
    )
  ).rows,
  databases: (await database.query("SELECT datname FROM pg_database ORDER BY 1")).rows,
  worktrees: app.git("worktree", "list", "--porcelain").match(/^worktree .*$/gm),
  processes: processesIn(app.file(".tidegate", "rehearsals")),
  underWay: rehearsalsUnderWay(),
});

const nameOf = (step: unknown): string => (step as { readonly name: string } | undefined)?.name ?? "";

const rehearsalOf = ({ stdout }: Ended): Rehearsal => {
  const last = JSON.parse(stdout.trim().split("\n").at(-1) ?? "{}") as { readonly rehearsal: Rehearsal };
  return last.rehearsal;
};

before(async () => {
  server = opened.use(await postgresServer());
  const url = await server.database("shop");
  database = await server.session(url);
  await database.query("CREATE TABLE orders AS SELECT n AS number, 'old' AS old FROM generate_series(1, 100) n");
  app = opened.use(await createApp());
  options = { env: { DATABASE_URL: url } };
  app.write("server.js", SERVER);
  app.write("ready.md", "- [ ] It was rehearsed <!-- check: rehearsed 24h -->\n");
  app.plan(CAREFUL);
  stable = app.version({ name: "v0" });
  const backup = await app.tidegate(["backup", "--proof", "decode"], options);
  assert.equal(backup.code, 0, backup.stdout + backup.stderr);
  migration("1_note.sql", "ALTER TABLE orders ADD COLUMN note text;", "ALTER TABLE orders DROP COLUMN note;");
  migration("2_old.sql", "ALTER TABLE orders DROP COLUMN old;", "ALTER TABLE orders ADD COLUMN old text;", "contract");
  // Written after the backup: the copy does not have it, and nobody takes it away from here.
  await database.query("INSERT INTO orders VALUES (101, 'new')");
});

/** As it was before the first rehearsal. */
let untouched: unknown;
const mustBeUntouched = async (): Promise<void> => {
  assert.deepEqual(await world(), untouched);
  assert.ok(!existsSync(app.file("outside")), "a step that may reach beyond the sandbox was run");
};

describe("tidegate rehearse", () => {
  it("says what went wrong, and leaves nothing behind, not even what a killed one has left", async () => {
    app.version({ name: "v1" });
    untouched = await world();
    const killed = app.start(["rehearse", "--stable", stable, "--json"], options);
    await killed.says("the old version serves", ({ part, step }) => part === "stable" && nameOf(step) === "shift 100%");
    killed.kill("SIGKILL");
    await killed.ended;
    const [left] = rehearsalsUnderWay();
    assert.ok(
      left !== undefined && processesIn(app.file(".tidegate", "rehearsals")).length > 2,
      "it had something to leave",
    );

    migration("1_note.sql", "ALTER TABLE orders ADD COLUMN old text;", "ALTER TABLE orders DROP COLUMN old;");
    app.version({ name: "v2" });
    const ended = await app.tidegate(["rehearse", "--stable", stable, "--json"], options);
    assert.equal(ended.code, 12, ended.stdout + ended.stderr);
    assert.match(ended.stdout, new RegExp(`Rehearsal ${left} was killed; what it left is taken away`));
    const { passed, trouble } = rehearsalOf(ended);
    assert.equal(passed, false);
    assert.deepEqual([trouble?.part, trouble?.step], ["there-and-back", "migrate expand"]);
    assert.match(JSON.stringify(trouble?.fault), /column .*old.* of relation .*orders.* already exists/);
    assert.equal(trouble?.fault.fix, "mend it, then run it again: tidegate rehearse VERSION");
    await mustBeUntouched();
  });

  it("names the old version where it is the one that fails on the new schema", async () => {
    migration(
      "1_note.sql",
      "-- tidegate:allow ban-drop-column because the test wants it\nALTER TABLE orders DROP COLUMN number;",
      "ALTER TABLE orders ADD COLUMN number int;",
    );
    const label = app.version({ name: "v4", needs: "1" }).slice(0, 7);
    const ended = await app.tidegate(["rehearse", "--stable", stable, "--json"], options);
    assert.equal(ended.code, 12, ended.stdout + ended.stderr);
    const { trouble } = rehearsalOf(ended);
    assert.deepEqual([trouble?.part, trouble?.fault.code], ["there-and-back", "rehearsal-errors"]);
    assert.match(trouble?.fault.what ?? "", new RegExp(`They went to ${stable.slice(0, 7)} \\(the old version, `));
    assert.ok(!(trouble?.fault.what ?? "").includes(label));
    assert.match(trouble?.fault.fix ?? "", new RegExp(`the logs of ${stable.slice(0, 7)} say`));
    migration("1_note.sql", "ALTER TABLE orders ADD COLUMN note text;", "ALTER TABLE orders DROP COLUMN note;");
  });

  it("runs release, way back and recovery beside production, and is what the release waits for", async () => {
    migration("1_note.sql", "ALTER TABLE orders ADD COLUMN note text;", "ALTER TABLE orders DROP COLUMN note;");
    const label = app.version({ name: "v3", needs: "note" }).slice(0, 7);
    const release = app.start(["release", "--json"], options);
    await release.tells(new RegExp(`${label} was never rehearsed; rehearse it with: tidegate rehearse ${label}`));
    const ended = await app.tidegate(["rehearse", "--stable", stable, "--json"], options);
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    const { parts, database: copy, rollback, recovery, requests, leftOut } = rehearsalOf(ended);
    assert.deepEqual(
      parts.map(({ name, steps }) => [name, ...steps.map((step) => step.name)].join(", ")),
      [
        `copy, restored backup ${copy?.from.kind === "backup" ? copy.from.id : "?"}`,
        "stable, start, shift 100%, retire, answers alone",
        "there-and-back, migrate expand, start, shift 100%, rolled back, answers alone",
        "whole, migrate expand, start, shift 100%, retire, migrate contract",
        `recovery, restored backup ${recovery?.backup}, start, shift 100%, retire, answers alone`,
      ],
    );
    assert.equal(copy?.rows, 100);
    assert.equal(rollback?.fromSharePercent, 100);
    assert.equal(rollback?.schema, "The schema is as it was: 1 migration taken back.");
    assert.equal(recovery?.rows, 100);
    assert.ok((recovery?.wholeMs ?? 0) >= (recovery?.restoreMs ?? 0) + (recovery?.startMs ?? 0));
    assert.ok(requests.sent > 10);
    assert.deepEqual([requests.failed, requests.appErrors], [0, 0]);
    assert.deepEqual(
      leftOut.map(({ what }) => what),
      [
        "the worker worker",
        'step "check ready"',
        'step "run touch outside"',
        'step "approve anyone"',
        'the 1h before "retire"',
        "messages to people",
      ],
    );
    await mustBeUntouched();
    await release.tells(/rehearsed .* ago by ann: back in \d+ms, full recovery with the database in /);
    release.kill("SIGKILL");
    await release.ended;
  });

  it("fails where the backup lacks migrations that production has", async () => {
    // The release that waited for the rehearsal may have come as far before it was killed.
    await database.query("CREATE TABLE IF NOT EXISTS schema_migrations (version text PRIMARY KEY)");
    await database.query("INSERT INTO schema_migrations (version) VALUES ('1') ON CONFLICT DO NOTHING");
    const ended = await app.tidegate(["rehearse", "--stable", stable, "--json"], options);
    assert.equal(ended.code, 12, ended.stdout + ended.stderr);
    const { passed, trouble } = rehearsalOf(ended);
    assert.deepEqual([passed, trouble?.part, trouble?.fault.code], [false, "copy", "rehearsal-copy-behind"]);
    assert.equal(
      trouble?.fault.what,
      "The copy lacks db/migrations/1_note.sql, which production has: take a new backup (tidegate backup).",
    );
    const plan = await app.tidegate(["plan"], options);
    assert.match((plan.stdout + plan.stderr).replaceAll(/\s+/g, " "), /The copy lacks db\/migrations\/1_note\.sql/);
  });
});

function rehearsalsUnderWay(): readonly string[] {
  const folder = app.file(".tidegate", "rehearsals");
  return !existsSync(folder) ? [] : readdirSync(folder).filter((name) => !name.endsWith(".json"));
}
