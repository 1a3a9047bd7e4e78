import { equal, match, ok } from "node:assert/strict";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { after, before, describe, it } from "node:test";
import type { Client } from "pg";
import type { PostgresFrom, RedisFrom } from "../../src/core/plan/source.ts";
import { postgresReplica } from "../support/postgres-replica.ts";
import { type PostgresServer, postgresServer } from "../support/postgres.ts";
import { redisServer } from "../support/redis.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/until.ts";
import { httpServer } from "../tasks/servers.ts";
import { answerOf, realMetrics } from "./stand.ts";

const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());

describe("A real Redis", () => {
  let socket = "";
  const of = (figure: RedisFrom["figure"], url = `unix://gate:w%40rd@${socket}`): RedisFrom => ({
    kind: "redis",
    url,
    figure,
  });

  before(async () => {
    const folder = stack.use(temporaryFolder());
    socket = folder.file("redis.sock");
    const lines = [
      "port 0",
      `unixsocket ${socket}`,
      "maxmemory 100mb",
      "user gate on >w@rd +info +get ~*",
      "user default on >other +@all ~*",
    ];
    stack.use(redisServer(folder, lines));
    await until("Redis listens", () => existsSync(socket));
  });

  const said = (line: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const client = connect(socket, () => client.write(`AUTH other\r\n${line}\r\nQUIT\r\n`));
      let text = "";
      client
        .on("data", (chunk) => (text += chunk.toString()))
        .on("end", () => resolve(text))
        .on("error", reject);
    });

  it("says how much of its memory is used, and how many are connected", async () => {
    const memory = Number(await answerOf(of("memory")));
    ok(memory > 0 && memory < 0.1, String(memory));
    equal(await answerOf(of("clients")), "1");
  });

  it("says which part of the look-ups found something since the last question", async () => {
    const metrics = realMetrics();
    await said("SET known 1");
    await said("GET known");
    equal(await answerOf(of("hit-rate"), { metrics }), "no-data: it is counted from now on");
    equal(await answerOf(of("hit-rate"), { metrics }), "no-data: nobody looked anything up in it");
    for (const key of ["known", "known", "known", "unknown"]) await said(`GET ${key}`);
    equal(await answerOf(of("hit-rate"), { metrics }), "0.75");
    equal(await answerOf(of("evictions"), { metrics }), "no-data: it is counted from now on");
    equal(await answerOf(of("evictions"), { metrics }), "0");
  });

  it("that is away, lets nobody in or is something else is down", async () => {
    match(
      await answerOf(of("memory", `unix://gate:wrong@${socket}`)),
      /^down: Redis answers: WRONGPASS .* \| write user and password/,
    );
    match(await answerOf(of("memory", `unix://${socket}`)), /^down: Redis answers: NOAUTH/);
    equal(await answerOf(of("memory", "redis://127.0.0.1:1")), "down: nothing listens at 127.0.0.1:1");
    await using server = await httpServer((_, response) => response.end());
    match(
      await answerOf(of("memory", server.url.replace("http:", "redis:"))),
      /^down: what (answers there|listens at \S+) (is no Redis|closed)/,
    );
  });
});

describe("A real PostgreSQL", () => {
  let server: PostgresServer;
  const of = (figure: PostgresFrom["figure"], more: Partial<PostgresFrom> = {}): PostgresFrom => ({
    kind: "postgres",
    url: server.url(),
    figure,
    ...more,
  });
  const session = (name: string): Promise<Client> => server.session(server.url(), name);

  before(async () => {
    server = stack.use(await postgresServer(["fsync=off", "max_connections=20"]));
  });

  it("says which part of its connections is taken, of one application alone too", async () => {
    await session("web-v1");
    await session("web-v2");
    equal(Number(await answerOf(of("connections"))).toFixed(3), (2 / 17).toFixed(3));
    equal(Number(await answerOf(of("connections", { application: "web-${version}" }))).toFixed(3), (1 / 17).toFixed(3));
  });

  it("counts queries that take long, and says how old the oldest transaction is", async () => {
    const slow = await session("slow");
    await slow.query("BEGIN");
    const sleeping = slow.query("SELECT pg_sleep(30)").catch(() => undefined);
    await until("one is slow", async () => (await answerOf(of("slow-queries", { slowMs: 100 }))) === "1");
    equal(await answerOf(of("slow-queries", { slowMs: 20_000 })), "0");
    ok(Number(await answerOf(of("longest-transaction"))) >= 0.1);
    const other = await session("ends-it");
    await other.query("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'slow'");
    await sleeping;
    await slow.end();
  });

  it("counts who waits for another one's lock", async () => {
    const [first, second] = [await session("first"), await session("second")];
    await first.query("CREATE TABLE carts (id int)");
    await first.query("BEGIN; LOCK TABLE carts");
    equal(await answerOf(of("blocked")), "0");
    const waiting = second.query("SELECT * FROM carts");
    await until("one waits", async () => (await answerOf(of("blocked"))) === "1");
    equal(await answerOf(of("blocked", { application: "first" })), "0");
    await first.query("COMMIT");
    await waiting;
    equal(await answerOf(of("blocked")), "0");
  });

  it("says how far the slowest replica is behind, and has no data where there is none", async () => {
    equal(await answerOf(of("replication-lag")), "no-data: the query finds nothing");
    await using replica = await postgresReplica(server);
    await until("it follows", async () => Number(await answerOf(of("replication-lag"))) >= 0);
    const writer = await session("writer");
    await replica.pause();
    await writer.query("CREATE TABLE IF NOT EXISTS written (id int)");
    await until("it is behind", async () => {
      await writer.query("INSERT INTO written VALUES (1)");
      return Number(await answerOf(of("replication-lag"))) > 0.2;
    });
  });

  it("gives one number by a query of the user's, which can only read", async () => {
    equal(await answerOf(of("query", { query: "SELECT length('${version}') * 21" })), "42");
    const subject = { version: "it's", slot: "green", service: "web", app: "shop", environment: "production" };
    equal(await answerOf(of("query", { query: "SELECT length('${version}')" }), { subject }), "4");
    equal(await answerOf(of("query", { query: "SELECT NULL" })), "no-data: the query gives nothing");
    equal(await answerOf(of("query", { query: "SELECT 1 WHERE false" })), "no-data: the query finds nothing");
    match(
      await answerOf(of("query", { query: "SELECT 1 UNION SELECT 2" })),
      /^down: the query gives 2 rows of 1 where one number is needed/,
    );
    match(
      await answerOf(of("query", { query: "SELEC 1" })),
      /^down: PostgreSQL does not take the query: syntax error .* \| mend the query$/,
    );
    match(
      await answerOf(of("query", { query: "CREATE TABLE x (a int)" })),
      /cannot execute CREATE TABLE in a read-only transaction/,
    );
    equal(
      await answerOf(of("query", { query: "SELECT 1 FROM pg_sleep(20)" }), { timeoutMs: 300 }),
      "down: PostgreSQL gives no answer within 300ms",
    );
  });

  it("that is away, or does not know the user, is down, and no password is told", async () => {
    match(
      await answerOf(of("connections", { url: "postgres://x:pass-word@127.0.0.1:1/x" })),
      /^down: PostgreSQL does not listen there/,
    );
    const metrics = realMetrics({ SECRET: "pass-word" });
    const unknown = await answerOf(of("connections", { url: server.url("postgres", "nobody:${SECRET}") }), { metrics });
    match(unknown, /^down: PostgreSQL lets nobody in: role "nobody" does not exist \| check user and password/);
  });
});
