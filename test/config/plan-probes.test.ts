import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { planOf, planWith, tells } from "./loading.ts";

describe("probes in a plan", () => {
  it("are flows as in a smoke step, told once each, every five seconds by default", async () => {
    const { probes } = await planOf(
      `
      probes: { smoke: smoke/critical.yaml }
    `,
      { files: { "smoke/critical.yaml": "home:\n  - GET /\ncart:\n  - { get: /cart, attempts: 5 }\n" } },
    );
    assert.equal(probes?.everyMs, 5_000);
    assert.deepEqual(
      probes.flows.map(({ name, requests }) => [name, requests.map(({ attempts }) => attempts)]),
      [
        ["home", [1]],
        ["cart", [1]],
      ],
    );
    assert.equal((await planOf("")).probes, undefined);
  });

  it("are no load test, and their files must be there", () =>
    tells(
      planWith(`
        probes: { smoke: smoke/none.yaml, every: 100ms }
      `),
      `
        The file \`smoke/none.yaml\` does not exist.
          where  tidegate.yaml:5:18 · probes.smoke
          seen   5 | probes: { smoke: smoke/none.yaml, every: 100ms }
                   |                  ^^^^^^^^^^^^^^^
          fix    Paths are meant from the plan file's folder.
          code   plan-file-not-found

        Every 100ms would be a load test.
          where  tidegate.yaml:5:42 · probes.every
          seen   5 | probes: { smoke: smoke/none.yaml, every: 100ms }
                   |                                          ^^^^^
          fix    Give it 1s or more; 5s is usual.
          code   plan-value-invalid
      `,
    ));
});
