import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { parseJsonPath, readJsonPath } from "../../src/core/json-path.ts";

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
    assert.deepEqual(["$.a[*]", "$..a", "$.a[0,1]", "$.a[?@.b]"].map(definite), [false, false, false, false]);
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

  it("reads documents nested a hundred thousand deep", () => {
    let deep: unknown = { id: 1 };
    for (let depth = 0; depth < 100_000; depth += 1) deep = [deep];
    assert.deepEqual(read("$..id", deep), [1]);
  });

  it("never throws on any text", () => {
    fc.assert(fc.property(fc.string(), (text) => void parseJsonPath(text)));
    const near = fc.array(
      fc.constantFrom("$", ".", "..", "[", "]", "*", "?", "@", "'a'", "0", "a", "==", " ", "(", ")", ","),
    );
    fc.assert(
      fc.property(near, (parts) => {
        const parsed = parseJsonPath(parts.join(""));
        if (parsed.ok) readJsonPath(parsed.path, shop);
      }),
    );
  });
});
