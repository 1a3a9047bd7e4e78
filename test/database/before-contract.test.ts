import { deepEqual, equal } from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { FaultError } from "../../src/core/fault.ts";
import { type PostgresServer, postgresServer } from "../support/postgres.ts";
import { until } from "../support/until.ts";
import { databaseUnderTest, faultOf } from "./stand.ts";

let server: PostgresServer;
before(async () => {
  server = await postgresServer();
});
after(() => server[Symbol.asyncDispose]());

const ORDERS =
  "CREATE TABLE orders (id int, note text); INSERT INTO orders SELECT n, 'x' FROM generate_series(1, 4) n;";
const FILES = {
  "1_orders.sql": ORDERS,
  "2_whole.sql": "-- phase: contract\nALTER TABLE orders DROP COLUMN note;",
  "3_parts.sql":
    "-- phase: contract\n-- migrate:up transaction:false\nDROP TABLE IF EXISTS gone;\nDROP INDEX CONCURRENTLY IF EXISTS a;\nDROP TABLE orders;",
};

describe("Before a contract takes something away of PostgreSQL", () => {
  it("who wants to know is asked once for each such file, and before anything is gone", async () => {
    await using app = await databaseUnderTest(server, FILES);
    const seen: string[] = [];
    const columns = "SELECT column_name FROM information_schema.columns WHERE table_name = 'orders' ORDER BY 1";
    const beforeContract = async (file: string): Promise<void> => {
      // What is not committed nobody else can see; it is locked, so the catalogue is asked.
      seen.push(`${file}: ${(await app.column(columns)).join(" ")}`);
    };
    equal((await app.up({ beforeContract })).applied.length, 3);
    deepEqual(seen, ["db/2_whole.sql: id note", "db/3_parts.sql: id"]);
  });

  it("it is taken back where the answer is no, with what was said", async () => {
    await using app = await databaseUnderTest(server, FILES);
    const no = new FaultError({ code: "journal-full", what: "There is no room left for the journal." });
    const fault = await faultOf(app.up({ beforeContract: () => Promise.reject(no) }));
    deepEqual([fault.code, fault.isBeforehand], ["journal-full", true]);
    deepEqual(await app.column("SELECT note FROM orders WHERE id = 1"), ["x"]);
  });

  it("nobody is asked while it waits for its locks", async () => {
    await using app = await databaseUnderTest(server, FILES);
    await app.up({ phases: ["expand"] });
    const reader = await server.session(app.url, "report");
    await reader.query("BEGIN; SELECT count(*) FROM orders");
    const asked: string[] = [];
    const running = app.up({ beforeContract: async (file) => void asked.push(file) });
    await until("it waits", () => app.told.some(({ kind }) => kind === "blocked"));
    deepEqual(asked, []);
    await reader.query("COMMIT");
    equal((await running).applied.length, 2);
    equal(asked.length, 2);
    await reader.end();
  });

  it("what does not take away is nobody's business", async () => {
    await using app = await databaseUnderTest(server, { "1_orders.sql": ORDERS });
    equal((await app.up({ beforeContract: () => Promise.reject(new Error("asked")) })).applied.length, 1);
  });
});
