import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Finding } from "../../src/core/migration/finding.ts";
import type { Catalogue, Relation, ServedQueries, Serving } from "../../src/core/migration/serving.ts";
import { lint } from "../../src/migrations/lint/lint.ts";
import { judgeBy } from "../../src/migrations/serving/judge.ts";
import { loadParser } from "../../src/migrations/sql/parser.ts";

const parse = await loadParser();

const relation = (name: string, more: Partial<Relation> = {}): Relation => ({
  name,
  schema: "public",
  isVisible: true,
  kind: "table",
  rows: 5_000_000,
  bytes: 900_000_000,
  table: null,
  columns: [],
  constraints: [],
  indexes: [],
  readers: [],
  ...more,
});
const column = (name: string) => ({ name, type: "text", isNotNull: false, hasDefault: false });
const unique = (name: string, columns: readonly string[]) => ({ name, isUnique: true, isPartial: false, columns });

const CUSTOMERS = relation("customers", {
  columns: ["id", "email", "note"].map(column),
  constraints: [
    { name: "customers_email", kind: "unique", columns: ["email"], isValidated: true, notNullOf: null },
    { name: "adult", kind: "check", columns: ["age"], isValidated: true, notNullOf: null },
  ],
  indexes: [unique("customers_email", ["email"])],
  readers: [{ view: "notes", column: "note" }],
});
const CATALOGUE: Catalogue = {
  relations: [CUSTOMERS, relation("orders"), relation("tags", { rows: 40, bytes: 16_384 })],
  types: [{ name: "mood", tables: ["customers"] }],
  functions: [],
  schemas: [],
  mentions: [],
};
const queries = (list: readonly string[], doubt: string | null = null): ServedQueries => ({
  from: "db/queries.sql",
  list: list.map((sql, index) => ({ name: `q${index + 1}`, sql, calls: null })),
  doubt,
});

const judged = (sql: string, serving: Partial<Serving> = {}, rule?: string): Finding | undefined => {
  const judge = judgeBy({ catalogue: CATALOGUE, queries: null, ...serving }, parse);
  const all = lint([{ name: "1.sql", text: sql }], { parse, isTransactionAssumed: false, judge });
  const findings = all.flatMap((each) => each.findings).filter(({ kind }) => kind !== "style");
  return findings.find((each) => (rule === undefined ? each.rule !== "require-timeout-settings" : each.rule === rule));
};
const weight = (...of: Parameters<typeof judged>): readonly (string | undefined)[] => {
  const found = judged(...of);
  return [found?.severity, found?.known];
};

describe("what serves now", () => {
  it("needs a column that one of its queries names, takes with *, reads by a view or gives by position", () => {
    const drop = "ALTER TABLE customers DROP COLUMN note";
    for (const sql of [
      "SELECT c.note FROM customers c WHERE c.id = $1",
      "SELECT * FROM customers",
      "SELECT row_to_json(c) FROM customers c",
      "INSERT INTO customers VALUES (1, 'a', 'b')",
      "UPDATE customers SET note = 'x'",
      "SELECT count(*) FROM notes",
      "WITH c AS (SELECT note FROM customers) SELECT * FROM c",
    ])
      assert.deepEqual(weight(drop, { queries: queries([sql]) }), ["error", "q1 needs it."], sql);
    const other = queries(["SELECT id FROM customers", "SELECT o.note FROM orders o JOIN customers c ON c.id = o.id"]);
    assert.deepEqual(weight(drop, { queries: other }), [
      "info",
      "Of 2 queries of db/queries.sql none uses customers.note.",
    ]);
  });

  it("needs the unique index that its ON CONFLICT finds, and no other", () => {
    const upsert = queries(["INSERT INTO customers (email) VALUES ($1) ON CONFLICT (email) DO NOTHING"]);
    const needed = ["error", "q1 needs it."];
    assert.deepEqual(weight("ALTER TABLE customers DROP CONSTRAINT customers_email", { queries: upsert }), needed);
    const named = queries([
      "INSERT INTO customers (email) VALUES ($1) ON CONFLICT ON CONSTRAINT customers_email DO NOTHING",
    ]);
    assert.deepEqual(weight("ALTER TABLE customers DROP CONSTRAINT customers_email", { queries: named }), needed);
    const index: Catalogue = {
      ...CATALOGUE,
      relations: [...CATALOGUE.relations, relation("customers_email", { kind: "index", table: "customers" })],
    };
    const drop = "DROP INDEX CONCURRENTLY customers_email";
    assert.deepEqual(weight(drop, { catalogue: index, queries: upsert }, "dropping-unique-index"), needed);
    const twice: Catalogue = {
      ...index,
      relations: index.relations.map((each) =>
        each.name === "customers" ? { ...each, indexes: [...each.indexes, unique("other", ["email"])] } : each,
      ),
    };
    assert.equal(weight(drop, { catalogue: twice, queries: upsert }, "dropping-unique-index")[0], "info");
    assert.match(
      judged("ALTER TABLE customers DROP CONSTRAINT adult")?.known ?? "",
      /^adult is a check: no query needs it/,
    );
  });

  it("can't give a column that must be given, unless nothing inserts or all of it does", () => {
    const must = "ALTER TABLE customers ALTER COLUMN note SET NOT NULL";
    const rule = "narrowing-constraint";
    const inserts = queries(["INSERT INTO customers (email) VALUES ($1)"]);
    assert.deepEqual(weight(must, { queries: inserts }, rule), ["error", "q1 needs it."]);
    const gives = queries(["INSERT INTO customers (email, note) VALUES ($1, $2)"]);
    assert.deepEqual(weight(must, { queries: gives }, rule), ["warning", "q1 may feel it."]);
    assert.equal(weight(must, { queries: queries(["SELECT 1"]) }, rule)[0], "info");
    const required = "ALTER TABLE customers ADD COLUMN age int NOT NULL";
    assert.equal(weight(required, { queries: inserts })[0], "error");
    assert.equal(weight(required, { queries: queries(["SELECT id FROM customers"]) })[0], "info");
    const drop = "ALTER TABLE customers ALTER COLUMN note DROP DEFAULT";
    assert.deepEqual([weight(drop, { queries: inserts })[0], weight(drop, { queries: gives })[0]], ["error", "info"]);
  });

  it("may need more than was seen of it: then nothing is lowered, and why is said", () => {
    const drop = "DROP TABLE orders";
    const seen = queries(["SELECT 1"], "it has looked for 5m only");
    assert.deepEqual(weight(drop, { queries: seen }), [
      "error",
      "Of 1 query of db/queries.sql none uses orders, but it has looked for 5m only.",
    ]);
    const catalogue = { ...CATALOGUE, mentions: [{ name: "orders", by: "sum_up" }] };
    assert.deepEqual(weight(drop, { catalogue, queries: queries(["SELECT 1"]) }), [
      "error",
      "Of 1 query of db/queries.sql none uses orders, but the function sum_up names it.",
    ]);
    assert.deepEqual(weight(drop), ["error", undefined]);
    assert.deepEqual(weight("ALTER TABLE customers DROP COLUMN note"), ["error", "The view notes reads it."]);
    assert.equal(weight(drop, { queries: queries(["SELEC wrong FROM orders"]) })[0], "error");
  });

  it("does not wait for a small table, and is told how large one is", () => {
    const index = (table: string): string => `CREATE INDEX i ON ${table} (id)`;
    assert.deepEqual(weight(index("tags")), ["info", "tags is small (about 40 rows, 16.4 KB): this takes a moment."]);
    assert.deepEqual(weight(index("orders")), ["error", "orders has about 5 000 000 rows, 900 MB."]);
    assert.deepEqual(weight("ALTER TABLE tags ALTER COLUMN id TYPE text"), [
      "warning",
      "tags is small (about 40 rows, 16.4 KB): this takes a moment.",
    ]);
  });

  it("does not use what is not there, or what files before have made that the database does not have", () => {
    assert.deepEqual(weight("DROP TABLE IF EXISTS gone"), ["info", "There is no gone in this database."]);
    const judge = judgeBy({ catalogue: CATALOGUE, queries: null }, parse);
    const files = [
      { name: "1.sql", text: "CREATE TABLE orders (id int);", isApplied: "whole" as const },
      { name: "2.sql", text: "CREATE TABLE bills (id int);" },
      { name: "3.sql", text: "CREATE INDEX b ON bills (id);\nCREATE INDEX o ON orders (id);\nDROP TABLE bills;" },
    ];
    const all = lint(files, { parse, isTransactionAssumed: true, judge, isForward: true });
    assert.deepEqual(
      all.flatMap(({ line, file, findings }) =>
        findings.filter(({ severity }) => severity === "error").map(({ rule }) => `${file}:${line} ${rule}`),
      ),
      ["3.sql:2 require-concurrent-index-creation"],
    );
  });

  it("needs a table of the schema that its queries write, and of any where they write none", () => {
    const users = (schema: string, isVisible = false) =>
      relation("users", { schema, isVisible, columns: [column("x")] });
    const catalogue = { ...CATALOGUE, relations: [users("public", true), users("a"), users("b")] };
    const severity = (sql: string, ...asked: readonly string[]) =>
      judged(sql, { catalogue, queries: queries(asked) })?.severity;
    const drop = (name: string): string => `ALTER TABLE ${name} DROP COLUMN x`;
    assert.equal(severity(drop("a.users"), "SELECT x FROM b.users"), "info");
    assert.equal(severity(drop("a.users"), "SELECT x FROM b.users", "SELECT u.x FROM a.users u"), "error");
    // Nobody knows where the service looks for it.
    assert.equal(severity(drop("a.users"), "SELECT x FROM users"), "error");
    // Of the migration it is known: what is found without a schema.
    assert.equal(severity(drop("users"), "SELECT x FROM a.users"), "info");
    assert.equal(severity(drop("users"), "SELECT users.x FROM public.users"), "error");
    assert.equal(severity(`SET search_path TO a; ${drop("users")}`, "SELECT x FROM public.users"), "info");
    assert.match(judged(drop("c.users"), { catalogue })?.known ?? "", /There is no c\.users in this database/);
  });

  it("is asked for nothing by a contract, of which the file need not say that it is one", () => {
    const judge = judgeBy({ catalogue: CATALOGUE, queries: null }, parse);
    const file = { name: "1.sql", text: "DROP TABLE orders;", phase: "contract" as const };
    const all = lint([file], { parse, isTransactionAssumed: true, judge });
    assert.ok(!all.flatMap(({ findings }) => findings).some(({ kind }) => kind === "compat"));
  });

  it("has columns that are proven not to be null, whatever the files say", () => {
    const known = relation("orders", {
      columns: [{ ...column("a"), isNotNull: true }, column("b"), column("c")],
      constraints: [{ name: "b_known", kind: "check", columns: ["b"], isValidated: true, notNullOf: "b" }],
    });
    const catalogue = { ...CATALOGUE, relations: [known] };
    const rule = "adding-not-nullable-field";
    const set = (name: string): string => `ALTER TABLE orders ALTER COLUMN ${name} SET NOT NULL`;
    assert.deepEqual(
      ["a", "b", "c"].map((name) => judged(set(name), { catalogue }, rule)?.severity),
      [undefined, undefined, "error"],
    );
  });
});
