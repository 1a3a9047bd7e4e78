import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { parseJsonPath, readJsonPath } from "../../src/core/smoke/json-path.ts";

const shop = {
  "a b": { "it's": 1 },
  items: [
    { id: 7, name: "cup", tags: ["new", "blue"], price: 4.5 },
    { id: 8, name: "plate", price: 12 },
    { id: 9, name: null },
  ],
  total: 0,
};

function read(text: string, document: unknown = shop): readonly unknown[] {
  const parsed = parseJsonPath(text);
  assert.ok(parsed.ok, `${text}: ${parsed.ok ? "" : parsed.problem}`);
  return readJsonPath(parsed.path, document);
}

describe("a JSONPath", () => {
  it("names places by name, index, wildcard and descent", () => {
    assert.deepEqual(read("$"), [shop]);
    assert.deepEqual(read("$.total"), [0]);
    assert.deepEqual(read("$.items[0].tags[1]"), ["blue"]);
    assert.deepEqual(read("$.items[-1].id"), [9]);
    assert.deepEqual(read("$.items[*].id"), [7, 8, 9]);
    assert.deepEqual(read("$.items.*.name"), ["cup", "plate", null]);
    assert.deepEqual(read("$['a b']['it\\'s']"), [1]);
    assert.deepEqual(read('$["a b"]'), [shop["a b"]]);
    assert.deepEqual(read("$.items[0, 2].id"), [7, 9]);
    assert.deepEqual(read("$..id"), [7, 8, 9]);
    assert.deepEqual(read("$..[0]"), [shop.items[0], "new"]);
  });

  it("takes slices, forwards and backwards, from either end", () => {
    const letters = ["a", "b", "c", "d", "e", "f", "g"];
    const cases: readonly (readonly [string, string])[] = [
      ["$[1:3]", "bc"],
      ["$[5:]", "fg"],
      ["$[:2]", "ab"],
      ["$[1:5:2]", "bd"],
      ["$[5:1:-2]", "fd"],
      ["$[::-1]", "gfedcba"],
      ["$[-2:]", "fg"],
      ["$[:-5]", "ab"],
      ["$[ 1 : 3 ]", "bc"],
      ["$[3:1]", ""],
      ["$[9:]", ""],
      ["$[-99:2]", "ab"],
      ["$[::0]", ""],
      ["$[0:2, -1]", "abg"],
      ["$[:]", "abcdefg"],
    ];
    for (const [path, found] of cases) assert.equal(read(path, letters).join(""), found, path);
    assert.deepEqual(read("$.items[1:].id"), [8, 9]);
    assert.deepEqual(read("$.total[0:1]"), [], "only lists have slices");
  });

  it("chooses by a filter", () => {
    assert.deepEqual(read("$.items[?@.id == 8].name"), ["plate"]);
    assert.deepEqual(read("$.items[?(@.name == 'cup')].id"), [7]);
    assert.deepEqual(read("$.items[?@.price >= 4.5].id"), [7, 8]);
    assert.deepEqual(read("$.items[?@.tags].id"), [7]);
    assert.deepEqual(read("$.items[?@.name != null].id"), [7, 8]);
    assert.deepEqual(read("$.items[0].tags[?@ == 'blue']"), ["blue"]);
  });

  it("finds nothing where nothing is, and nothing that is only inherited", () => {
    for (const path of ["$.gone", "$.total.x", "$.items[3]", "$.items[-4]", "$.total[0]", "$.toString", "$..gone"]) {
      assert.deepEqual(read(path), [], path);
    }
    assert.deepEqual(read("$.length", [1, 2]), []);
  });

  it("knows whether it names one place", () => {
    const definite = (text: string): boolean => {
      const parsed = parseJsonPath(text);
      return parsed.ok && parsed.path.definite;
    };
    assert.deepEqual(["$", "$.a[0]['b']"].map(definite), [true, true]);
    assert.deepEqual(["$.a[*]", "$..a", "$.a[0,1]", "$.a[0:1]", "$.a[?@.b]"].map(definite), [
      false,
      false,
      false,
      false,
      false,
    ]);
  });

  it("tells a mistake with its place", () => {
    const problemOf = (text: string): string => {
      const parsed = parseJsonPath(text);
      return parsed.ok ? "" : parsed.problem;
    };
    assert.equal(problemOf("items"), 'expected "$" at character 1');
    assert.match(problemOf("$."), /^expected a name after "\.".* at character 3$/);
    assert.equal(problemOf("$.a]"), 'did not expect "]" at character 4');
    assert.equal(problemOf("$[0"), 'expected "]" at character 4');
    assert.match(problemOf("$[x]"), /expected a number, a quoted name, \* or \? at character 3/);
    assert.match(problemOf("$[?@.a == b]"), /expected a number, a quoted text, true, false or null at character 11/);
  });

  it("says what of JSONPath it does not read", () => {
    const beyond = (text: string): string => {
      const parsed = parseJsonPath(text);
      assert.ok(!parsed.ok && parsed.beyond, text);
      return parsed.problem;
    };
    assert.equal(beyond("$.items.length()"), "functions like length() are not read");
    assert.equal(beyond("$.items[?length(@.tags) > 1]"), "functions are not read");
    assert.equal(beyond("$.items[?@.id > 1 && @.id < 9]"), "a filter has one comparison");
    assert.equal(beyond("$.items[?$.total == 0]"), "a filter has to begin with @");
    assert.equal(beyond("$.items[?@.id == @.price]"), "a filter compares with a value that is written out");
    const mistake = parseJsonPath("$.items[");
    assert.ok(!mistake.ok && !mistake.beyond);
  });

  it("reads documents nested a hundred thousand deep", () => {
    let deep: unknown = { id: 1 };
    for (let depth = 0; depth < 100_000; depth += 1) deep = [deep];
    assert.deepEqual(read("$..id", deep), [1]);
  });

  it("never throws on any text", () => {
    fc.assert(fc.property(fc.string(), (text) => void parseJsonPath(text)));
    const near = fc.array(
      fc.constantFrom(
        "$",
        ".",
        "..",
        "[",
        "]",
        "*",
        "?",
        "@",
        "'a'",
        "0",
        "a",
        "==",
        " ",
        "(",
        ")",
        ",",
        ":",
        "-1",
        "&&",
      ),
    );
    fc.assert(
      fc.property(near, (parts) => {
        const parsed = parseJsonPath(parts.join(""));
        if (parsed.ok) readJsonPath(parsed.path, shop);
      }),
    );
  });
});
