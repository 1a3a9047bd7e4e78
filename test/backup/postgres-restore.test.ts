import { deepEqual, equal, match, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { USUAL_FOLDERS } from "../../src/adapters/backup/postgres/programs.ts";
import { putInPlace } from "../../src/adapters/backup/postgres/swap.ts";
import { copySchema } from "../../src/adapters/backup/postgres/schema-copy.ts";
import { connectPostgres } from "../../src/adapters/database/postgres/connect.ts";
import { takeLock } from "../../src/adapters/database/postgres/lock.ts";
import { createPostgresMigrations } from "../../src/adapters/database/postgres/migrations.ts";
import type { DatabaseSettings } from "../../src/adapters/database/settings.ts";
import type { Backups } from "../../src/ports/backups.ts";
import { until } from "../support/until.ts";
import { restoredLines } from "../../src/cli/render/backup-view.ts";
import { backupsOf, faultIn, going, made, target, verified } from "./stand.ts";
import { ordersBeforeEach } from "./orders.ts";

const orders = ordersBeforeEach();
const { files, sql, rowsIn, databases } = orders;

describe("A restore", () => {
  it("into the same database says what is lost and who is cut off, and keeps what was there", async () => {
    await orders.admin.query(
      `ALTER DATABASE ${orders.name} SET work_mem = '7MB'; COMMENT ON DATABASE ${orders.name} IS 'the shop'`,
    );
    await orders.admin.query(
      `GRANT CREATE ON DATABASE ${orders.name} TO secret; ALTER DATABASE ${orders.name} CONNECTION LIMIT 50`,
    );
    const backups = backupsOf(orders.at);
    await made(backups, "restore");
    await sql("INSERT INTO orders (note) VALUES ('one'), ('two'); CREATE TABLE later AS SELECT 1 AS one");
    const client = await orders.server.session(orders.at.url, "web");
    const { losses, clients, way, keptAs } = await backups.outlook(target());
    equal(way, "replace");
    deepEqual(losses, [
      { name: "public.orders", before: 500, now: 502 },
      { name: "public.later", before: null, now: 1 },
    ]);
    deepEqual(clients, ["web (1 connection of gate)"]);
    const restored = await backups.restore(target());
    equal(restored.keptAs, keptAs);
    deepEqual(restored.notes, []);
    equal(await rowsIn(), 500);
    equal(await rowsIn(keptAs ?? ""), 502);
    await client.query("SELECT 1").then(
      () => ok(false, "nobody was cut off"),
      () => undefined,
    );
    deepEqual(await sql("SHOW work_mem"), [{ work_mem: "7MB" }]);
    const [traits] = await sql<Readonly<Record<string, unknown>>>(
      `SELECT shobj_description(oid, 'pg_database') AS comment, datconnlimit AS most, has_database_privilege('secret', oid, 'CREATE') AS may
         FROM pg_database WHERE datname = current_database()`,
    );
    deepEqual(traits, { comment: "the shop", most: 50, may: true });
    deepEqual(await databases("%tidegate%"), []);
  });

  it("that finds its backup to be no good writes it down: `newest` means the one before it then, and says so", async () => {
    const backups = backupsOf(orders.at);
    const older = await made(backups);
    const newer = await made(backups);
    const whole = readFileSync(newer.path);
    const flipped = Buffer.from(whole);
    const middle = Math.floor(whole.length / 2);
    flipped[middle] = (flipped[middle] ?? 0) ^ 4;
    writeFileSync(newer.path, flipped);
    equal((await faultIn(backups.restore(target()))).code, "backup-broken");

    const { record, passedOver } = await backups.outlook(target());
    equal(record.id, older.record.id);
    deepEqual(
      passedOver?.map(({ id, why }) => [id, why.code]),
      [[newer.record.id, "backup-broken"]],
    );
    const run = going();
    await backups.verify({ backup: "newest", proof: "decode", by: "ann", directory: null, identity: null, ...run });
    match(
      JSON.stringify(run.told),
      new RegExp(`The newest backup, ${newer.record.id}, is passed over: The backup's file`),
    );

    // Whoever has put the file right, and restored it, need not prove it once more.
    writeFileSync(newer.path, whole);
    await backups.restore(target(null, newer.record.id));
    const again = await backups.outlook(target());
    deepEqual([again.record.id, again.passedOver], [newer.record.id, undefined]);
  });

  it("needs no record but that of its own backup: one that can't be read is named, and in nobody's way", async () => {
    const backups = backupsOf(orders.at);
    const older = await made(backups);
    const newer = await made(backups);
    const path = newer.path.replace(/\.\w+$/, ".json");
    writeFileSync(path, "");
    deepEqual(
      (await backups.list()).map(({ id }) => id),
      [older.record.id],
    );
    deepEqual(
      (await backups.unreadable()).map(({ code, where }) => [code, where]),
      [["backup-record-unreadable", path]],
    );
    const { record, passedOver } = await backups.outlook(target());
    deepEqual([record.id, passedOver?.map(({ id }) => id)], [older.record.id, [newer.record.id]]);
    equal((await faultIn(backups.outlook(target(null, newer.record.id)))).code, "backup-record-unreadable");
    await made(backups);
    equal((await backups.list()).length, 2);
    await backups.restore(target(null, older.record.id));
    equal(await rowsIn(), 500);
  });

  it("while clients keep coming back still takes the name, and none of them meets a database that is not whole", async () => {
    const backups = backupsOf(orders.at);
    await made(backups);
    const over = new AbortController();
    const seen = new Set<number>();
    const coming = Array.from({ length: 3 }, async () => {
      while (!over.signal.aborted)
        await rowsIn()
          .then((rows) => seen.add(rows))
          .catch(() => undefined);
    });
    await sql("INSERT INTO orders (note) VALUES ('later')");
    await until("they come", () => seen.has(501));
    await backups.restore(target());
    await until("they come again", () => seen.has(500));
    over.abort();
    await Promise.all(coming);
    deepEqual(
      [...seen].sort((a, b) => a - b),
      [500, 501],
    );
  });

  it("of a database that somebody else restores waits for that one, and is told that it has replaced it, and who it is", async () => {
    const { admin, server, at, name } = orders;
    const backups = backupsOf(at);
    await made(backups);
    const ann = await server.session(at.url, "tidegate restore (ann)");
    const run = going();
    await takeLock(ann, { ...run, waitMs: 1_000, onWait: () => undefined });
    const waiting = faultIn(backups.restore({ ...target(), ...run, by: "bert" }));
    await until("it waits", () => run.told.some(({ kind }) => kind === "waiting-for-lock"));
    match(JSON.stringify(run.told), /Waits for tidegate restore \(ann\) \(process \d+ of the server/);
    const named = await admin.query("SELECT FROM pg_stat_activity WHERE application_name = 'tidegate restore (bert)'");
    ok(named.rowCount !== 0, "who waits for it would be told another name");
    await server.database(`${name}_restored`);
    const door = { url: server.url(), values: () => ({}), redact: (text: string) => text };
    await putInPlace({ door, waiting: `${name}_restored`, name, keptAs: `${name}_before` }, run);
    const fault = await waiting;
    equal(fault.code, "database-replaced");
    match(
      fault.what,
      /^tidegate restore \(ann\) \(process .*\) has put another database in the place of this one meanwhile\. Nothing of this restore is in it\.$/,
    );
    deepEqual((await admin.query("SELECT FROM pg_database WHERE datname LIKE 'tidegate%'")).rows, []);
  });

  it("into a name that is free, into an empty database by its address, and beside another one with rows", async () => {
    const backups = backupsOf(orders.at);
    await made(backups);
    equal((await backups.outlook(target(`${orders.name}_new`))).way, "new");
    equal((await backups.restore(target(`${orders.name}_new`))).keptAs, null);
    equal(await rowsIn(`${orders.name}_new`), 500);
    const empty = await orders.server.database(`${orders.name}_empty`);
    equal((await backups.outlook(target(empty))).way, "fill");
    await backups.restore(target(empty));
    equal(await rowsIn(`${orders.name}_empty`), 500);
    const { keptAs } = await backups.restore(target(`${orders.name}_new`));
    match(keptAs ?? "", new RegExp(`^${orders.name}_new_before_\\d{8}_\\d{6}_`));
    const again = await backups.restore(target(`${orders.name}_new`));
    equal(again.keptAs, `${keptAs}_2`);
  });

  it("brings back a database that was dropped", async () => {
    const backups = backupsOf(orders.at);
    await made(backups);
    await orders.admin.query(`DROP DATABASE ${orders.name}`);
    equal((await backups.outlook(target())).way, "new");
    await backups.restore(target());
    equal(await rowsIn(), 500);
  });

  it("that fails changes nothing: a role that is missing, an older server, rights that are missing", async () => {
    await orders.admin.query("CREATE ROLE gone_soon");
    await sql("ALTER TABLE orders OWNER TO gone_soon");
    const backups = backupsOf(orders.at);
    const { record } = await made(backups);
    await sql("ALTER TABLE orders OWNER TO gate; INSERT INTO orders (note) VALUES ('later')");
    await orders.admin.query("DROP ROLE gone_soon");
    const fault = await faultIn(backups.restore(target()));
    equal(fault.code, "restore-failed");
    match(JSON.stringify(fault.detail), /role \\"gone_soon\\" does not exist/);
    match(fault.fix ?? "", /--no-owner/);
    equal(await rowsIn(), 501);
    deepEqual(await databases("%tidegate%"), []);
    await backups.restore({ ...target(), withoutOwners: true });
    equal(await rowsIn(), 500);

    const older = { ...record, database: { ...record.database, engine: "99.1" } };
    writeFileSync(join(orders.at.folder, `${record.id}.json`), JSON.stringify(older));
    match(
      (await faultIn(backups.outlook(target()))).what,
      /^The backup is of PostgreSQL 99\.1, and at .* is \d+\.\d+: an older server/,
    );
    writeFileSync(join(orders.at.folder, `${record.id}.json`), JSON.stringify(record));

    const poor = backupsOf({ ...orders.at, url: orders.server.url(orders.name, "secret:pass-word") });
    const refused = await faultIn(poor.outlook(target()));
    equal(refused.code, "restore-refused");
    match(refused.what, /^The role secret may not create a database, nor rename shop_\d+, which it does not own\.$/);
    match(refused.fix ?? "", /^ALTER ROLE secret CREATEDB; ALTER DATABASE shop_\d+ OWNER TO secret; .*--into ADDRESS$/);
  });
});

describe("A drill", () => {
  const drilling = (
    migrations: Readonly<Record<string, string>>,
  ): { readonly backups: Backups; readonly directory: string } => {
    const directory = files.file(`${orders.name}-version`);
    mkdirSync(join(directory, "db"), { recursive: true });
    for (const [file, text] of Object.entries(migrations)) writeFileSync(join(directory, "db", file), text);
    const migrating = (copy: DatabaseSettings) => createPostgresMigrations({ ...copy, folder: "db", assertions: [] });
    return { directory, backups: backupsOf({ ...orders.at, more: { migrating } }) };
  };
  const make = (backups: Backups, directory: string) =>
    backups.make({ proof: "drill", release: null, by: "ann", directory, ...going() });

  it("takes the version's migrations up, down and up again on the copy, and touches nothing else", async () => {
    const { backups, directory } = drilling({
      "20261122010000_state.sql":
        "-- migrate:up\nALTER TABLE orders ADD COLUMN state text DEFAULT 'new';\n-- migrate:down\nALTER TABLE orders DROP COLUMN state;\n",
      "20261122020000_index.sql":
        "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY by_state ON orders (state);\n-- migrate:down transaction:false\nDROP INDEX CONCURRENTLY by_state;\n",
    });
    const { record } = await make(backups, directory);
    const drill = record.proof?.drill;
    deepEqual(drill?.applied, ["db/20261122010000_state.sql", "db/20261122020000_index.sql"]);
    deepEqual(drill.reversed, ["db/20261122020000_index.sql", "db/20261122010000_state.sql"]);
    deepEqual(drill.kept, []);
    deepEqual(await sql("SELECT FROM pg_class WHERE relname LIKE '%migration%' OR relname = 'by_state'"), []);
    deepEqual(await databases("%tidegate%"), []);
  });

  it("finds out that a way back loses rows, or that a migration fails; the backup is proven by restoring all the same", async () => {
    const lossy = drilling({
      "20261122010000_upper.sql": "-- migrate:up\nUPDATE orders SET note = upper(note);\n-- migrate:down\nSELECT 1;\n",
    });
    const fault = await faultIn(make(lossy.backups, lossy.directory));
    equal(fault.code, "drill-failed");
    deepEqual(fault.detail, ["public.orders has as many rows, and other ones"]);
    equal((await lossy.backups.list()).at(-1)?.proof?.proof, "restore");
    const wrong = drilling({ "20261122020000_wrong.sql": "-- migrate:up\nALTER TABLE nowhere ADD COLUMN x int;\n" });
    const failed = await faultIn(make(wrong.backups, wrong.directory));
    equal(failed.code, "migration-failed");
    match(failed.what, /^On the copy, not in your database: \S+ failed; /);
    deepEqual(await databases("%tidegate%"), []);
  });

  it("tries nothing on an empty database, which migrations can't harm, and says so", async () => {
    await sql("DROP TABLE orders");
    const { backups, directory } = drilling({
      "20261122020000_wrong.sql": "-- migrate:up\nALTER TABLE nowhere ADD x int;\n",
    });
    const run = going();
    const { record } = await backups.make({ proof: "drill", release: null, by: "ann", directory, ...run });
    deepEqual([record.proof?.proof, record.proof?.drill?.applied], ["drill", []]);
    match(JSON.stringify(run.told), /holds nothing yet/);
  });

  it("takes a database for empty in which tools have written down migrations alone, not one with users' own `migrations`", async () => {
    await sql(
      "DROP TABLE orders; CREATE TABLE _prisma_migrations (id text); CREATE TABLE flyway_schema_history (id int)",
    );
    const { backups, directory } = drilling({
      "20261122020000_wrong.sql": "-- migrate:up\nALTER TABLE nowhere ADD x int;\n",
    });
    const run = going();
    await backups.make({ proof: "drill", release: null, by: "ann", directory, ...run });
    match(JSON.stringify(run.told), /holds nothing yet/);
    await sql("CREATE TABLE migrations (bird text); INSERT INTO migrations VALUES ('stork')");
    const lossy = drilling({
      "20261122020000_wrong.sql": "-- migrate:up\nUPDATE migrations SET bird = 'crow';\n-- migrate:down\nSELECT 1;\n",
    });
    const fault = await faultIn(make(lossy.backups, lossy.directory));
    equal(fault.code, "drill-failed");
    deepEqual(fault.detail, ["public.migrations has as many rows, and other ones"]);
  });

  it("is refused before anything is made where there are no migrations", async () => {
    equal((await faultIn(make(backupsOf(orders.at), files.path))).code, "drill-not-possible");
    equal(existsSync(orders.at.folder), false);
  });
});

describe("An encrypted backup", () => {
  it("holds no plain text, is proven as it is made, and comes back with the secret key alone", async () => {
    const keys = ["mine", "other"].map((each) => {
      const path = files.file(`${each}.key`);
      spawnSync("age-keygen", ["-o", path]);
      return { path, recipient: /public key: (\S+)/.exec(readFileSync(path, "utf8"))?.[1] ?? "" };
    });
    const [mine, other] = keys;
    ok(mine !== undefined && other !== undefined);
    await sql("CREATE TABLE plain AS SELECT 'find me in the clear' AS text");
    const backups = backupsOf({ ...orders.at, plan: { encryptTo: [mine.recipient] } });
    const { record, path } = await made(backups, "restore");
    equal(record.proof?.proof, "restore");
    equal(record.recipients, 1);
    equal(readFileSync(path).subarray(0, 22).toString(), "age-encryption.org/v1\n");
    equal(readFileSync(path).includes("plain"), false);
    deepEqual(readdirSync(orders.at.folder).sort(), [".gitignore", record.file, `${record.id}.json`].sort());
    equal((await faultIn(backups.restore(target(`${orders.name}_back`)))).code, "backup-identity-missing");
    equal(
      (await faultIn(backups.restore(target(`${orders.name}_back`, "newest", other.path)))).code,
      "backup-not-decrypted",
    );
    await backups.restore(target(`${orders.name}_back`, "newest", mine.path));
    equal(await rowsIn(`${orders.name}_back`), 500);
    equal((await verified(backups, "restore", mine.path)).record.proof?.proof, "restore");
    const bad = await faultIn(made(backupsOf({ ...orders.at, plan: { encryptTo: ["age1nobody"] } })));
    equal(bad.code, "backup-not-encrypted");
    deepEqual(await databases("%tidegate%"), []);
  });
});

describe("Extensions that only a superuser may make", () => {
  it("are left out for a role that may not, which is said; who owns a database gets everything else back", async () => {
    const { admin, server, at, name } = orders;
    await admin.query(`CREATE ROLE maker LOGIN CREATEDB; ALTER DATABASE ${name} OWNER TO maker`);
    await sql("CREATE EXTENSION pg_stat_statements; CREATE EXTENSION hstore; ALTER TABLE orders OWNER TO maker");
    const url = server.url(name, "maker");
    const backups = backupsOf({ ...at, url });
    const notices = (await backups.notices(new AbortController().signal)).map(({ sentence }) => sentence);
    match(
      notices.at(-1) ?? "",
      /^only a superuser may make pg_stat_statements: backups are tried and restored without it$/,
    );

    const run = going();
    const { record } = await backups.make({ proof: "restore", release: null, by: "ann", directory: null, ...run });
    equal(record.proof?.proof, "restore");
    match(
      JSON.stringify(run.told),
      /Without the extension pg_stat_statements, which only a superuser may make there\./,
    );
    await sql("DELETE FROM orders");
    const lacks = [{ name: "pg_stat_statements", statement: 'CREATE EXTENSION "pg_stat_statements"' }];
    deepEqual((await backups.outlook(target())).extensionsLeftOut, lacks);
    const restored = await backups.restore(target());
    deepEqual(restored.extensionsLeftOut, lacks);
    match(
      restoredLines(restored, { width: 1_000, colours: false, unicode: true }).at(-1) ?? "",
      /shop_\d+ at .* lacks pg_stat_statements, which only a superuser may make\. As one, in it: CREATE EXTENSION "pg_stat_statements"$/,
    );
    const prepared = await server.database(`${name}_prepared`);
    await admin.query(`ALTER DATABASE ${name}_prepared OWNER TO maker`);
    await sql("CREATE EXTENSION pg_stat_statements", `${name}_prepared`);
    equal((await backups.outlook(target(`${name}_prepared`))).extensionsLeftOut, undefined);
    ok(prepared.includes(name));
    equal(await rowsIn(), 500);
    deepEqual(await sql("SELECT extname FROM pg_extension ORDER BY 1"), [
      { extname: "hstore" },
      { extname: "plpgsql" },
    ]);
  });

  it("are looked for in an encrypted backup too; what needs one says that it was left out", async () => {
    const { admin, server, at, name } = orders;
    await admin.query(`ALTER DATABASE ${name} OWNER TO maker`);
    await sql("CREATE EXTENSION pg_stat_statements; CREATE VIEW slow AS SELECT query FROM pg_stat_statements");
    await sql("ALTER TABLE orders OWNER TO maker; ALTER VIEW slow OWNER TO maker");
    const identity = files.file("extensions.key");
    const key = spawnSync("age-keygen", ["-o", identity]);
    const recipient = /age1\w+/.exec(String(key.stderr))?.[0] ?? "";
    const backups = backupsOf({ ...at, url: server.url(name, "maker"), plan: { encryptTo: [recipient] } });
    const fault = await faultIn(made(backups, "restore"));
    equal(fault.code, "backup-not-restorable");
    match(
      fault.detail?.at(-1) ?? "",
      /^It was restored without pg_stat_statements, which only a superuser may make there\.$/,
    );
    match(fault.fix ?? "", /^lend an empty database in which a superuser has made the extension: /);
    await admin.query(`ALTER ROLE maker SUPERUSER`);
    equal((await made(backups, "restore")).record.proof?.proof, "restore");
    await admin.query(`ALTER ROLE maker NOSUPERUSER`);
    await sql("DROP VIEW slow");
    await made(backups);
    equal((await verified(backups, "restore", identity)).record.proof?.proof, "restore");
  });

  it("are left out of a copy of the schema, the others are not", async () => {
    const { admin, server, name } = orders;
    await admin.query(`ALTER DATABASE ${name} OWNER TO maker`);
    await sql("CREATE EXTENSION pg_stat_statements; CREATE EXTENSION hstore; ALTER TABLE orders OWNER TO maker");
    await sql("CREATE TABLE tags (of hstore); ALTER TABLE tags OWNER TO maker");
    const database = { url: server.url(name, "maker"), values: () => ({}), redact: (text: string) => text };
    const settings = { database, env: process.env, folders: USUAL_FOLDERS, scratch: null };
    await using copy = await copySchema(settings, [], new AbortController().signal);
    await using connection = await connectPostgres(copy.settings, {
      application: "test",
      signal: new AbortController().signal,
    });
    const { rows } = await connection.client.query<{ relname: string }>(
      "SELECT relname FROM pg_class WHERE relname IN ('orders', 'tags') ORDER BY 1",
    );
    deepEqual(
      rows.map(({ relname }) => relname),
      ["orders", "tags"],
    );
  });
});
