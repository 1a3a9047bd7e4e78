import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import {
  BUILT_VERSION,
  type NotBuilt,
  NOT_BUILT_NOTIFY_KEYS,
  NOT_BUILT_SERVICE_KEYS,
  NOT_BUILT_STEPS,
  NOT_BUILT_TOP_KEYS,
  NOT_BUILT_TRAFFIC_KEYS,
} from "../../src/config/schema/not-built.ts";
import { load, mistakes, planWith, tells } from "./loading.ts";

type Table = Readonly<Record<string, NotBuilt>>;

/** Each table, with a plan file that has the key, and the line and column at which it stands there. */
const PLACES: readonly (readonly [string, Table, (key: string) => string, string])[] = [
  ["the file", NOT_BUILT_TOP_KEYS, (key) => planWith(`${key}: { url: x }`), "5:1"],
  [
    "a service",
    NOT_BUILT_SERVICE_KEYS,
    (key) => `app: shop\nservices:\n  web: { ${key}: web }\ntraffic: { embedded: 8080 }\n`,
    "3:10",
  ],
  [
    "traffic",
    NOT_BUILT_TRAFFIC_KEYS,
    (key) => `app: shop\nservices:\n  web: { run: node web.js }\ntraffic: { ${key}: x, sticky: cookie }\n`,
    "4:12",
  ],
  ["a step", NOT_BUILT_STEPS, (key) => planWith(`steps:\n  - ${key}: x\n    to: [1%]\n  - shift: 100%`), "6:5"],
  ["notify", NOT_BUILT_NOTIFY_KEYS, (key) => planWith(`notify: { ${key}: x }`), "5:11"],
];

describe("A key of a later version is refused with one sentence, at its place", () => {
  for (const [where, table, planOf, place] of PLACES) {
    for (const [key, { part, instead }] of Object.entries(table)) {
      it(`${key} in ${where}`, async () => {
        const lines = (await mistakes(planOf(key))).split("\n");
        assert.equal(
          lines[0],
          `\`${key}\` is not built yet in this version of Tidegate (0.1): it comes with the ${part} part.`,
        );
        assert.match(lines[1] ?? "", new RegExp(`^  where  tidegate.yaml:${place} · .*${key}$`));
        assert.deepEqual(lines.slice(-2), [`  fix    ${instead}`, "  code   plan-key-not-built"]);
        assert.equal(lines.length, 6, "one mistake, and nothing that only follows from it");
      });
    }
  }

  it("also as a bare word", () =>
    tells(
      planWith(`
        steps:
          - evidence
          - shift: 100%
      `),
      `
        \`evidence\` is not built yet in this version of Tidegate (0.1): it comes with the release room part.
          where  tidegate.yaml:6:5 · steps[0]
          seen   6 |   - evidence
                   |     ^^^^^^^^
          fix    Remove the step, or ask for it in a checklist: \`check: FILE.md\`.
          code   plan-key-not-built
      `,
    ));

  it("the careful example of the design: every key is known", async () => {
    const text = readFileSync(new URL("../fixtures/plans/design.yaml", import.meta.url), "utf8");
    const told = await mistakes(text, { env: { DATABASE_URL: "postgres://x", SLACK_URL: "x", PD_KEY: "x" } });
    const codes = [...told.matchAll(/^ {2}code {3}(.*)$/gm)].map(([, code]) => code);
    assert.deepEqual(new Set(codes), new Set(["plan-key-not-built", "plan-file-not-found"]));
    assert.equal(codes.filter((code) => code === "plan-key-not-built").length, 2);
  });

  it("names the version that this is", () => {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
      version: string;
    };
    assert.equal(BUILT_VERSION, version.split(".").slice(0, 2).join("."));
  });

  it("leaves alone what begins with x-", async () => {
    const { plan } = await load(planWith("x-database: { url: x }"));
    assert.equal(plan.app, "shop");
  });
});
