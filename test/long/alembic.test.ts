import { deepEqual, equal, match, ok } from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type PostgresServer, postgresServer } from "../support/postgres.ts";
import { until } from "../support/until.ts";
import { faultOf, never } from "../database/stand.ts";
import { ALEMBIC_APP, revision } from "../database/tools/alembic-app.ts";
import { withoutTool } from "../database/tools/needed-tool.ts";
import { type ToolUnderTest, toolUnderTest } from "../database/tools/tool-under-test.ts";

const ALEMBIC = { kind: "alembic", folder: ".", phases: {} } as const;
const QUICK = { boundMs: 5_000, otherRunMs: 0, lagMs: 10_000, lockTimeoutMs: 100 };

describe("alembic under Tidegate", { skip: withoutTool("alembic", ["alembic", "--version"]) }, () => {
  let server: PostgresServer;
  let app: ToolUnderTest;

  before(async () => {
    server = await postgresServer();
    app = await toolUnderTest(
      server,
      ALEMBIC,
      {
        ...ALEMBIC_APP,
        "versions/a1_orders.py": revision(
          "a1",
          null,
          'op.create_table("orders", sa.Column("id", sa.Integer, primary_key=True), sa.Column("legacy", sa.Text))',
          'op.drop_table("orders")',
        ),
      },
      { patience: QUICK },
    );
  });
  after(async () => {
    await app[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  it("applies its revisions one at a time, and writes them down beside alembic's own table", async () => {
    const { applied } = await app.up({ release: 1 });
    deepEqual(
      applied.map(({ file, version, phase }) => [file, version, phase]),
      [["versions/a1_orders.py", "a1", "expand"]],
    );
    deepEqual(await app.column("SELECT version_num FROM alembic_version"), ["a1"]);
    deepEqual(await app.column("SELECT version || ' ' || release || ' ' || by_whom FROM tidegate_migrations"), [
      "a1 1 alice",
    ]);
    await app.client.query("INSERT INTO orders SELECT n, 'l' || n FROM generate_series(1, 50) n");
  });

  it("tells by a copy of the schema what takes something away, and leaves that for later", async () => {
    app.write(
      "versions/a2_note.py",
      revision("a2", "a1", 'op.add_column("orders", sa.Column("note", sa.Text))', 'op.drop_column("orders", "note")'),
    );
    app.write(
      "versions/a3_legacy.py",
      revision(
        "a3",
        "a2",
        'op.drop_column("orders", "legacy")',
        'op.add_column("orders", sa.Column("legacy", sa.Text))\nop.execute("UPDATE orders SET legacy = \'?\'")',
      ),
    );
    const { pending } = await app.status();
    deepEqual(
      pending.map(({ version, phase, drops, isReversible, note }) => [version, phase, drops, isReversible, note]),
      [
        ["a2", "expand", [], true, undefined],
        ["a3", "contract", ["orders.legacy"], true, "it drops column orders.legacy"],
      ],
    );
    const { applied, pendingLater } = await app.up({ phases: ["expand"], release: 2 });
    deepEqual([applied.map(({ version }) => version), pendingLater], [["a2"], ["versions/a3_legacy.py"]]);
    deepEqual(await app.column("SELECT datname FROM pg_database WHERE datname LIKE 'tidegate%'"), []);
    match(
      (await app.migrations.sqlOf({ directory: app.directory, signal: never() }, "a3")) ?? "",
      /ALTER TABLE orders DROP COLUMN legacy;/,
    );
  });

  it("takes a release back while no value is lost, and by a person's word also what is", async () => {
    const sum = await app.checksum("(SELECT id, legacy FROM orders)");
    await app.client.query("UPDATE orders SET note = 'x' WHERE id < 4");
    deepEqual((await app.down({ release: 2 })).kept, [
      {
        file: "versions/a2_note.py",
        why: "Its way back drops column orders.note, which 3 of 50 rows have a value in.",
      },
    ]);
    const fault = await faultOf(app.down({ steps: 1 }));
    deepEqual(
      [fault.code, fault.detail],
      ["migration-loses-data", ["versions/a2_note.py drops column orders.note, which 3 of 50 rows have a value in"]],
    );
    const { reversed } = await app.down({ steps: 1 }, { acceptLoss: true });
    deepEqual(
      reversed.map(({ file, lost }) => [file, lost]),
      [["versions/a2_note.py", ["drops column orders.note, which 3 of 50 rows have a value in"]]],
    );
    equal(await app.checksum("orders"), sum, "all else is as it was");
    deepEqual(await app.column("SELECT version_num FROM alembic_version"), ["a1"]);
  });

  it("says where a revision broke off, leaves nothing of it, and goes on once it is mended", async () => {
    app.remove("versions/a3_legacy.py");
    const broken = 'op.execute("CREATE TABLE half (id int)")\nop.drop_column("orders", "nonsense")';
    app.write("versions/a3_more.py", revision("a3", "a2", broken, 'op.drop_table("half")'));
    const fault = await faultOf(app.up());
    deepEqual(
      [fault.code, fault.what, fault.where],
      ["migration-failed", "versions/a3_more.py failed; nothing of it was done.", "versions/a3_more.py:9"],
    );
    match(fault.cause ?? "", /column "nonsense" of relation "orders" does not exist/);
    deepEqual(await app.column("SELECT version_num FROM alembic_version"), ["a2"]);
    deepEqual(await app.column("SELECT to_regclass('half') IS NULL"), ["true"]);
    const mended = 'op.execute("CREATE TABLE half (id int)")\nop.execute("ALTER TABLE orders ADD late int")';
    app.write("versions/a3_more.py", revision("a3", "a2", mended, 'op.drop_table("half")'));
    // Somebody reads: the revision lets go of everything, and is tried again.
    await using reader = { [Symbol.asyncDispose]: async () => void (await app.client.query("ROLLBACK")) };
    await app.client.query("BEGIN; SELECT FROM orders LIMIT 1");
    app.told.length = 0;
    const going = app.up();
    await until("it waits", () => app.told.some(({ kind }) => kind === "blocked"));
    await reader[Symbol.asyncDispose]();
    const [run] = (await going).applied;
    deepEqual([run?.version, (run?.longestWaitMs ?? 0) < 5_000], ["a3", true]);
  });

  it("refuses a file that was changed after it was applied, two heads, and a second run at a time", async () => {
    const text = revision("a3", "a2", 'op.execute("CREATE TABLE other (id int)")');
    app.write("versions/a3_more.py", text);
    app.write("versions/a4_last.py", revision("a4", "a3", "pass"));
    const edited = await faultOf(app.up());
    equal(edited.code, "migration-edited");
    match(edited.where ?? "", /^versions\/a3_more\.py:8 · applied: .*half.* · now: .*other/);
    app.write("versions/a5_other.py", revision("a5", "a3", "pass"));
    const heads = await faultOf(app.up());
    deepEqual([heads.code, heads.detail?.length], ["migration-heads", 2]);
    app.remove("versions/a5_other.py");
    const lock = "SELECT pg_advisory_lock(1953064037, 1734440037)";
    await app.client.query(lock);
    const locked = await faultOf(app.up());
    await app.client.query("SELECT pg_advisory_unlock_all()");
    equal(locked.code, "migration-locked");
  });

  it("refuses a tool that goes by another address than the one it is given", async () => {
    app.write(
      "env.py",
      ALEMBIC_APP["env.py"].replace(
        'os.environ["DATABASE_URL"]',
        JSON.stringify(app.url.replace("postgres:", "postgresql:")),
      ),
    );
    // Each process asks once for a folder; this one is new to it.
    app.write("moved/alembic.ini", "[alembic]\nscript_location = ..\n");
    const moved = app.other({ tool: { ...ALEMBIC, folder: "moved" } });
    const request = {
      directory: app.directory,
      signal: never(),
      phases: ["expand"] as const,
      release: null,
      by: "alice",
      dryRun: false,
      tell: () => undefined,
    };
    const fault = await faultOf(moved.up(request));
    equal(fault.code, "migration-tool-elsewhere");
    match(fault.fix ?? "", /env\.py/);
    ok(!JSON.stringify(fault).includes("tidegate_nowhere"));
  });
});
