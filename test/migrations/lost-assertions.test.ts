import { deepEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import { changesIn, lostAssertions } from "../../src/migrations/serving/lost-assertions.ts";
import { loadParser } from "../../src/migrations/sql/parser.ts";

const parse = await loadParser();

const lostBy = (sql: string, ...assertions: readonly string[]): readonly string[] =>
  lostAssertions(
    [{ file: "1.sql", line: 1, changes: changesIn(sql, parse) }],
    assertions.map((each) => ({ name: each, sql: each })),
    parse,
  ).map(({ name, what }) => `${what}: ${name}`);

describe("An assertion that could not be asked afterwards", () => {
  it("asks for what is taken away in the schema that it writes, or in any where it writes none", () => {
    deepEqual(
      lostBy("DROP TABLE a.users", "SELECT true FROM a.users", "SELECT true FROM b.users", "SELECT true FROM users"),
      ["a.users: SELECT true FROM a.users", "a.users: SELECT true FROM users"],
    );
  });

  it("may lose it in a DO block, and gets it back by what is made anew in the same schema", () => {
    deepEqual(lostBy("DO $$ BEGIN ALTER TABLE t DROP COLUMN x; END $$", "SELECT x = 1 FROM t"), [
      "t.x: SELECT x = 1 FROM t",
    ]);
    deepEqual(lostBy("DROP TABLE a.t; CREATE TABLE a.t (x int);", "SELECT true FROM a.t"), []);
    deepEqual(lostBy("DROP TABLE a.t; CREATE TABLE b.t (x int);", "SELECT true FROM a.t"), [
      "a.t: SELECT true FROM a.t",
    ]);
  });
});
