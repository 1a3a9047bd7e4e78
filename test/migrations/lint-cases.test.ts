import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { RULES } from "../../src/migrations/lint/catalogue.ts";
import { findingsOf, linted } from "./support.ts";

interface Case {
  readonly id: string;
  readonly sql: string;
  readonly rule: string;
  readonly expect: "ok" | "violation";
  readonly settings: { readonly assume_in_transaction?: boolean };
}

const { cases } = JSON.parse(
  readFileSync(new URL("../fixtures/conformance/lint/lint_cases.json", import.meta.url), "utf8"),
) as { readonly cases: readonly Case[] };

/** `int array[]`, which PostgreSQL itself refuses: nothing can be said of its columns. */
const NO_SQL = "squawk/ban_char_field/all_the_types";
/** Tidegate goes on at the statement where a migration stopped, so nothing has to be said twice. */
const NOT_ASKED = new Set(["prefer-robust-stmts"]);

describe("the cases of squawk and eugene", () => {
  for (const each of cases.filter(({ id, rule }) => id !== NO_SQL && !NOT_ASKED.has(rule)))
    it(`${each.expect === "ok" ? "is silent" : "speaks"}: ${each.id}`, () => {
      const parts = each.sql.split(/^-- \d+\.sql$/m);
      const files = parts.length === 1 ? parts : parts.slice(1);
      const found = linted(files, each.settings.assume_in_transaction === true).flatMap(({ findings }) => findings);
      const names = found.flatMap(({ rule }) => [rule, ...(RULES.find(({ name }) => name === rule)?.aliases ?? [])]);
      assert.equal(names.includes(each.rule), each.expect === "violation", names.join(", "));
      assert.ok(!names.includes("syntax"), "all of it is read");
    });

  it("are known to the rules by name or by alias", () => {
    const known = new Set(RULES.flatMap(({ name, aliases = [] }) => [name, ...aliases]));
    const unknown = cases.map(({ rule }) => rule).filter((rule) => !known.has(rule) && !NOT_ASKED.has(rule));
    assert.deepEqual(unknown, []);
  });

  it("hold one that PostgreSQL itself refuses", () => {
    const sql = cases.find(({ id }) => id === NO_SQL)?.sql ?? "";
    assert.deepEqual(
      findingsOf(sql).map(({ rule }) => rule),
      ["syntax"],
    );
  });
});

describe("every rule", () => {
  for (const rule of RULES)
    it(`${rule.name} speaks of its bad SQL, and not of its good SQL`, () => {
      const names = (sql: string): readonly string[] =>
        findingsOf(...sql.split("-- next file\n")).map((each) => each.rule);
      assert.ok(names(rule.bad).includes(rule.name));
      assert.ok(!names(rule.good).includes(rule.name), "the good one is not found fault with");
      assert.ok(!names(rule.good).includes("syntax") && !names(rule.bad).includes("syntax"));
    });
});
