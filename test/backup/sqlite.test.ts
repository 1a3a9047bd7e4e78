import { deepEqual, equal, match, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, beforeEach, describe, it } from "node:test";
import { setImmediate as breath } from "node:timers/promises";
import { createBackups, type BackupSettings } from "../../src/adapters/backup/backups.ts";
import { sqliteBackups } from "../../src/adapters/backup/sqlite/kind.ts";
import { pathOf } from "../../src/adapters/backup/sqlite/open.ts";
import { createSqliteMigrations } from "../../src/adapters/database/sqlite/migrations.ts";
import { openSession } from "../../src/adapters/database/sqlite/session.ts";
import { systemClock } from "../../src/adapters/clock/system.ts";
import type { Backups } from "../../src/ports/backups.ts";
import { startCommand } from "../e2e/support/command.ts";
import { smallDisk } from "../e2e/support/small-disk.ts";
import { spoil } from "../support/spoilt-sqlite.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/until.ts";
import { faultIn, going, made, target, verified } from "./stand.ts";

const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());
const files = stack.use(temporaryFolder());

const PAGE = 4_096;
let count = 0;
let path = "";
let folder = "";

function backupsOf(plan: Partial<BackupSettings["plan"]> = {}, migrating: BackupSettings["migrating"] = null): Backups {
  const redact = (text: string): string => text;
  const place = { path, folder: dirname(path), programs: { env: process.env, redact } };
  return createBackups({
    plan: { folder, keep: { newest: 3 }, encryptTo: [], ...plan },
    kind: sqliteBackups(place),
    clock: systemClock,
    migrating,
    directory: folder,
    env: process.env,
    redact,
  });
}

function sql(text: string, at = path): readonly Readonly<Record<string, unknown>>[] {
  const database = new DatabaseSync(at, { timeout: 5_000 });
  try {
    return database.prepare(text).all();
  } finally {
    database.close();
  }
}

const rowsIn = (at = path): number => Number(sql("SELECT count(*) AS n FROM orders", at)[0]?.["n"] ?? -1);

beforeEach(() => {
  path = files.file(`shop-${(count += 1)}.db`);
  folder = files.file(`backups-${count}`);
  const database = new DatabaseSync(path);
  database.exec(`PRAGMA journal_mode = WAL; CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT, weight REAL, data BLOB);
    CREATE INDEX by_note ON orders (note); CREATE VIEW heavy AS SELECT * FROM orders WHERE weight > 9;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
      INSERT INTO orders (note, weight, data) SELECT 'order ' || i, i / 7.0, CASE i % 3 WHEN 0 THEN NULL ELSE zeroblob(i % 5) END FROM n`);
  database.close();
  chmodSync(path, 0o640);
});

describe("A backup of SQLite", () => {
  it("holds what was there in one moment while others write, and lies alone in its folder", async () => {
    const writer = new DatabaseSync(path, { timeout: 5_000 });
    const over = new AbortController();
    const writing = (async () => {
      let written = 0;
      while (!over.signal.aborted) {
        writer.exec("INSERT INTO orders (note) VALUES ('meanwhile')");
        written += 1;
        await breath();
      }
      return written;
    })();
    const { record, path: file } = await made(backupsOf(), "restore");
    over.abort();
    ok((await writing) > 0);
    writer.close();
    equal(record.proof?.proof, "restore");
    deepEqual(record.contents.objects, { indexes: 1, tables: 1, views: 1 });
    equal(rowsIn(file), record.contents.tables[0]?.rows);
    equal(statSync(file).mode & 0o777, 0o600);
    await verified(backupsOf(), "restore");
    deepEqual(
      readdirSync(folder).filter((name) => !/-(wal|shm)$/.test(name)),
      [".gitignore", `${record.id}.json`, record.file],
    );
  });

  it("comes back beside what is there, with its rights and its way of logging; what was there is kept", async () => {
    const backups = backupsOf();
    await made(backups);
    sql("INSERT INTO orders (note) VALUES ('later') RETURNING id");
    const { losses, keptAs, way } = await backups.outlook(target());
    equal(way, "replace");
    deepEqual(losses, [{ name: "orders", before: 5_000, now: 5_001 }]);
    const restored = await backups.restore(target());
    equal(restored.keptAs, keptAs);
    equal(rowsIn(), 5_000);
    equal(rowsIn(keptAs ?? ""), 5_001);
    equal(statSync(path).mode & 0o777, 0o640);
    equal(sql("PRAGMA journal_mode")[0]?.["journal_mode"], "wal");
    equal((await backups.restore(target())).keptAs, `${keptAs}-2`);
    await backups.restore(target("elsewhere.db"));
    equal(rowsIn(files.file("elsewhere.db")), 5_000);
    equal(
      readdirSync(files.path).some((name) => name.includes("restoring")),
      false,
    );
  });

  it("is not put under those who have the database open: they would go on with the old file", async () => {
    const backups = backupsOf();
    await made(backups);
    const other = new DatabaseSync(path);
    other.exec("INSERT INTO orders (note) VALUES ('open')");
    const fault = await faultIn(backups.restore(target()));
    other.close();
    equal(fault.code, "restore-refused");
    equal(rowsIn(), 5_001);
    await backups.restore(target());
    equal(rowsIn(), 5_000);
  });

  it("that was cut off or changed is found out", async () => {
    const backups = backupsOf();
    const { path: file, record } = await made(backups);
    const whole = readFileSync(file);
    const bad = Buffer.from(whole);
    bad.fill(0xff, 4_096, 4_200);
    for (const bytes of [bad, whole.subarray(0, whole.length / 2)]) {
      writeFileSync(file, bytes);
      const fault = await faultIn(backups.verify({ ...target(null, record.id), proof: "decode", directory: null }));
      equal(fault.code, "backup-broken");
    }
    equal((await faultIn(backups.outlook(target()))).code, "backup-unknown");
  });

  it("encrypted holds no plain text, nor does anything that is made for its proof", async () => {
    spawnSync("age-keygen", ["-o", files.file("key")]);
    const recipient = /public key: (\S+)/.exec(readFileSync(files.file("key"), "utf8"))?.[1] ?? "";
    const backups = backupsOf({ encryptTo: [recipient] });
    const { record, path: file } = await made(backups, "restore");
    equal(record.proof?.proof, "restore");
    equal(readFileSync(file).includes("order 17"), false);
    deepEqual(readdirSync(folder).sort(), [".gitignore", record.file, `${record.id}.json`].sort());
    sql("DELETE FROM orders RETURNING id");
    await backups.restore(target(null, "newest", files.file("key")));
    equal(rowsIn(), 5_000);
    equal(sql("PRAGMA journal_mode")[0]?.["journal_mode"], "wal");
  });

  it("is tried by its migrations too, up, down and up again on a copy, and waits for who migrates", async () => {
    const version = files.file("version");
    mkdirSync(join(version, "db"), { recursive: true });
    const up = "ALTER TABLE orders ADD COLUMN state TEXT;";
    writeFileSync(
      join(version, "db", "1_state.sql"),
      `-- migrate:up\n${up}\n-- migrate:down\nALTER TABLE orders DROP COLUMN state;\n`,
    );
    const migrations = (at: string) => createSqliteMigrations({ path: at, folder: "db", assertions: [] });
    const backups = backupsOf({}, (copy) => migrations(pathOf(copy.url, "/")));
    const run = going();
    const { record } = await backups.make({ proof: "drill", release: null, by: "ann", directory: version, ...run });
    deepEqual(record.proof?.drill?.applied, ["db/1_state.sql"]);
    deepEqual(record.proof.drill.reversed, ["db/1_state.sql"]);
    equal(sql("SELECT count(*) AS n FROM pragma_table_info('orders') WHERE name = 'state'")[0]?.["n"], 0);

    const session = await openSession({
      path,
      application: "tidegate migrate up (ann)",
      signal: run.signal,
      boundMs: 1_000,
      otherRunMs: 0,
      onWait: () => undefined,
      onlyTries: false,
      isMade: false,
    });
    const waiting = going();
    const making = backups.make({ proof: "decode", release: null, by: "ann", directory: null, ...waiting });
    await until("it waits", () => waiting.told.some(({ kind }) => kind === "waiting-for-lock"));
    await session[Symbol.asyncDispose]();
    equal((await making).record.proof?.proof, "decode");
  });

  it("leaves nothing when the disk is full", async (context) => {
    const disk = smallDisk(folder, 1);
    if (disk === null) return context.skip("needs the right to mount a tmpfs");
    using mounted = disk;
    void mounted;
    sql(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 90) INSERT INTO orders (data) SELECT randomblob(20000) FROM n RETURNING id",
    );
    const fault = await faultIn(made(backupsOf()));
    equal(fault.code, "backup-disk-full");
    deepEqual(readdirSync(folder), [".gitignore"]);
  });

  it("is refused where there is no database, and none is made", async () => {
    path = files.file("nowhere.db");
    equal((await faultIn(made(backupsOf()))).what, "There is no database file of this name.");
    equal(existsSync(path), false);
  });

  it("waits for whoever has all of the database locked, and says who is in its way where that lasts", async () => {
    sql("PRAGMA journal_mode = DELETE");
    const other = new DatabaseSync(path);
    other.exec("BEGIN EXCLUSIVE");
    const [notice] = await backupsOf().notices(new AbortController().signal);
    match(notice?.sentence ?? "", /Somebody else has all of this database locked, so that nobody can read it/);
    const run = going();
    const tell: typeof run.tell = (progress) => {
      if (progress.kind === "waiting-for-lock") other.exec("COMMIT");
    };
    const order = { proof: "decode", release: null, by: "ann", directory: null, ...run, tell } as const;
    equal((await backupsOf().make(order)).record.proof?.proof, "decode");
    other.close();
  });

  it("of a damaged file is refused for what it is", async () => {
    sql("PRAGMA journal_mode = DELETE");
    for (const from of [PAGE, 100]) {
      spoil(path, from);
      const { code, where } = await faultIn(made(backupsOf()));
      deepEqual([code, where], ["database-damaged", path]);
    }
  });

  it("comes back in the place of what can't be read any more, which is kept with its log", async () => {
    const backups = backupsOf();
    await made(backups);
    const garbage = "this is no database ".repeat(1_000);
    const spoilt = [() => spoil(path, PAGE), () => spoil(path), () => writeFileSync(path, garbage)];
    for (const spoils of spoilt) {
      spoils();
      writeFileSync(`${path}-wal`, "a log that nobody can take in");
      const { losses, unreadable, keptAs } = await backups.outlook(target());
      deepEqual([losses, typeof unreadable], [[], "string"]);
      equal((await backups.restore(target())).keptAs, keptAs);
      equal(rowsIn(), 5_000);
    }
    const kept = readdirSync(files.path).filter((name) => name.startsWith(`shop-${count}.db.before-`));
    equal(kept.filter((name) => !/-(wal|shm)$/.test(name)).length, 3);
    ok(kept.some((name) => readFileSync(files.file(name), "utf8") === garbage));
  });

  it("comes back where a link to the database leads, which stays one", async () => {
    const real = path;
    path = files.file(`link-${count}.db`);
    symlinkSync(real, path);
    const backups = backupsOf();
    await made(backups);
    sql("DELETE FROM orders RETURNING id");
    equal((await backups.restore(target())).target, real);
    deepEqual([lstatSync(path).isSymbolicLink(), rowsIn(), rowsIn(real)], [true, 5_000, 5_000]);
  });

  it("comes back where the folder of the database is gone", async () => {
    path = files.file(`data-${count}`, "shop.db");
    mkdirSync(dirname(path));
    sql("CREATE TABLE orders (id int)");
    const backups = backupsOf();
    await made(backups);
    rmSync(dirname(path), { recursive: true });
    equal((await backups.outlook(target())).way, "new");
    await backups.restore(target());
    equal(rowsIn(), 0);
  });

  it("is made from the command line too, with the plan file's database", async () => {
    writeFileSync(
      join(files.path, "tidegate.yaml"),
      `app: shop\nservices:\n  web: { run: "true", health: / }\ntraffic: { embedded: 8080 }\ndatabase: { url: "sqlite:${path}", backups: { folder: ${folder} } }\n`,
    );
    const env = { PATH: process.env["PATH"], HOME: files.path, LANG: "C.UTF-8", TIDEGATE_USER: "ann" };
    const ended = await startCommand(["backup"], { cwd: files.path, env }).ended;
    equal(ended.code, 0, ended.stderr);
    match(
      ended.stdout.replaceAll(/\s+/g, " "),
      /^Backup \S+ of \S+ is made: restored beside and compared, 5000 rows in 1 table are the same\. file /,
    );

    writeFileSync(files.file("unreadable.db"), "this is no database ".repeat(100));
    const dry = await startCommand(["restore", "newest", "--dry-run", "--into", files.file("unreadable.db")], {
      cwd: files.path,
      env,
    }).ended;
    match(dry.stdout, /can't be read \(file is not a database\): nobody can say what will be lost\./);

    // Who has agreed beforehand is told what is lost all the same.
    sql("INSERT INTO orders (note) VALUES ('later') RETURNING id");
    const restored = await startCommand(["restore", "newest", "--yes", "--json"], { cwd: files.path, env }).ended;
    equal(restored.code, 0, restored.stderr);
    match(restored.stderr, /in the place of what is there\.\nWhat changes by that:\n {2}orders.*1 row/);
    const { outlook } = JSON.parse(restored.stdout) as { readonly outlook: { readonly losses: readonly unknown[] } };
    deepEqual(outlook.losses, [{ name: "orders", before: 5_000, now: 5_001 }]);
  });
});

it("An address of SQLite is a path: relative to the plan file's folder, or whole", () => {
  equal(pathOf("sqlite:data/shop.db", "/srv/shop"), "/srv/shop/data/shop.db");
  equal(pathOf("sqlite:/var/shop.db?mode=rw", "/srv/shop"), "/var/shop.db");
  equal(pathOf("sqlite3:///var/shop.db", "/srv/shop"), "/var/shop.db");
  equal(pathOf("sqlite:////var/shop.db", "/srv/shop"), "/var/shop.db");
});
