import { equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { databaseIn, leadAddress, leadVariable, serverNamed } from "../../src/core/rehearsal/database-lead.ts";

const BESIDE = { name: "shop", copy: "shop_rehearsal_1" };
const OWN_SERVER = { name: "shop", copy: "shop", at: { host: "postgres", port: 5_432 } };

describe("What leads to the app's database", () => {
  it("leads to the copy on the same server, with user, driver and settings as they were", () => {
    for (const [address, led] of [
      ["postgres://a:p%40ss@db1:5432/shop", "postgres://a:p%40ss@db1:5432/shop_rehearsal_1"],
      [
        "postgresql+asyncpg://a@pooler/shop?sslmode=require",
        "postgresql+asyncpg://a@pooler/shop_rehearsal_1?sslmode=require",
      ],
      ["jdbc:postgresql://db1/shop?user=a", "jdbc:postgresql://db1/shop_rehearsal_1?user=a"],
      ["postgres://a@db1,db2:5433/shop", "postgres://a@db1,db2:5433/shop_rehearsal_1"],
      ["postgres:///shop?host=/run/postgresql", "postgres:///shop_rehearsal_1?host=/run/postgresql"],
      ["postgres://a@db1/stats", null],
      ["postgres://a@db1", null],
      ["redis://cache/shop", null],
      ["shop", null],
    ] as const)
      equal(leadAddress(address, BESIDE), led, address);
  });

  it("leads to another server where the copy is there, past poolers and sockets, and however often it is led", () => {
    for (const address of [
      "postgres://a@127.0.0.1:6432/shop",
      "postgres://a@postgres/shop",
      "postgres://a@localhost/shop?host=%2Frun%2Fpostgresql",
      "postgres://a@postgres:5432/shop",
    ])
      equal(leadAddress(address, OWN_SERVER), "postgres://a@postgres:5432/shop", address);
    const again = { ...BESIDE, at: { host: "db1" } };
    equal(leadAddress("postgres://a@here/shop_rehearsal_1", again), "postgres://a@db1/shop_rehearsal_1");
    const socket = { ...BESIDE, at: { host: "localhost", socket: "/run/pg" } };
    equal(leadAddress("postgres://a@db1/shop", socket), "postgres://a@localhost/shop_rehearsal_1?host=%2Frun%2Fpg");
  });

  it("is also a variable that is named for a database's name, and holds it", () => {
    for (const variable of ["PGDATABASE", "DB_NAME", "SHOP_DATABASE_NAME", "POSTGRES_DB"])
      equal(leadVariable(variable, "shop", BESIDE), "shop_rehearsal_1", variable);
    equal(leadVariable("DB_NAME", "stats", BESIDE), null);
    equal(leadVariable("THEME", "shop", BESIDE), null);
  });

  it("is known by its name and its server", () => {
    equal(databaseIn("postgres://a@db1/my%20shop?x=1"), "my shop");
    equal(databaseIn("postgres://a@db1"), null);
    equal(serverNamed("URL", "postgres://a@db1:5432/shop"), "db1");
    for (const variable of ["PGHOST", "POSTGRES_HOST", "DB_HOST", "SHOP_DATABASE_HOST"])
      equal(serverNamed(variable, "db1"), "db1", variable);
    equal(serverNamed("REDIS_HOST", "cache"), null);
  });
});
