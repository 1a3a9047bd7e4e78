import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { parse } from "yaml";
import { readPlan } from "../../src/config/read-plan.ts";
import { locate } from "../../src/config/reading/located.ts";
import { faultsOf } from "../../src/config/reading/problem.ts";
import { canonicalJson } from "../../src/core/text/canonical-json.ts";
import { describeFault } from "../../src/core/fault.ts";

const careful = parse(
  readFileSync(new URL("../fixtures/plans/careful/tidegate.yaml", import.meta.url), "utf8"),
) as object;

/** Every place of a value, as keys from its top. */
function places(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  const inner = typeof value === "object" && value !== null ? Object.entries(value) : [];
  return [path, ...inner.flatMap(([key, child]) => places(child, [...path, key]))];
}

function changed(value: unknown, path: readonly string[], to: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return to;
  const copy = structuredClone(value) as Record<string, unknown>;
  copy[key] = changed(copy[key], rest, to);
  return copy;
}

const words = fc.constantFrom(
  "",
  "5%",
  "1h",
  "0.9x",
  "> 1%",
  "/",
  "off",
  "step-back",
  "${NOPE}",
  "{{x}}",
  "GET /",
  "-1",
  "shift",
  "retire",
);
const values = fc.oneof(
  words,
  fc.string(),
  fc.integer(),
  fc.double({ noNaN: true }),
  fc.boolean(),
  fc.constant(null),
  fc.array(words, { maxLength: 3 }),
  fc.dictionary(
    fc.constantFrom("shift", "run", "for", "rollback", "ready", "to", "steps", "phase", "__proto__"),
    fc.oneof(words, fc.integer()),
  ),
);
const mutations = fc.array(fc.tuple(fc.constantFrom(...places(careful)), values), { minLength: 1, maxLength: 3 });

function read(written: unknown): ReturnType<typeof readPlan> {
  return readPlan(locate(written, { name: "tidegate.yaml", text: "", order: 0 }), {
    readSelect: () => null,
    environment: "production",
    folder: "/srv/shop",
    env: { DATABASE_URL: "x", CHAT_WEBHOOK: "x" },
    overrides: {},
    readFile: () => ({ kind: "read", source: { name: "side", text: "- [ ] GET /\n", order: 1 } }),
  });
}

describe("A plan file with anything in it", () => {
  it("is compiled, or told in sentences that a person can read", () => {
    fc.assert(
      fc.property(mutations, (list) => {
        const written = list.reduce<unknown>((value, [path, to]) => {
          // A place may be gone since the change before.
          try {
            return changed(value, path, to);
          } catch {
            return value;
          }
        }, careful);
        const { plan, problems } = read(written);
        if (problems.length === 0) {
          assert.ok(plan !== undefined);
          assert.deepEqual(JSON.parse(canonicalJson(plan)), JSON.parse(JSON.stringify(plan)));
          return;
        }
        for (const fault of faultsOf(problems)) {
          assert.match(fault.what, /^\S.*[.?]$/s);
          assert.doesNotMatch(describeFault(fault), /undefined|\[object|NaN/);
        }
      }),
      { numRuns: 1_500 },
    );
  });

  it("compiles to the same plan every time, whatever the order of its keys", () => {
    const reversed = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map(reversed)
        : typeof value === "object" && value !== null
          ? Object.fromEntries(
              Object.entries(value)
                .toReversed()
                .map(([key, inner]) => [key, reversed(inner)]),
            )
          : value;
    const { services: _, ...rest } = careful as { services: unknown };
    const other = { ...(reversed(rest) as object), services: (careful as { services: unknown }).services };
    assert.equal(canonicalJson(read(other).plan), canonicalJson(read(careful).plan));
  });
});
