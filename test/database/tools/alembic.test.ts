import { deepEqual, equal, match } from "node:assert/strict";
import { it } from "node:test";
import { postgresServer } from "../../support/postgres.ts";
import { faultOf } from "../stand.ts";
import { ALEMBIC_APP, revision } from "./alembic-app.ts";
import { withoutTool } from "./needed-tool.ts";
import { toolUnderTest } from "./tool-under-test.ts";

// More of alembic: test/long/alembic.test.ts. What is the same for every tool: command.test.ts.
it(
  "alembic goes up by phases, says where it broke off, and goes back while nothing is lost",
  { skip: withoutTool("alembic", ["alembic", "--version"]) },
  async () => {
    await using server = await postgresServer();
    await using app = await toolUnderTest(
      server,
      { kind: "alembic", folder: ".", phases: {} },
      {
        ...ALEMBIC_APP,
        "versions/a1_orders.py": revision("a1", null, 'op.execute("CREATE TABLE orders (id int, legacy text)")'),
      },
    );
    // Nobody uses an empty database: all of them in one go, which alembic makes one transaction.
    app.write("versions/a0_wrong.py", revision("a0", "a1", 'op.execute("CREATE TABLE wrong (id nonsense)")'));
    const wrong = await faultOf(app.up({ release: 1 }));
    deepEqual(
      [wrong.what, wrong.where],
      ["versions/a0_wrong.py failed; none of the others is applied.", "versions/a0_wrong.py:8"],
    );
    app.write("versions/a0_wrong.py", revision("a0", "a1", 'op.execute("CREATE TABLE wrong (id int)")'));
    const first = await app.up({ release: 1 });
    deepEqual(
      first.applied.map(({ version, tookMs }) => [version, tookMs]),
      [
        ["a1", null],
        ["a0", null],
      ],
    );
    await app.client.query("INSERT INTO orders SELECT n, 'l' || n FROM generate_series(1, 50) n");
    const sum = await app.checksum("orders");
    app.write(
      "versions/a2_note.py",
      revision("a2", "a0", 'op.add_column("orders", sa.Column("note", sa.Text))', 'op.drop_column("orders", "note")'),
    );
    app.write(
      "versions/a3_legacy.py",
      revision(
        "a3",
        "a2",
        'op.drop_column("orders", "legacy")\nop.drop_table("x")',
        "pass",
        "# tidegate: phase=contract",
      ),
    );
    const { applied, pendingLater } = await app.up({ phases: ["expand"], release: 2 });
    deepEqual(
      applied.map(({ file, phase }) => [file, phase]),
      [["versions/a2_note.py", "expand"]],
    );
    deepEqual(pendingLater, ["versions/a3_legacy.py"]);
    deepEqual(await app.column("SELECT version_num FROM alembic_version"), ["a2"]);
    const fault = await faultOf(app.up());
    deepEqual(
      [fault.what, fault.where],
      ["versions/a3_legacy.py failed; nothing of it was done.", "versions/a3_legacy.py:9"],
    );
    match(fault.cause ?? "", /table "x" does not exist/);
    // Its SQL is linted as a file of SQL would be, in this database; what it allows it says in its own language.
    const drop = 'op.drop_column("orders", "legacy")';
    app.write("versions/a3_legacy.py", revision("a3", "a2", drop, "pass", "# tidegate: phase=expand"));
    const breaks = await faultOf(app.up({ phases: ["expand"] }));
    deepEqual([breaks.code, breaks.where], ["migration-lint", "versions/a3_legacy.py:7"]);
    match(breaks.detail?.join() ?? "", /^versions\/a3_legacy\.py:7 ban-drop-column: /);
    const allowed = "# tidegate: phase=expand\n# tidegate:allow ban-drop-column because nobody reads it";
    app.write("versions/a3_legacy.py", revision("a3", "a2", drop, "pass", allowed));
    const { reversed } = await app.down({ release: 2 });
    deepEqual(
      reversed.map(({ file }) => file),
      ["versions/a2_note.py"],
    );
    deepEqual(await app.column("SELECT version_num FROM alembic_version"), ["a0"]);
    equal(await app.checksum("orders"), sum);
    equal((await app.up({ phases: ["expand"] })).applied.length, 2, "what the file allows is no hindrance");
  },
);
