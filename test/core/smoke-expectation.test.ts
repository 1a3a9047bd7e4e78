import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readSaved, type SmokeAnswer, unmetExpectation } from "../../src/core/smoke/expectation.ts";
import { fillVariables, variablesIn } from "../../src/core/smoke/template.ts";
import type { JsonExpectation, SmokeHttp } from "../../src/core/smoke/smoke.ts";

const document = { id: 5, paid: true, note: null, items: [{ n: 1 }, { n: 2 }], name: "cup", empty: {} };
const answer: SmokeAnswer = {
  status: 200,
  headers: { "content-type": "application/json; charset=utf-8", "x-id": "5" },
  body: JSON.stringify(document),
  bodyCut: false,
  tookMs: 80,
};
const context = {
  variables: { id: "5", other: "6", name: "cup" },
  matches: (pattern: string, text: string) => new RegExp(pattern).test(text),
  redact: (text: string) => text.replaceAll("hidden", "•••"),
};

const unmet = (expect: Partial<SmokeHttp["expect"]>, got: Partial<SmokeAnswer> = {}): string | null =>
  unmetExpectation({ ...answer, ...got }, { status: [], headers: {}, contains: [], json: [], ...expect }, context);
const unmetJson = (
  path: string,
  operator: JsonExpectation["operator"],
  value: JsonExpectation["value"],
): string | null => unmet({ json: [{ path, operator, value }] });

describe("what is expected of an answer", () => {
  it("is any good status, or one of those named", () => {
    assert.equal(unmet({}, { status: 204 }), null);
    assert.equal(unmet({}, { status: 304 }), "expected status 200–299, got 304");
    assert.equal(unmet({ status: [201, 409] }, { status: 409 }), null);
    assert.equal(unmet({ status: [201, 409] }), "expected status 201 or 409, got 200");
  });

  it("is a header that holds a text, whatever its case", () => {
    assert.equal(unmet({ headers: { "Content-Type": "Application/JSON", "x-id": "{{id}}", "X-Id": "" } }), null);
    assert.equal(unmet({ headers: { "x-frame-options": "" } }), "expected a header x-frame-options, got none");
    assert.equal(unmet({ headers: { "x-id": "7" } }), 'expected header x-id to contain "7", got "5"');
  });

  it("is a text in the body and an answer in time", () => {
    assert.equal(unmet({ contains: ['"name":"{{name}}"'], withinMs: 80 }), null);
    assert.equal(unmet({ contains: ["plate"] }), 'expected the answer to contain "plate", it does not');
    assert.equal(unmet({ withinMs: 79 }), "expected an answer within 79ms, it took 80ms");
  });

  it("is a JSON value: equal, there, matching, within limits, of a length", () => {
    const met: readonly [string, JsonExpectation["operator"], JsonExpectation["value"]][] = [
      ["$.id", "equals", 5],
      ["$.id", "equals", "{{id}}"],
      ["$.note", "equals", null],
      ["$.items[*].n", "equals", 2],
      ["$.note", "exists", true],
      ["$.gone", "exists", false],
      ["$.name", "matches", "^c.p$"],
      ["$.id", "at-least", 5],
      ["$.items[*].n", "at-most", 2],
      ["$.items", "length", 2],
      ["$.items[*]", "length", 2],
      ["$.items[?@.n == {{id}}]", "length", 0],
      ["$.name", "length", 3],
      ["$.empty", "length", 0],
    ];
    for (const [path, operator, value] of met)
      assert.equal(unmetJson(path, operator, value), null, `${path} ${operator}`);
  });

  it("is told with what came where it is not met", () => {
    assert.equal(unmetJson("$.id", "equals", "5"), 'expected $.id to equal "5", got 5');
    assert.equal(unmetJson("$.id", "equals", "{{other}}"), 'expected $.id to equal "6", got 5');
    assert.equal(unmetJson("$.gone", "equals", 1), "expected $.gone to equal 1, nothing is there");
    assert.equal(unmetJson("$.paid", "exists", false), "expected $.paid to be absent, got true");
    assert.equal(unmetJson("$.name", "matches", "^x"), 'expected $.name to match /^x/, got "cup"');
    assert.equal(unmetJson("$.items[*].n", "at-least", 2), "expected $.items[*].n to be at least 2, got 1, 2");
    assert.equal(unmetJson("$.gone", "at-most", 2), "expected $.gone to be at most 2, nothing is there");
    assert.equal(unmetJson("$.name", "at-least", 0), 'expected $.name to be at least 0, got "cup"');
    assert.equal(unmetJson("$.items", "length", 3), "expected $.items to have length 3, it has 2");
    assert.equal(unmetJson("$.id", "length", 1), "expected $.id to have length 1, got 5");
    assert.match(unmetJson("$.items[", "exists", true) ?? "", /^"\$\.items\[" is not a JSONPath: /);
    assert.match(unmetJson("$.id", "equals", "{{gone}}") ?? "", /^\{\{gone\}\} has no value/);
  });

  it("is told without secrets, which are hidden before a text is cut", () => {
    const body = JSON.stringify({ a: `${"x".repeat(74)}hidden${"y".repeat(50)}` });
    const told = unmet({ json: [{ path: "$.a", operator: "equals", value: 1 }] }, { body });
    assert.ok(told?.endsWith(`${"x".repeat(74)}•••y…`), told ?? "");
  });
});

describe("what is saved of an answer", () => {
  it("is text: of a JSON value, or a header", () => {
    const saved = (source: string) => readSaved(answer, source, context.variables);
    assert.deepEqual(saved("$.name"), { ok: true, value: "cup" });
    assert.deepEqual(saved("$.id"), { ok: true, value: "5" });
    assert.deepEqual(saved("$.items[*].n"), { ok: true, value: "1" });
    assert.deepEqual(saved("$.items[0]"), { ok: true, value: '{"n":1}' });
    assert.deepEqual(saved("header:X-Id"), { ok: true, value: "5" });
    assert.deepEqual(saved("header:etag"), { ok: false, why: "the answer has no header etag" });
    assert.deepEqual(saved("$.gone"), { ok: false, why: "$.gone is not in the answer" });
  });
});

describe("variables in a text", () => {
  it("are filled in, once, and missing ones told", () => {
    const values = { id: "5", "order-id": "{{id}}" };
    assert.deepEqual(fillVariables("/a/{{id}}/{{ order-id }}", values), { ok: true, text: "/a/5/{{id}}" });
    assert.deepEqual(fillVariables("{{gone}} {{id}} {{gone}} {{toString}}", values), {
      ok: false,
      missing: ["gone", "toString"],
    });
    assert.deepEqual(variablesIn("{{a}}{{b}}{{a}} {c} {{ }}"), ["a", "b"]);
  });
});
