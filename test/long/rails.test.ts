import { deepEqual, equal, match } from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { faultOf } from "../database/stand.ts";
import { withoutTool } from "../database/tools/needed-tool.ts";
import { RAILS_APP, railsMigration } from "../database/tools/rails-app.ts";
import { type TcpDoor, tcpDoor } from "../database/tools/tcp-door.ts";
import { type ToolUnderTest, toolUnderTest } from "../database/tools/tool-under-test.ts";
import { type PostgresServer, postgresServer } from "../support/postgres.ts";

const RUBY = ["ruby", "-e", "require 'rails'; require 'active_record'; require 'pg'"];
const RAILS = { kind: "rails", folder: ".", phases: {} } as const;
const QUICK = { boundMs: 60_000, otherRunMs: 0, lagMs: 10_000, lockTimeoutMs: 100 };

describe("Rails under Tidegate", { skip: withoutTool("Rails", RUBY) }, () => {
  let server: PostgresServer;
  let door: TcpDoor;
  let app: ToolUnderTest;
  let sum: string;

  before(async () => {
    server = await postgresServer();
    door = await tcpDoor(server);
    app = await toolUnderTest(
      server,
      RAILS,
      {
        ...RAILS_APP,
        "db/migrate/20260101000001_create_orders.rb": railsMigration(
          "CreateOrders",
          "def change\n  create_table(:orders) { |t| t.text :legacy }\nend",
        ),
      },
      { door, patience: QUICK },
    );
    await app.up({ release: 1 });
    await app.client.query("INSERT INTO orders SELECT n, 'l' || n FROM generate_series(1, 50) n");
    sum = await app.checksum("orders");
  });
  after(async () => {
    await app[Symbol.asyncDispose]();
    await door[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  it("tells by a copy of the schema what takes something away and what can't be taken back", async () => {
    app.write(
      "db/migrate/20260102000001_add_note.rb",
      railsMigration("AddNote", "def change\n  add_column :orders, :note, :text\nend"),
    );
    app.write(
      "db/migrate/20260103000001_add_tags.rb",
      railsMigration("AddTags", "def change\n  create_table(:tags) { |t| t.text :name }\nend"),
    );
    app.write(
      "db/migrate/20260104000001_drop_legacy.rb",
      railsMigration("DropLegacy", "def change\n  remove_column :orders, :legacy\nend"),
    );
    const { pending } = await app.status();
    deepEqual(
      pending.map(({ version, phase, drops, isReversible }) => [version, phase, drops, isReversible]),
      [
        ["20260102000001", "expand", [], true],
        ["20260103000001", "expand", [], true],
        // Rails itself does not know of which type the column was.
        ["20260104000001", "contract", ["orders.legacy"], false],
      ],
    );
    const { applied, pendingLater } = await app.up({ phases: ["expand"], release: 2 });
    equal(applied.length, 2);
    deepEqual(pendingLater, ["db/migrate/20260104000001_drop_legacy.rb"]);
  });

  it("takes two back, as db:rollback STEP=2 does, and refuses to lose what has been written since", async () => {
    await app.client.query("INSERT INTO tags (name) VALUES ('x')");
    const fault = await faultOf(app.down({ steps: 2 }));
    deepEqual(fault.detail, ["db/migrate/20260103000001_add_tags.rb drops table tags with 1 row"]);
    deepEqual(
      (await app.down({ release: 2 })).kept.map(({ why }) => why),
      [
        "Its way back drops table tags with 1 row.",
        "db/migrate/20260103000001_add_tags.rb, which came after it, stays.",
      ],
    );
    const { reversed } = await app.down({ steps: 2 }, { acceptLoss: true });
    deepEqual(
      reversed.map(({ file, lost }) => [file, lost]),
      [
        ["db/migrate/20260103000001_add_tags.rb", ["drops table tags with 1 row"]],
        ["db/migrate/20260102000001_add_note.rb", []],
      ],
    );
    deepEqual(await app.column("SELECT version FROM schema_migrations"), ["20260101000001"]);
    equal(await app.checksum("orders"), sum, "all else is as it was");
  });

  it("says where a migration broke off, leaves nothing of it, and goes on once it is mended", async () => {
    app.remove("db/migrate/20260104000001_drop_legacy.rb");
    const broken = "def change\n  create_table :half\n  add_column :nowhere, :x, :text\nend";
    app.write("db/migrate/20260104000001_half.rb", railsMigration("Half", broken));
    const fault = await faultOf(app.up());
    deepEqual(
      [fault.what, fault.where],
      ["db/migrate/20260104000001_half.rb failed; nothing of it was done.", "db/migrate/20260104000001_half.rb:4"],
    );
    match(fault.cause ?? "", /relation "nowhere" does not exist/);
    deepEqual(await app.column("SELECT to_regclass('half') IS NULL"), ["true"]);
    app.write("db/migrate/20260104000001_half.rb", railsMigration("Half", "def change\n  create_table :half\nend"));
    deepEqual(
      (await app.up()).applied.map(({ version }) => version),
      ["20260104000001"],
    );
    equal((await app.column("SELECT count(*) FROM schema_migrations"))[0], "4");
  });

  it("refuses a changed file, and a second run at a time by the name of the first", async () => {
    await app.client.query("SELECT pg_advisory_lock(1953064037, 1734440037)");
    const locked = await faultOf(app.up());
    await app.client.query("SELECT pg_advisory_unlock_all()");
    equal(locked.code, "migration-locked");
    match(locked.where ?? "", /^test \(process \d+ of the server/);
    app.write("db/migrate/20260104000001_half.rb", railsMigration("Half", "def change\n  create_table :other\nend"));
    equal((await faultOf(app.up())).code, "migration-edited");
  });
});
