import { deepEqual, equal, match } from "node:assert/strict";
import { readdirSync } from "node:fs";
import { after, describe, it } from "node:test";
import { backupsOf, made } from "../backup/stand.ts";
import { type Command, startCommand } from "../e2e/support/command.ts";
import { until } from "../support/until.ts";
import { ordersBeforeEach } from "../backup/orders.ts";

const orders = ordersBeforeEach();
const { files, sql, rowsIn, databases } = orders;

describe("Killed in the middle", () => {
  const killed: Command[] = [];
  after(() => {
    for (const each of killed) if (each.isRunning()) each.kill("SIGKILL");
  });
  const tidegate = (...words: readonly string[]): Command => {
    const env = {
      PATH: process.env["PATH"],
      HOME: files.path,
      DATABASE_URL: orders.at.url,
      TIDEGATE_USER: "ann",
      LANG: "C.UTF-8",
    };
    const command = startCommand([...words, "--database", "${DATABASE_URL}"], { cwd: files.path, env });
    killed.push(command);
    return command;
  };
  const folder = files.file(".tidegate", "backups");

  it("Tidegate leaves no backup that looks whole, no program, and nothing that the next run does not take away", async () => {
    const table = await orders.server.session(orders.at.url);
    await table.query("BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE");
    const command = tidegate("backup");
    await until(
      "pg_dump waits",
      async () =>
        ((
          await orders.admin.query(
            "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name LIKE '%dump%' OR (wait_event_type = 'Lock' AND query LIKE 'LOCK TABLE%')",
          )
        ).rowCount ?? 0) > 0,
      20_000,
    );
    command.kill("SIGKILL");
    await command.ended;
    equal(readdirSync(folder).filter((each) => each.endsWith(".json")).length, 0);
    equal(readdirSync(folder).filter((each) => each.endsWith(".part")).length, 1);
    await table.query("ROLLBACK");
    await until(
      "pg_dump finds nobody to write to",
      async () =>
        (
          await orders.admin.query(
            "SELECT FROM pg_stat_activity WHERE application_name LIKE '%backup%' OR application_name LIKE '%dump%'",
          )
        ).rowCount === 0,
      20_000,
    );
    const next = await tidegate("backup", "--json").ended;
    equal(next.code, 0, next.stderr);
    equal((JSON.parse(next.stdout) as { record: { proof: { proof: string } } }).record.proof.proof, "restore");
    equal(readdirSync(folder).filter((each) => each.endsWith(".part")).length, 0);
  });

  it("a restore has changed nothing, and what it left goes with the next one", async () => {
    const backups = backupsOf({ ...orders.at, folder });
    // Beside the database that it belongs to, the rule takes as long as a restore of a large one.
    await sql(`CREATE FUNCTION slow(text) RETURNS boolean LANGUAGE sql AS $$ SELECT CASE WHEN current_database() = '${orders.name}' THEN true ELSE pg_sleep(60) IS NOT NULL END $$;
      ALTER TABLE orders ADD CHECK (slow(note))`);
    await made(backups);
    await sql("INSERT INTO orders (note) VALUES ('later')");
    const command = tidegate("restore", "newest", "--yes");
    await until(
      "rows come back",
      async () =>
        ((
          await orders.admin.query(
            "SELECT FROM pg_stat_activity WHERE datname LIKE 'tidegate_restore%' AND query LIKE 'COPY%'",
          )
        ).rowCount ?? 0) > 0,
      20_000,
    );
    command.kill("SIGKILL");
    await command.ended;
    equal(await rowsIn(), 501);
    equal((await databases("tidegate_restore%")).length, 1);
    await sql("ALTER TABLE orders DROP CONSTRAINT orders_note_check");
    const next = await made(backups, "restore");
    deepEqual(await databases("tidegate%"), []);
    const sure = await tidegate("restore", next.record.id).ended;
    equal(sure.code, 3, "without --yes nobody is there to be asked");
    match(sure.stderr, /No table has changed since/);
    const back = await tidegate("restore", next.record.id, "--yes").ended;
    equal(back.code, 0, back.stderr);
    match(
      back.stdout.replaceAll(/\s+/g, " "),
      /^Backup \S+ is restored into shop_\d+ at \S+: 501 rows in 1 table are the same/,
    );
  });
});
