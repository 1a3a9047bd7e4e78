import { deepEqual, equal, match } from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { postgresServer } from "../../support/postgres.ts";
import { faultOf } from "../stand.ts";
import { withoutTool } from "./needed-tool.ts";
import { RAILS_APP, railsMigration } from "./rails-app.ts";
import { tcpDoor } from "./tcp-door.ts";
import { toolUnderTest } from "./tool-under-test.ts";

// More of Rails, which takes more than a second for each of its answers: test/long/rails.test.ts.
it(
  "Rails goes up by phases, past what waits for later, and says where it broke off",
  { skip: withoutTool("Rails", ["ruby", "-e", "require 'rails'; require 'active_record'; require 'pg'"]) },
  async () => {
    await using server = await postgresServer();
    await using door = await tcpDoor(server);
    await using app = await toolUnderTest(
      server,
      { kind: "rails", folder: ".", phases: {} },
      {
        ...RAILS_APP,
        "db/migrate/20260101000001_create_orders.rb": railsMigration(
          "CreateOrders",
          "def change\n  create_table(:orders) { |t| t.text :legacy }\nend",
        ),
        "db/migrate/20260102000001_drop_legacy.rb": railsMigration(
          "DropLegacy",
          "def up\n  remove_column :orders, :legacy\n  remove_column :orders, :nonsense\nend",
          "# tidegate: phase=contract",
        ),
        "db/migrate/20260103000001_add_note.rb": railsMigration(
          "AddNote",
          "def change\n  add_column :orders, :note, :text\nend",
        ),
      },
      { door },
    );
    const { applied, pendingLater } = await app.up({ phases: ["expand"], release: 1 });
    deepEqual(
      applied.map(({ version, phase }) => [version, phase]),
      [
        ["20260101000001", "expand"],
        ["20260103000001", "expand"],
      ],
    );
    deepEqual(pendingLater, ["db/migrate/20260102000001_drop_legacy.rb"]);
    deepEqual(await app.column("SELECT version FROM schema_migrations ORDER BY 1"), [
      "20260101000001",
      "20260103000001",
    ]);
    const fault = await faultOf(app.up());
    deepEqual(
      [fault.what, fault.where],
      [
        "db/migrate/20260102000001_drop_legacy.rb failed; nothing of it was done.",
        "db/migrate/20260102000001_drop_legacy.rb:5",
      ],
    );
    match(fault.cause ?? "", /column "nonsense" of relation "orders" does not exist/);
    equal(existsSync(join(app.directory, "db/schema.rb")), false, "a version's folder is not written to");
  },
);
