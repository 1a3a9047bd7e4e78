import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { locate, type Located, overlay, plain } from "../../src/config/reading/located.ts";
import { readYaml } from "../../src/config/reading/yaml.ts";
import { stringify } from "yaml";

const under = { name: "under", text: "", order: 0 };
const over = { name: "over", text: "", order: 1 };

const tree = fc.letrec<{ value: unknown; map: Record<string, unknown> }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.integer(),
    fc.string(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 3 }),
    tie("map"),
  ),
  map: fc.dictionary(fc.constantFrom("a", "b", "c", "__proto__"), tie("value"), { maxKeys: 4 }),
})).map;

/** What an overlay means, in five lines. */
function merged(below: unknown, above: unknown): unknown {
  if (!isMap(below) || !isMap(above)) return above;
  const result = new Map(Object.entries(below));
  for (const [key, value] of Object.entries(above))
    result.set(key, result.has(key) ? merged(result.get(key), value) : value);
  return Object.fromEntries(result);
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function sources(located: Located): ReadonlySet<string> {
  const names = new Set([located.place.source.name]);
  const inner =
    located.kind === "list"
      ? located.items
      : located.kind === "map"
        ? [...located.entries.values()].map(({ value }) => value)
        : [];
  for (const child of inner) for (const name of sources(child)) names.add(name);
  return names;
}

const same = (a: unknown, b: unknown): void => assert.equal(JSON.stringify(a), JSON.stringify(b));

describe("An overlay", () => {
  it("merges maps and replaces everything else, whatever they hold", () => {
    fc.assert(
      fc.property(tree, tree, (below, above) => {
        same(plain(overlay(locate(below, under), locate(above, over))), merged(below, above));
      }),
    );
  });

  it("that says nothing changes nothing, and over itself it is itself", () => {
    fc.assert(
      fc.property(tree, (value) => {
        same(plain(overlay(locate(value, under), locate({}, over))), value);
        same(plain(overlay(locate(value, under), locate(value, over))), value);
      }),
    );
  });

  it("keeps for every value the file that it came from", () => {
    fc.assert(
      fc.property(tree, (value) => {
        assert.deepEqual([...sources(overlay(locate({}, under), locate({ only: value }, over)))].sort(), [
          "over",
          "under",
        ]);
      }),
    );
  });
});

describe("YAML text", () => {
  it("is read as what was written, whatever it was", () => {
    fc.assert(
      fc.property(tree, (value) => {
        const text = stringify({ value }, { version: "1.2" });
        const { located, problems } = readYaml({ name: "t", text, order: 0 });
        assert.deepEqual(problems, []);
        same(located === undefined ? null : plain(located), { value });
      }),
    );
  });

  it("of any kind never throws: it is read, or told", () => {
    const pieces = fc.constantFrom(
      "a",
      ": ",
      "- ",
      "\n",
      "  ",
      "\t",
      "{",
      "}",
      "[",
      "]",
      "&x ",
      "*x",
      "<<",
      "'",
      '"',
      "|",
      ">",
      "#",
      "---",
      "!t ",
      "${A}",
      "?",
      "%",
      "1",
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => {
        const { located, problems } = readYaml({ name: "t", text: parts.join(""), order: 0 });
        assert.ok(located !== undefined || problems.length > 0);
        for (const { place } of problems) assert.ok((place.start ?? 0) >= 0);
      }),
      { numRuns: 2_000 },
    );
  });
});
