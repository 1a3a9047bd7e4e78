import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadPlanFile } from "../../src/config/load.ts";
import { SHOP } from "./running-shop.ts";

describe("the shop's plan file", () => {
  it("is a plan that Tidegate reads, with its smoke test and its checklist", async () => {
    const { plan, references } = await loadPlanFile({ cwd: SHOP, env: { SHOP_DATA: "data" } });
    assert.deepEqual(
      plan.steps.map(({ kind }) => kind),
      ["check", "start", "smoke", "warm", "shift", "shift", "shift", "retire"],
    );
    assert.deepEqual(
      plan.services.map(({ name, routes }) => [name, routes.length]),
      [
        ["web", 1],
        ["worker", 0],
      ],
    );
    assert.ok(references.includes("SHOP_DATA"));
  });

  it("waits for nobody: every item of its checklist is ticked, or checked by a machine", async () => {
    const { plan } = await loadPlanFile({ cwd: SHOP, env: { SHOP_DATA: "data" } });
    const items = plan.steps.flatMap((step) => (step.kind === "check" ? step.checklist.items : []));
    assert.ok(items.length > 0);
    for (const item of items) assert.ok(item.ticked || item.check !== undefined, item.text);
  });
});
