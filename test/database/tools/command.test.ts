import { deepEqual, equal, match, ok } from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { FaultError } from "../../../src/core/fault.ts";
import { type PostgresServer, postgresServer } from "../../support/postgres.ts";
import { until } from "../../support/until.ts";
import { faultOf, never } from "../stand.ts";
import { COMMAND, COMMAND_APP } from "./command-app.ts";
import { toolUnderTest } from "./tool-under-test.ts";

const QUICK = { boundMs: 3_000, otherRunMs: 0, lagMs: 10_000, lockTimeoutMs: 100 };

describe("A migration tool of the team's own", () => {
  let server: PostgresServer;
  before(async () => {
    server = await postgresServer();
  });
  after(() => server[Symbol.asyncDispose]());

  const started = async (files: Readonly<Record<string, string>> = {}, more: Partial<typeof COMMAND> = {}) => {
    const app = await toolUnderTest(server, { ...COMMAND, ...more }, { ...COMMAND_APP, ...files }, { patience: QUICK });
    await app.up({ atMost: 1 });
    return app;
  };

  it("is taken over with hundreds of revisions that Tidegate never saw, and a change of any is refused from then on", async () => {
    await using app = await started();
    const names = Array.from({ length: 300 }, (_, index) => `${index + 2}_old`);
    for (const name of names) app.write(`m/${name}.up.sql`, `SELECT '${name}';\n`);
    await app.client.query("INSERT INTO done SELECT n || '_old' FROM generate_series(2, 301) n");
    app.write("m/302_new.up.sql", "ALTER TABLE orders ADD note text;\n");
    const { applied, already } = await app.up();
    deepEqual([applied.map(({ version }) => version), already], [["302_new"], 301]);
    const history = await app.migrations.history({ signal: never() });
    equal(history.filter(({ did }) => did === "adopted").length, 300);
    app.write("m/150_old.up.sql", "SELECT 'another';\n");
    const fault = await faultOf(app.up());
    deepEqual(
      [fault.code, fault.where],
      ["migration-edited", "m/150_old.up.sql:1 · applied: `SELECT '150_old';` · now: `SELECT 'another';`"],
    );
    match(
      (await faultOf(app.migrations.baseline({ directory: app.directory, signal: never(), by: "a", version: null })))
        .what,
      /own table/,
    );
  });

  it("asks before it has the tool take something away, and does not where the answer is no", async () => {
    await using app = await started({ "m/2_legacy.up.sql": "ALTER TABLE orders DROP legacy;" });
    const no = new FaultError({ code: "journal-full", what: "There is no room left for the journal." });
    const fault = await faultOf(app.up({ beforeContract: () => Promise.reject(no) }));
    equal(fault.code, "journal-full");
    const asked: string[] = [];
    equal((await app.up({ beforeContract: async (file) => void asked.push(file) })).applied.length, 1);
    deepEqual(asked, ["m/2_legacy.up.sql"]);
  });

  it("is not tried on a copy for who looks while it migrates, who is told who does", async () => {
    await using app = await started({ "m/2_slow.up.sql": "ALTER TABLE orders ADD note text; SELECT pg_sleep(3);" });
    const running = app.up({ phases: ["expand"] });
    const migrations = app.other({});
    const look = () => migrations.status({ directory: app.directory, signal: never() });
    await until("it is under way", async () => {
      const { pending } = await look();
      return pending[0]?.note?.startsWith("begun") === true;
    });
    const { lock, pending } = await look();
    match(lock?.application ?? "", /^tidegate migrate up/);
    match(pending[0]?.note ?? "", /^begun; nobody knows what it takes away: somebody migrates now$/);
    equal((await running).applied.length, 1);
  });

  it("says what happened where its session is ended from outside", async () => {
    await using app = await started({ "m/2_slow.up.sql": "-- tidegate: phase=expand\nSELECT pg_sleep(20);" });
    const running = faultOf(app.up());
    const ended =
      "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE 'tidegate migrate up%'";
    await until(
      "it sleeps",
      async () =>
        (await app.column("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"))[0] === "1",
      20_000,
    );
    await app.client.query(ended);
    equal((await running).code, "database-lost");
  });

  it("goes in a row: what stands behind a contract is not run before it, unless the plan says what that is", async () => {
    await using app = await started({
      "m/2_legacy.up.sql": "ALTER TABLE orders DROP legacy;",
      "m/3_note.up.sql": "ALTER TABLE orders ADD note text;",
    });
    const fault = await faultOf(app.up({ phases: ["expand"] }));
    deepEqual(
      [fault.code, fault.detail],
      ["migration-behind-another", ["m/2_legacy.up.sql: it drops column orders.legacy"]],
    );
    match(fault.fix ?? "", /phases: \{ "2_legacy": expand \}/);
    const { applied } = await app.other({ tool: { ...COMMAND, phases: { "2_legacy": "expand" } } }).up({
      directory: app.directory,
      signal: never(),
      phases: ["expand"],
      release: 1,
      by: "a",
      dryRun: false,
      tell: () => undefined,
    });
    deepEqual(
      applied.map(({ version, phase }) => [version, phase]),
      [
        ["2_legacy", "expand"],
        ["3_note", "expand"],
      ],
    );
  });

  it("is refused beforehand where an assertion asks for what it takes away, by what it did on the copy or by its SQL", async () => {
    await using app = await started({
      "m/2_total.up.sql": "ALTER TABLE orders ADD total int;",
      "m/3_legacy.up.sql": "ALTER TABLE orders DROP legacy;",
    });
    const assertions = [
      { name: "kept", sql: "SELECT count(*) = 0 FROM orders WHERE legacy = 'x'" },
      { name: "fine", sql: "SELECT count(id) = 0 FROM orders" },
    ];
    const going = { directory: app.directory, signal: never(), release: 1, by: "a", tell: () => undefined };
    const all = { ...going, dryRun: false, phases: ["expand", "backfill", "contract"] } as const;
    const what =
      'm/3_legacy.up.sql takes away orders.legacy, and the assertion "kept" asks for it: it could not be asked afterwards.';
    const migrations = app.other({ assertions });
    const { problems } = await migrations.status({ directory: app.directory, signal: never() });
    deepEqual(
      problems.map((each) => [each.code, each.what]),
      [["migration-assertion-lost", what]],
    );
    equal((await faultOf(migrations.up(all))).what, `${what} Nothing was run.`);
    deepEqual(await app.column("SELECT name FROM done"), ["1_orders"]);

    // Nothing is tried where all of them say their phase; then the SQL that the tool prints is read.
    const phases = { "2_total": "expand", "3_legacy": "contract" } as const;
    const printing = { ...COMMAND, phases, sql: ["cat", "${file}"] };
    const fault = await faultOf(app.other({ assertions, tool: printing }).up(all));
    deepEqual([fault.code, fault.where], ["migration-assertion-lost", "m/3_legacy.up.sql:1"]);
    equal(
      (await migrations.up({ ...all, phases: ["expand"] })).applied.length,
      1,
      "what does not run now is in nobody's way",
    );
  });

  it("prints the SQL of a revision once for a command, however often that looks at it", async () => {
    const sql = ["sh", "-c", 'echo "$0" >> asked; cat "m/$0.up.sql"', "${revision}"];
    await using app = await started({ "m/2_a.up.sql": "SELECT 1;", "m/3_b.up.sql": "SELECT 1;" }, { sql });
    const asked = (): string => readFileSync(join(app.directory, "asked"), "utf8");
    rmSync(join(app.directory, "asked"), { force: true });
    await app.status();
    await app.status();
    await app.up();
    equal(asked(), "2_a\n3_b\n");
    app.write("m/4_c.up.sql", "SELECT 1;");
    await app.status();
    app.write("m/4_c.up.sql", "SELECT 2;");
    await app.status();
    equal(asked(), "2_a\n3_b\n4_c\n4_c\n", "another text is another question");
  });

  it("is refused with the line of a comment that names a phase that there is not", async () => {
    await using app = await started();
    app.write("m/2_legacy.up.sql", "SELECT 1;\n-- tidegate: phase=contarct, transaction=yes\n");
    const fault = await faultOf(app.up());
    deepEqual([fault.code, fault.where], ["migration-header-misspelt", "m/2_legacy.up.sql:2"]);
    match(fault.what, /There is no phase `contarct`: expand, backfill or contract\./);
  });

  it("is tried on no copy where nothing shows by which address it goes: then what says nothing counts as a contract", async () => {
    await using app = await started({ "m/2_note.up.sql": "ALTER TABLE orders ADD note text;" }, {});
    const { check: _, ...without } = COMMAND;
    const place = { directory: app.directory, signal: never() };
    const unchecked = app.other({ tool: without });
    const [pending] = (await unchecked.status(place)).pending;
    equal(pending?.phase, "contract");
    match(pending?.note ?? "", /^nobody knows what it takes away: .*name a `check:`/);
    const going = { ...place, by: "a", dryRun: false, tell: () => undefined, onCopy: true };
    const fault = await faultOf(unchecked.up({ ...going, phases: ["expand", "backfill", "contract"], release: null }));
    equal(fault.code, "migration-tool-elsewhere");
    const unknown = await faultOf(unchecked.up({ ...going, onCopy: false, phases: ["expand"], release: null }));
    equal(unknown.code, "migration-phase-unknown");
    app.write("m/2_note.up.sql", "-- tidegate: phase=expand\nALTER TABLE orders ADD note text;");
    equal((await unchecked.status(place)).pending[0]?.phase, "expand");
  });

  it("is told what a failed revision has left where it runs in no transaction, and goes on once that is mended", async () => {
    await using app = await started({ "m/2_half.up.sql": "CREATE TABLE half (id int);\nSELECT nonsense;\n" });
    const fault = await faultOf(app.up());
    deepEqual(
      [fault.what, fault.where],
      ["m/2_half.up.sql failed; what it did before that stays: made table half.", "m/2_half.up.sql:2"],
    );
    match(fault.cause ?? "", /column "nonsense" does not exist/);
    match((await app.status()).pending[0]?.note ?? "", /^begun, and it has not come to its end: it is run again/);
    app.write("m/2_half.up.sql", "CREATE TABLE IF NOT EXISTS half (id int);\n");
    deepEqual(
      (await app.up()).applied.map(({ version }) => version),
      ["2_half"],
    );
  });

  it("keeps nobody waiting behind a revision in a transaction, and gives up with the name of who is in the way", async () => {
    await using app = await started({
      "m/2_note.up.sql": "-- tidegate: transaction=yes\nALTER TABLE orders ADD note text;",
    });
    await app.client.query("BEGIN; SELECT FROM orders");
    const going = faultOf(app.up());
    await until("it says who is in the way", () => app.told.some(({ kind }) => kind === "blocked"));
    const other = await server.session(app.url);
    const asked = performance.now();
    await other.query("SELECT FROM orders");
    ok(performance.now() - asked < 2_500, "a reader gets by");
    await other.end();
    const fault = await going;
    await app.client.query("ROLLBACK");
    equal(fault.code, "migration-blocked");
    match(fault.detail?.[0] ?? "", /^test \(process \d+ of the server, in a transaction for .*, which does nothing\)$/);
    equal((await app.up()).applied.length, 1);
  });

  it("is ended with everything that came from it when it hangs and is told to stop, and the server lets go too", async () => {
    await using app = await started({ "m/2_hangs.up.sql": "CREATE TABLE t (id int);\nSELECT pg_sleep(600);\n" });
    const stopping = new AbortController();
    const going = app.up({ signal: stopping.signal }).then(
      () => "done",
      () => "stopped",
    );
    const sessions =
      "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()";
    await until("it hangs", async () => (await app.column(sessions))[0] === "1");
    stopping.abort();
    equal(await going, "stopped");
    deepEqual(await app.column(sessions), ["0"]);
  });

  it("goes back only over what loses nothing, and names what would be lost", async () => {
    await using app = await started({
      "m/2_notes.up.sql": "CREATE TABLE notes (text text);\nALTER TABLE orders ADD note text DEFAULT 'none';\n",
      "m/2_notes.down.sql": "DROP TABLE notes;\nALTER TABLE orders DROP note;\n",
      "m/3_rows.up.sql": "SELECT 1;",
      "m/3_rows.down.sql": "UPDATE orders SET legacy = 'x' WHERE false;",
    });
    await app.client.query("INSERT INTO orders VALUES (1, 'old')");
    await app.up({ release: 5 });
    const sum = await app.checksum("orders");
    const rows = await app.down({ release: 5 });
    deepEqual(
      rows.kept.map(({ why }) => why),
      ["Its way back runs UPDATE on orders.", "m/3_rows.up.sql, which came after it, stays."],
    );
    await app.client.query("INSERT INTO notes VALUES ('x'); UPDATE orders SET note = 'y'");
    const fault = await faultOf(app.down({ steps: 2 }));
    deepEqual(fault.detail, [
      "m/3_rows.up.sql runs UPDATE on orders",
      "m/2_notes.up.sql drops table notes with 1 row",
      "m/2_notes.up.sql drops column orders.note, which 1 of 1 row have a value in",
    ]);
    await app.client.query("DELETE FROM notes; UPDATE orders SET note = DEFAULT");
    equal(await app.checksum("orders"), sum);
    await app.down({ steps: 1 }, { acceptLoss: true });
    deepEqual(
      (await app.down({ release: 5 })).reversed.map(({ file }) => file),
      ["m/2_notes.up.sql"],
    );
    deepEqual(await app.column("SELECT to_regclass('notes') IS NULL"), ["true"]);
  });

  it("says what comes back empty when a contract is taken back", async () => {
    await using app = await started({
      "m/2_legacy.up.sql": "ALTER TABLE orders DROP legacy;\n",
      "m/2_legacy.down.sql": "ALTER TABLE orders ADD legacy text;\nCREATE TABLE was (id int);\n",
    });
    await app.client.query("INSERT INTO orders VALUES (1, 'old')");
    await app.up();
    const { reversed } = await app.down({ steps: 1 }, { acceptLoss: true });
    deepEqual(
      reversed.map(({ empty }) => empty),
      [["table was", "column orders.legacy"]],
    );
  });
});
