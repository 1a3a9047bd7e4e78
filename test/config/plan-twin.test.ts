import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { planOf, planWith, tells } from "./loading.ts";

describe("a twin in a plan", () => {
  it("is there when it is asked for, for the whole of it", async () => {
    assert.equal((await planOf("twin: true")).twin, true);
    assert.equal("twin" in (await planOf("twin: false")), false);
    assert.equal("twin" in (await planOf("")), false);
  });

  it("needs a share below 100% beside which it can stand", () =>
    tells(
      planWith(`
        twin: true
        steps:
          - shift: 100%
      `),
      `
        A twin is compared with while the new version has a part of the traffic, and no step gives it less than 100%.
          where  tidegate.yaml:5:1 · twin
          seen   5 | twin: true
                   | ^^^^
          fix    Add a \`shift\` below 100%, or remove \`twin\`.
          code   plan-value-invalid
      `,
    ));

  it("needs visitors", () =>
    tells(
      `app: shop\nservices: { mailer: { run: node mailer.js } }\ntwin: true\n`,
      `
        A twin is compared with by what visitors get, and no service of this plan has a route.
          where  tidegate.yaml:3:1 · twin
          seen   3 | twin: true
                   | ^^^^
          fix    Remove \`twin\`.
          code   plan-value-invalid
      `,
    ));

  it("is nothing that HAProxy can send anybody to yet", async () =>
    tells(
      `app: shop\nservices: { web: { run: node web.js } }\ntraffic: { haproxy: /run/haproxy/admin.sock }\ntwin: true\n`,
      `
        A twin gets a part of the traffic of its own, which Tidegate's own proxy can give and HAProxy can't yet.
          where  tidegate.yaml:4:1 · twin
          seen   4 | twin: true
                   | ^^^^
          fix    Remove \`twin\`, or let Tidegate's own proxy split the traffic: \`traffic: { embedded: 8080 }\`.
          code   plan-value-invalid
      `,
    ));
});
