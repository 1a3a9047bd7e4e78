import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { canonicalJson } from "../../src/core/text/canonical-json.ts";
import { fillReferences, referencesIn, userNamesIn } from "../../src/core/text/references.ts";

describe("References", () => {
  it("are Tidegate's in lower case and the user's in upper case", () => {
    assert.deepEqual(referencesIn("run ${port} ${DATABASE_URL} ${port} ${Port}"), [
      { name: "port", owner: "tidegate" },
      { name: "DATABASE_URL", owner: "user" },
      { name: "Port", owner: "tidegate" },
    ]);
  });

  it("leave to the shell what is the shell's, and to the text what is doubled", () => {
    assert.deepEqual(referencesIn("$HOME ${HOME:-x} $${NAME} ${1} $(date) ${a b}"), []);
    assert.equal(fillReferences("$HOME ${HOME:-x} $${NAME}", { HOME: "/root", NAME: "x" }), "$HOME ${HOME:-x} ${NAME}");
  });

  it("are filled in once: a value that looks like one stays as it is", () => {
    assert.equal(fillReferences("${A} ${b}", { A: "${b} $& $1", b: "2" }), "${b} $& $1 2");
  });

  it("without a value stay as they are", () => {
    assert.equal(fillReferences("${A} ${toString}", { B: "x" }), "${A} ${toString}");
  });

  it("of the user are found in any depth, sorted, each once", () => {
    assert.deepEqual(userNamesIn({ b: ["${B}", { c: "${A} ${B} ${port}" }], n: 1, u: null }), ["A", "B"]);
  });
});

describe("Canonical JSON", () => {
  it("is one text for one value, whatever the order of its keys", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        assert.equal(canonicalJson(reversed(value)), canonicalJson(value));
        assert.deepEqual(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it("sorts by code unit and leaves out what is undefined", () => {
    assert.equal(canonicalJson({ b: 1, a: undefined, B: [undefined, "ä"] }), '{"B":[null,"ä"],"b":1}');
  });

  it("has no text for what is no JSON", () => {
    assert.throws(() => canonicalJson({ a: Number.NaN }), TypeError);
  });
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, inner]) => [key, reversed(inner)]),
  );
}
