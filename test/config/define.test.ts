import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { defineConfig, type PlanFile } from "../../src/config/define.ts";

const small: PlanFile = { app: "shop", services: { web: { run: "node server.js" } }, traffic: { embedded: 8080 } };

describe("defineConfig", () => {
  it("gives back what it was given, with the types of the plan file", () => {
    const plan = defineConfig({
      ...small,
      guards: { errors: { warn: "0.5%", rollback: ["1%", "1.5x"] }, restarts: "off", before: { cpu: { hold: "80%" } } },
      steps: [
        { check: "checklists/production.md" },
        { approve: { role: "approver", count: 2 }, name: "day-1", after: "24h" },
        "start",
        { smoke: ["GET /health", { get: "/agents", expect: 200, json: { "$.items": "exists" } }] },
        { phase: "canary", steps: [{ shift: ["5%", "25%"], for: "2d", else: "step-back" }] },
        { shift: "100%" },
        "retire",
      ],
    });
    assert.equal(plan.steps?.length, 7);
  });

  it("does not compile with a key that is mistyped, missing or not built", () => {
    const refused = [
      // @ts-expect-error: `replica` is no key of a service.
      defineConfig({ ...small, services: { web: { run: "x", replica: 2 } } }),
      // @ts-expect-error: `evidence` is not built yet.
      defineConfig({ ...small, steps: [{ evidence: "rehearsed" }] }),
      // @ts-expect-error: shares carry their unit.
      defineConfig({ ...small, steps: [{ shift: 5 }] }),
      // @ts-expect-error: `hapoxy` is no data plane.
      defineConfig({ ...small, traffic: { hapoxy: "x" } }),
    ];
    assert.equal(refused.length, 4);
  });
});
