import { deepEqual, doesNotMatch, equal, match, notEqual, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Client } from "pg";
import type { BackupRecord } from "../../src/core/backup/record.ts";
import { takeLock } from "../../src/adapters/database/postgres/lock.ts";
import { smallDisk } from "../e2e/support/small-disk.ts";
import { type PostgresServer, postgresServer } from "../support/postgres.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/until.ts";
import { type BackupStand, backupsOf, fakePrograms, faultIn, going, made, target, verified } from "./stand.ts";

const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());

let server: PostgresServer;
let url = "";
let shop: Client;
const files = stack.use(temporaryFolder());
let folders = 0;

/** Backups in a folder of their own. */
function stand(more: Partial<BackupStand> = {}): BackupStand {
  return { url, folder: files.file(`backups-${(folders += 1)}`), ...more };
}

const recordIn = (folder: string): BackupRecord => {
  const name = readdirSync(folder).find((each) => each.endsWith(".json")) ?? "";
  return JSON.parse(readFileSync(join(folder, name), "utf8")) as BackupRecord;
};
const scratchDatabases = async (): Promise<number> =>
  (await shop.query("SELECT FROM pg_database WHERE datname LIKE 'tidegate%'")).rowCount ?? -1;

before(async () => {
  server = stack.use(await postgresServer());
  url = await server.database("shop");
  shop = await server.session(url);
  await shop.query(`
    CREATE TABLE customers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, at timestamptz DEFAULT now(), weight float8);
    CREATE TABLE orders (id serial PRIMARY KEY, customer bigint REFERENCES customers, total numeric, the_row int);
    CREATE TABLE "an ""odd"" name" (a bytea, b jsonb, c interval);
    CREATE SCHEMA stock; CREATE TABLE stock.parts (id int, day date) PARTITION BY RANGE (day);
    CREATE TABLE stock.parts_2026 PARTITION OF stock.parts FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
    CREATE INDEX ON stock.parts (id); CREATE VIEW rich AS SELECT * FROM orders WHERE total > 100;
    INSERT INTO customers (name, weight) SELECT 'customer ' || i, i / 7.0 FROM generate_series(1, 2000) i;
    INSERT INTO orders (customer, total) SELECT 1 + i % 2000, i FROM generate_series(1, 5000) i;
    INSERT INTO "an ""odd"" name" VALUES ('\\x00ff', '{"a": [1, 2]}', '1 day 2 hours'), (NULL, NULL, NULL);
    INSERT INTO stock.parts SELECT i, '2026-03-01' FROM generate_series(1, 100) i;
    SELECT lo_from_bytea(0, 'a large object');
  `);
});

describe("A backup of PostgreSQL", () => {
  it("holds what was there in one moment, whatever is written meanwhile, and is compared row by row", async () => {
    const writer = await server.session(url, "writer");
    const over = new AbortController();
    let written = 0;
    const writing = (async () => {
      while (!over.signal.aborted) {
        await writer.query(
          "INSERT INTO orders (customer, total) VALUES (1, 1); UPDATE customers SET name = 'new' WHERE id = 7",
        );
        written += 1;
      }
    })();
    const at = stand();
    const { record, path, notes } = await made(backupsOf(at), "restore").finally(() => over.abort());
    await writing;
    ok(written > 0);
    deepEqual(notes, []);
    equal(record.proof?.proof, "restore");
    deepEqual(
      record.contents.tables.map(({ name }) => name),
      ['public.an "odd" name', "public.customers", "public.orders", "stock.parts_2026", "large objects"],
    );
    equal(
      record.proof.rows,
      record.contents.tables.reduce((sum, { rows }) => sum + rows, 0),
    );
    equal(record.restorePoint?.name, `tidegate-${record.id}`);
    match(record.restorePoint.lsn, /^[0-9A-F]+\/[0-9A-F]+$/);
    deepEqual(record, recordIn(at.folder));
    // Roles that may read all tables may not read these.
    await shop.query("SELECT lo_unlink(oid) FROM pg_largeobject_metadata");
    equal(statSync(path).size, record.bytes);
    equal(statSync(path).mode & 0o777, 0o600);
    equal(statSync(at.folder).mode & 0o777, 0o700);
    equal(await scratchDatabases(), 0);
  });

  it("is not made while somebody migrates, and nobody migrates while it is made", async () => {
    const common = { signal: new AbortController().signal, onWait: () => undefined };
    const migrating = await server.session(url, "tidegate migrate up (ann)");
    await takeLock(migrating, { ...common, waitMs: 1_000 });
    const run = going();
    const making = backupsOf(stand()).make({ proof: "decode", release: 7, by: "ann", directory: null, ...run });
    await until("it waits", () => run.told.some(({ kind }) => kind === "waiting-for-lock"));
    match(JSON.stringify(run.told), /Waits for tidegate migrate up \(ann\) \(process \d+ of the server, since /);
    const table = await server.session(url, "changes a table");
    await table.query("BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE");
    await migrating.end();
    await until("pg_dump waits for the table", async () => (await waiting("tidegate backup")) >= 1);
    const refused = await faultIn(takeLock(await server.session(url), { ...common, waitMs: 0 }));
    match(refused.where ?? "", /^tidegate backup \(process \d+ of the server/);
    await table.query("ROLLBACK");
    equal((await making).record.release, 7);
  });

  it("that was cut off or has one bit turned is found out, and never restored; pg_restore --list finds nothing wrong with either", async () => {
    const at = stand();
    const backups = backupsOf(at);
    const { path, record } = await made(backups, "decode");
    const whole = readFileSync(path);
    const restore =
      readdirSync("/usr/lib/postgresql").map((each) => `/usr/lib/postgresql/${each}/bin/pg_restore`)[0] ?? "pg_restore";
    const flipped = Buffer.from(whole);
    const middle = Math.floor(whole.length * 0.6);
    flipped[middle] = (flipped[middle] ?? 0) ^ 4;
    for (const [bytes, what] of [
      [flipped, /^The backup's file is not what was written: its checksum is another one/],
      [
        whole.subarray(0, Math.floor(whole.length * 0.9)),
        /^The backup's file is not what was written: it has \d+ bytes instead of \d+/,
      ],
    ] as const) {
      writeFileSync(path, bytes);
      equal(spawnSync(restore, ["--list", path]).status, 0);
      const fault = await faultIn(verified(backups, "decode"));
      equal(fault.code, "backup-broken");
      match(fault.what, what);
      equal(recordIn(at.folder).trouble?.code, "backup-broken");
      const none = await faultIn(backups.outlook(target()));
      equal(none.code, "backup-unknown");
      ok(none.what.startsWith(`The only backup, ${record.id}, was found to be no good: The backup's file is not what`));
      match(none.fix ?? "", new RegExp(`tidegate backup verify ${record.id}$`));
      equal((await faultIn(backups.restore(target("elsewhere", record.id)))).code, "backup-broken");
      writeFileSync(path, whole);
      await backups.verify({
        backup: record.id,
        proof: "decode",
        by: "ann",
        directory: null,
        identity: null,
        ...going(),
      });
      equal(recordIn(at.folder).trouble, null);
    }
  });

  it("whose record fits is still read to its last byte", async () => {
    const at = stand();
    const backups = backupsOf(at);
    const { path, record } = await made(backups, "decode");
    truncateSync(path, Math.floor(record.bytes * 0.9));
    const sum = createHash("sha256").update(readFileSync(path)).digest("hex");
    writeFileSync(
      join(at.folder, `${record.id}.json`),
      JSON.stringify({ ...record, bytes: statSync(path).size, sha256: sum }),
    );
    const fault = await faultIn(verified(backups, "decode"));
    equal(fault.code, "backup-broken");
    match(JSON.stringify(fault.detail), /pg_restore: error: /);
  });

  it("that restores to other rows than there were is found out", async () => {
    const at = stand();
    const backups = backupsOf(at);
    const { record } = await made(backups, "decode");
    const [first, ...rest] = record.contents.tables;
    ok(first !== undefined);
    const tables = [{ ...first, checksum: "1" }, ...rest];
    const [sequence] = record.contents.sequences ?? [];
    ok(sequence !== undefined && Number(sequence.last) > 0);
    const contents = { ...record.contents, tables, sequences: [{ ...sequence, last: `${sequence.last}0` }] };
    writeFileSync(join(at.folder, `${record.id}.json`), JSON.stringify({ ...record, contents }));
    const fault = await faultIn(verified(backups, "restore"));
    equal(fault.code, "backup-differs");
    deepEqual(fault.detail, [
      'public.an "odd" name has as many rows, and other ones',
      `sequence ${sequence.name} stands at ${sequence.last}, and had reached ${sequence.last}0`,
    ]);
    equal(recordIn(at.folder).trouble?.code, "backup-differs");
    equal(await scratchDatabases(), 0);
  });
});

describe("No backup is left half made", () => {
  it("when pg_dump fails, and what it said is told", async () => {
    await shop.query("CREATE ROLE reader LOGIN; GRANT SELECT ON customers TO reader");
    const at = stand({ url: server.url("shop", "reader") });
    const fault = await faultIn(made(backupsOf(at)));
    equal(fault.code, "backup-not-made");
    match(JSON.stringify(fault), /permission denied for (table|schema)/);
    match(fault.fix ?? "", /GRANT pg_read_all_data/);
    deepEqual(readdirSync(at.folder), [".gitignore"]);
  });

  it("when pg_dump is ended in the middle", async () => {
    const at = stand({
      env: {
        ...process.env,
        PATH: `${fakePrograms(files.file("dies"), { pg_dump: '[ "$1" = --version ] && echo "pg_dump 99.1" && exit; echo half of it; kill -9 $$', pg_restore: "exit" })}:${process.env["PATH"] ?? ""}`,
      },
      folders: [],
    });
    const env = { ...at.env, PATH: `${files.file("dies")}:/usr/bin:/bin` };
    const real = spawnSync("sh", ["-c", "command -v pg_dump"], { env: { PATH: "/usr/bin:/bin" } }).status === 0;
    const fault = await faultIn(made(backupsOf({ ...at, env: real ? { PATH: files.file("dies") } : env })));
    equal(fault.what, "pg_dump was ended by SIGKILL; no backup was made.");
    deepEqual(readdirSync(at.folder), [".gitignore"]);
  });

  it("when the disk is full", async (context) => {
    const place = files.file("small");
    const disk = smallDisk(place, 1);
    if (disk === null) return context.skip("needs the right to mount a tmpfs");
    using mounted = disk;
    void mounted;
    await shop.query(
      "CREATE TABLE noise AS SELECT md5(i::text) || md5((-i)::text) AS text FROM generate_series(1, 60000) i",
    );
    const fault = await faultIn(made(backupsOf({ ...stand(), folder: place })));
    await shop.query("DROP TABLE noise");
    equal(fault.code, "backup-disk-full");
    match(fault.what, /^There was no room for the backup: the disk was full after \d\.\d MB\./);
    deepEqual(readdirSync(place), [".gitignore"]);
  });

  it("when somebody stops it", async () => {
    const at = stand();
    const table = await server.session(url);
    await table.query("BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE");
    const stop = new AbortController();
    const making = made(backupsOf(at), "decode", stop.signal);
    await until("it waits for the table", async () => (await waiting("tidegate backup")) >= 1);
    stop.abort(new Error("stopped by hand"));
    await making.then(
      () => ok(false),
      (error: unknown) => match(String(error), /stopped by hand/),
    );
    await table.query("ROLLBACK");
    deepEqual(readdirSync(at.folder), [".gitignore"]);
  });
});

describe("What is in the way is said", () => {
  it("a server that ends the sessions, as it does when it is stopped", async () => {
    const at = stand();
    const table = await server.session(url);
    await table.query("BEGIN; LOCK TABLE orders IN ACCESS EXCLUSIVE MODE");
    const making = faultIn(made(backupsOf(at)));
    await until("it waits for the table", async () => (await waiting("tidegate backup")) >= 1);
    await shop.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tidegate backup'",
    );
    match((await making).code, /^backup-(not-made|interrupted)$/);
    await table.query("ROLLBACK");
    deepEqual(readdirSync(at.folder), [".gitignore"]);
  });

  it("a server newer than pg_dump, and what to install", async () => {
    const old = fakePrograms(files.file("old"), { pg_dump: "echo 'pg_dump (PostgreSQL) 9.6.24'", pg_restore: "exit" });
    const fault = await faultIn(made(backupsOf(stand({ env: { PATH: old }, folders: [] }))));
    equal(fault.code, "backup-server-newer");
    match(
      fault.what,
      /^The server is PostgreSQL \d+\.\S+, and pg_dump here is 9\.6\.24: it does not read a server newer/,
    );
    match(fault.fix ?? "", /apt-get install postgresql-client-\d+ /);
    const none = await faultIn(made(backupsOf(stand({ env: { PATH: "/nowhere" }, folders: [] }))));
    equal(none.code, "backup-tools-missing");
    ok((await made(backupsOf(stand({ env: { ...process.env, PATH: old } })))).record.tool !== "pg_dump 9.6.24");
  });

  it("a wrong password, which nobody gets to see", async () => {
    const wrong = server.url("shop", "secret:geheim-wort");
    const fault = await faultIn(made(backupsOf(stand({ url: wrong }))));
    equal(fault.code, "database-refused");
    doesNotMatch(JSON.stringify(fault), /geheim-wort/);
  });

  it("nor does anybody see the right one, in the arguments of what runs or in the record", async () => {
    await shop.query("GRANT pg_read_all_data TO secret");
    const spy = fakePrograms(files.file("spy"), {
      pg_dump: `[ "$1" = --version ] && echo "pg_dump 99.1" && exit; echo "$@" > ${files.file("arguments")}; echo "$PGPASSWORD" > ${files.file("password")}; exit 1`,
      pg_restore: "exit",
    });
    const at = stand({ url: server.url("shop", "secret:pass-word"), env: { PATH: `${spy}:/bin` }, folders: [] });
    notEqual((await faultIn(made(backupsOf({ ...at, env: { PATH: spy } })))).code, "");
    equal(readFileSync(files.file("password"), "utf8"), "pass-word\n");
    doesNotMatch(readFileSync(files.file("arguments"), "utf8"), /pass-word/);
    const { record } = await made(backupsOf({ ...at, env: process.env, folders: ["/usr/lib/postgresql/*/bin"] }));
    doesNotMatch(JSON.stringify(record), /pass-word/);
    equal(record.restorePoint, null);
  });

  it("beforehand too, by the doctor's look", async () => {
    const look = async (more: Partial<BackupStand>): Promise<readonly string[]> =>
      (await backupsOf(stand(more)).notices(new AbortController().signal)).map(
        ({ level, about, sentence }) => `${level} ${about}: ${sentence}`,
      );
    const [well, ...rest] = await look({});
    match(well ?? "", /^ok database: PostgreSQL \d+\.\d+, shop at /);
    deepEqual(rest, []);
    const poor = await look({
      url: server.url("shop", "secret:pass-word"),
      env: { PATH: "/nowhere" },
      folders: [],
      plan: { encryptTo: ["age1x"] },
    });
    deepEqual(poor.slice(1), [
      "warn database: There is no pg_dump here, by which backups are made",
      "warn backups: the role secret may not create a database to try them in",
      "warn backups: there is no `age` to encrypt them with",
    ]);
    match((await look({ url: server.url("nowhere") }))[0] ?? "", /^warn database: There is no database of this name/);
  });

  it("a role that may not create a database; one that is lent for it does", async () => {
    await shop.query("CREATE ROLE poor LOGIN; GRANT pg_read_all_data TO poor");
    await shop.query("CREATE DATABASE lent OWNER poor");
    const at = stand({ url: server.url("shop", "poor") });
    const fault = await faultIn(made(backupsOf(at), "restore"));
    equal(fault.code, "backup-not-provable");
    match(
      fault.what,
      /^The backup is there and can be read, and could not be tried: the role may not create a database/,
    );
    match(fault.fix ?? "", /database: \{ backups: \{ scratch: /);
    equal(recordIn(at.folder).trouble, null);
    const lent = server.url("lent", "poor");
    const inLent = await server.session(lent);
    await inLent.query("CREATE TABLE precious AS SELECT 1 AS one");
    const backups = backupsOf({ ...at, plan: { scratch: lent } });
    match((await faultIn(verified(backups, "restore"))).what, /^The scratch database is not empty/);
    await inLent.query("DROP TABLE precious");
    equal((await verified(backups, "restore")).record.proof?.proof, "restore");
    equal((await verified(backups, "restore")).record.proof?.proof, "restore");
    equal((await inLent.query("SELECT FROM pg_class WHERE relname IN ('orders', 'customers')")).rowCount, 0);
  });
});

describe("A backup that is whole", () => {
  it("is handed to the upload; what becomes of that is said, and the backup stays", async () => {
    const at = stand({ plan: { upload: 'cp "${file}" "$TIDEGATE_BACKUP_RECORD" ../' } });
    const { record, path } = await made(backupsOf(at));
    equal(record.upload?.isDone, true);
    deepEqual(readFileSync(files.file(record.file)), readFileSync(path));
    const failing = await made(backupsOf({ ...at, plan: { upload: "echo no such bucket >&2; exit 3" } }));
    deepEqual(failing.notes, ["Not uploaded: the upload ended with 3: no such bucket. The backup itself is there."]);
    const hanging = await made(backupsOf({ ...at, plan: { upload: "sleep 600" }, more: { uploadMs: 100 } }));
    deepEqual(hanging.notes, [
      "Not uploaded: the upload did not end within 100ms, and was stopped. The backup itself is there.",
    ]);
    equal((await backupsOf(at).list()).length, 3);
  });

  it("lets older ones go, as the plan says", async () => {
    const backups = backupsOf(stand({ plan: { keep: { newest: 1 } } }));
    const first = await made(backups);
    const second = await made(backups);
    deepEqual(second.removed, [first.record.id]);
    deepEqual(
      (await backups.list()).map(({ id }) => id),
      [second.record.id],
    );
  });
});

/** How many sessions of this application wait for a lock. */
async function waiting(application: string): Promise<number> {
  const { rowCount } = await shop.query(
    "SELECT FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'",
    [application],
  );
  return rowCount ?? 0;
}
