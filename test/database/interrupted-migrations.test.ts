import { deepEqual, equal, match } from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { after, before, describe, it } from "node:test";
import { type PostgresServer, postgresServer } from "../support/postgres.ts";
import { until } from "../support/until.ts";
import { type DatabaseUnderTest, databaseUnderTest, faultOf } from "./stand.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const stack = new AsyncDisposableStack();
let server: PostgresServer;
before(async () => {
  server = stack.use(await postgresServer());
});
after(() => stack.disposeAsync());

/** `tidegate migrate up` as a process of its own. */
function commandLine(app: DatabaseUnderTest): ChildProcess {
  const child = spawn(process.execPath, [MAIN, "migrate", "up", "--folder", "db", "--wait", "20s"], {
    cwd: app.directory,
    env: { ...process.env, DATABASE_URL: app.url },
    stdio: "ignore",
  });
  stack.defer(() => void child.kill("SIGKILL"));
  return child;
}

async function killed(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}

async function isRunning(app: DatabaseUnderTest, query: string): Promise<boolean> {
  const [count] = await app.column(
    `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid() AND query LIKE '${query}%'`,
  );
  return count !== "0";
}

describe("Migrations that are cut off", () => {
  it("by kill -9 between statements and within one end as if nothing had been, when they are run again", async () => {
    const steps = [1, 2, 3].map(
      (n) => `INSERT INTO seen VALUES (${n});\nSELECT pg_sleep(60) FROM pause WHERE at = ${n};`,
    );
    for (const [mark, kills] of [
      ["-- migrate:up transaction:false", [1, 2, 3]],
      ["-- migrate:up", [2]],
    ] as const) {
      await using app = await databaseUnderTest(server, { "1_steps.sql": `${mark}\n${steps.join("\n")}\n` });
      await app.client.query("CREATE TABLE seen (n int); CREATE TABLE pause (at int)");
      for (const at of kills) {
        await app.client.query(`DELETE FROM pause; INSERT INTO pause VALUES (${at})`);
        const child = commandLine(app);
        await until(
          "it is in the middle",
          () => isRunning(app, `SELECT pg_sleep(60) FROM pause WHERE at = ${at}`),
          20_000,
        );
        await killed(child);
      }
      await app.client.query("DELETE FROM pause");
      equal((await app.up()).applied.length, 1);
      deepEqual(await app.column("SELECT n FROM seen ORDER BY n"), ["1", "2", "3"]);
    }
  });

  it("by kill -9 during CREATE INDEX CONCURRENTLY leave an INVALID index, which is dropped and built again", async () => {
    await using app = await databaseUnderTest(server, {
      "1_index.sql":
        "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY x ON t (id);\nINSERT INTO t VALUES (0);",
    });
    await app.client.query("CREATE TABLE t (id int); INSERT INTO t SELECT generate_series(1, 100)");
    const old = await server.session(app.url);
    // It waits for a transaction that is older than the index.
    await old.query("BEGIN; INSERT INTO t VALUES (101)");
    const child = commandLine(app);
    await until(
      "the index is being built",
      async () => (await app.column("SELECT count(*) FROM pg_index WHERE NOT indisvalid"))[0] === "1",
      20_000,
    );
    await killed(child);
    await until("the server has noticed", async () => !(await isRunning(app, "CREATE INDEX")), 20_000);
    deepEqual(await app.column("SELECT indisvalid FROM pg_index WHERE indexrelid = 'x'::regclass"), ["false"]);
    await old.query("COMMIT");
    await app.up();
    deepEqual(await app.column("SELECT indisvalid FROM pg_index WHERE indexrelid = 'x'::regclass"), ["true"]);
    deepEqual(await app.column("SELECT count(*) FROM t WHERE id = 0"), ["1"]);
  });

  it("right after a statement that runs outside of transactions know that it was done", async () => {
    await using app = await databaseUnderTest(server, {
      "1_index.sql":
        "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY x ON t (id);\nDROP INDEX CONCURRENTLY y;",
    });
    await app.client.query("CREATE TABLE t (id int); CREATE INDEX y ON t (id)");
    const attempted = (n: number): string =>
      `UPDATE tidegate_migrations SET state = 'applying', reached = ${n}, attempting = ${n}; DELETE FROM schema_migrations`;
    await app.up();
    for (const n of [0, 1]) {
      await app.client.query(attempted(n));
      if (n === 0) await app.client.query("CREATE INDEX y ON t (id)");
      equal((await app.up()).applied.length, 1, `it was cut off behind statement ${n + 1}`);
    }
    deepEqual(await app.column("SELECT indisvalid FROM pg_index WHERE indrelid = 't'::regclass"), ["true"]);
  });

  it("by a restart of the server say so, and go on afterwards", async () => {
    const own = await postgresServer();
    try {
      await using app = await databaseUnderTest(own, {
        "1_a.sql": "CREATE TABLE a (id int);",
        "2_b.sql": "CREATE TABLE b (id int); SELECT pg_sleep(s) FROM pause;",
      });
      await app.client.query("CREATE TABLE pause (s int); INSERT INTO pause VALUES (60)");
      const running = faultOf(app.up());
      await until("it is in the middle", () => isRunning(app, "SELECT pg_sleep"));
      await own.restart();
      const fault = await running;
      deepEqual(
        [fault.code, fault.what],
        ["database-lost", "The connection to the database broke in the middle of db/2_b.sql."],
      );
      const again = await own.session(app.url);
      await again.query("DELETE FROM pause");
      deepEqual(
        (await app.up()).applied.map(({ file }) => file),
        ["db/2_b.sql"],
      );
    } finally {
      await own[Symbol.asyncDispose]();
    }
  });
});

describe("A pooler", () => {
  it("in transaction mode is refused, and in session mode is not", async () => {
    await using app = await databaseUnderTest(server, { "1_a.sql": "CREATE TABLE a (id int);" });
    const name = new URL(app.url).pathname.slice(1);
    const pooled = async (mode: string): Promise<string> => {
      const folder = `${server.folder}/${mode}`;
      mkdirSync(folder);
      if (server.user !== undefined) chownSync(folder, server.user.uid, server.user.gid);
      const lines = [
        "[databases]",
        `${name} = host=${server.folder} dbname=${name} user=gate`,
        "[pgbouncer]",
        `unix_socket_dir = ${folder}`,
        "listen_addr =",
        "auth_type = any",
        `pool_mode = ${mode}`,
        "ignore_startup_parameters = extra_float_digits",
      ];
      writeFileSync(`${folder}/pgbouncer.ini`, lines.join("\n"));
      const child = spawn("pgbouncer", [`${folder}/pgbouncer.ini`], { stdio: "ignore", ...server.user });
      stack.defer(async () => {
        child.kill("SIGKILL");
        if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      });
      await until("PgBouncer listens", () => isListening(`${folder}/.s.PGSQL.6432`));
      return `postgres://gate@localhost:6432/${name}?host=${encodeURIComponent(folder)}`;
    };
    const going = {
      directory: app.directory,
      phases: ["expand"],
      release: null,
      by: "alice",
      dryRun: false,
      tell: () => undefined,
    } as const;
    const signal = new AbortController().signal;
    const fault = await faultOf(app.other({ url: await pooled("transaction") }).up({ ...going, signal }));
    equal(fault.code, "database-pooled");
    match(fault.fix ?? "", /the address of PostgreSQL itself/);
    equal((await app.other({ url: await pooled("session") }).up({ ...going, signal })).applied.length, 1);
  });
});

/** Its file is there a moment before anybody listens. */
function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path }, () => socket.end(() => resolve(true)));
    socket.once("error", () => resolve(false));
  });
}
