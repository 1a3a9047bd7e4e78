import { deepEqual, equal, match, ok } from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { connectPostgres, ofDatabase, placeOf } from "../../src/adapters/database/postgres/connect.ts";
import type { Fault } from "../../src/core/fault.ts";
import { FaultError } from "../../src/core/fault.ts";
import { type PostgresServer, postgresServer } from "../support/postgres.ts";

let server: PostgresServer;
before(async () => {
  server = await postgresServer();
});
after(() => server[Symbol.asyncDispose]());

const settingsOf = (url: string, values: Record<string, string> = {}) => ({
  url,
  values: () => values,
  redact: (text: string) => text,
});
const ask = () => ({ application: "tidegate test", signal: new AbortController().signal, timeoutMs: 20_000 });

async function faultOf(url: string, values: Record<string, string> = {}): Promise<Fault> {
  try {
    await using _ = await connectPostgres(settingsOf(url, values), ask());
  } catch (error) {
    if (error instanceof FaultError) return error.fault;
    throw error;
  }
  throw new Error("It was let in.");
}

describe("A connection to the app's database", () => {
  it("has a name of its own, takes SQLAlchemy's way to write an address, and gets to other databases of the server", async () => {
    const url = server.url().replace("postgres:", "postgresql+psycopg2:");
    await using connection = await connectPostgres(settingsOf("${URL}", { URL: url }), ask());
    const { rows } = await connection.client.query(
      "SELECT application_name AS name FROM pg_stat_activity WHERE pid = pg_backend_pid()",
    );
    deepEqual(rows, [{ name: "tidegate test" }]);
    await using other = await connectPostgres(settingsOf(url), { ...ask(), database: "template1" });
    deepEqual((await other.client.query("SELECT current_database() AS name")).rows, [{ name: "template1" }]);
    equal(ofDatabase("postgres://u:p%40w@h:5/a?x=1", "b c"), "postgres://u:p%40w@h:5/b%20c?x=1");
  });

  it("says who is not let in, what does not listen and what is not there, and never a password", async () => {
    const wrong = await faultOf(server.url("postgres", "secret:${WORD}"), { WORD: "not-the-word" });
    equal(wrong.code, "database-refused");
    equal(wrong.what, "PostgreSQL lets nobody in.");
    ok(!JSON.stringify(wrong).includes("not-the-word"));
    equal(
      (await faultOf(server.url("postgres", "secret"))).what,
      "PostgreSQL asks for a password, and the address has none.",
    );
    equal((await faultOf(server.url("nowhere"))).what, "There is no database of this name.");
    const away = await faultOf("postgres://gate:word@127.0.0.1:1/shop");
    deepEqual([away.what, away.where], ["PostgreSQL does not listen there.", "shop at 127.0.0.1:1"]);
    equal(placeOf("nonsense"), "the database");
  });

  it("is refused before anybody is asked where its password is not escaped, and no piece of that is shown", async () => {
    for (const url of [
      "postgres://shop:p@ss#word@db/shop",
      "postgres://shop:1/ss@db/shop",
      "postgres://a:s?s#x@db/y",
      "postgres://shop:1?ss@db/shop",
    ]) {
      const fault = await faultOf(url);
      deepEqual([fault.code, fault.where], ["database-unreachable", "database.url"]);
      ok(fault.fix?.includes("%23"));
      equal(/\bss\b|\bword|s\?s/.test(JSON.stringify(fault)), false);
      equal(placeOf(url), "the database");
    }
    const flat = await faultOf("postgres:shop:word@127.0.0.1/lab");
    match(flat.what, /it begins with no `postgres:\/\/`/);
    equal(flat.where, "database.url");
    equal(JSON.stringify(flat).includes("word@"), false);
    const ofVariable = await faultOf("${SHOP_DATABASE}", { SHOP_DATABASE: "postgres://shop:p@ss#word@db/shop" });
    equal(ofVariable.where, "SHOP_DATABASE", "where somebody can mend it");
    const given = { ...settingsOf("postgres://shop:p@ss#word@db/shop"), writtenIn: "--database" };
    const refused = (await connectPostgres(given, ask()).catch((thrown: FaultError) => thrown)) as FaultError;
    equal(refused.fault.where, "--database");
    equal(placeOf("postgres:shop:word@127.0.0.1/lab"), "the database");
    equal(placeOf("postgres://shop:a%23b@db:5433/shop?application_name=a@b"), "shop at db:5433");
  });

  it("that is given up while it comes about fails with the reason, and is not waited for", async () => {
    const giving = new AbortController();
    const connecting = connectPostgres(settingsOf(server.url()), { ...ask(), signal: giving.signal });
    const failing = connecting.catch((thrown: Error) => thrown);
    // It has asked for the driver, and not yet heard from the server.
    await import("pg");
    await new Promise((resolve) => setImmediate(resolve));
    giving.abort(new Error("given up"));
    equal(((await failing) as Error).message, "given up");
  });

  it("that was given up before is not opened", async () => {
    const signal = AbortSignal.abort(new Error("given up"));
    const error = await connectPostgres(settingsOf(server.url()), { ...ask(), signal }).catch(
      (thrown: Error) => thrown,
    );
    equal((error as Error).message, "given up");
  });
});
