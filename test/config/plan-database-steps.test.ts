import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { load, mistakes, planWith } from "./loading.ts";

describe("Steps that change the database", () => {
  const DATABASE = 'database: { url: "sqlite:shop.db", migrations: db }';
  const SHIFT = "- shift: 100%";
  for (const [name, lines, what, fix] of [
    [
      "a contract step before the old version is retired",
      [SHIFT, "- migrate: contract", "- retire"],
      "The contract step takes away what the old version needs, and `retire` comes later.",
      "Move it behind `- retire`.",
    ],
    [
      "a contract step where nothing retires the old version",
      [SHIFT, "- migrate: contract"],
      "The contract step takes away what the old version needs, and nothing in this plan retires it.",
      "Put `- retire` before it.",
    ],
    [
      "an expansion after the start of what needs it",
      ["- start", "- migrate: expand", SHIFT],
      "The new version would run before the schema has what it needs: `start` comes earlier.",
      "Move it before `start`, or before the first step that needs the new version.",
    ],
    [
      "everything at once while both serve",
      [SHIFT, "- migrate: all"],
      "Here both versions may serve: what is only added should be there already, and what is taken away may not be gone yet.",
      "Write `migrate: expand` before `start`, and `migrate: contract` behind `retire`.",
    ],
    [
      "a filling of what was not added",
      ["- migrate: backfill", SHIFT],
      "There is nothing to fill yet: `migrate: expand` does not come before it.",
      "Put `- migrate: expand` before it.",
    ],
    [
      "a backup of what is changed already",
      ["- migrate: expand", "- backup: restore", SHIFT],
      "This backup comes after a migration: nothing can be brought back from it as it was before.",
      "Move it before the first `migrate`.",
    ],
  ] as const)
    it(name, async () => {
      const steps = lines.map((line) => `  ${line}`).join("\n");
      const told = await mistakes(planWith(`${DATABASE}\nsteps:\n${steps}`));
      assert.deepEqual([told.split("\n")[0], told.split("\n").at(-2)], [what, `  fix    ${fix}`]);
      assert.match(told, /code {3}plan-steps-order$/);
    });

  it("need to know the database, and what migrates it", async () => {
    const plan = planWith("steps:\n  - backup: restore\n  - migrate: expand\n  - shift: 100%");
    const told = await mistakes(plan);
    assert.match(told, /`backup` needs to know the database\.[^]*`migrate` needs to know the database\./);
    const half = await mistakes(
      planWith('database: { url: "sqlite:shop.db" }\nsteps:\n  - migrate: expand\n  - shift: 100%'),
    );
    assert.match(half, /^`migrate` needs to know where the migrations are\./);
  });

  it("are there by themselves where the plan names migrations and no steps", async () => {
    const { plan } = await load(planWith(DATABASE));
    assert.deepEqual(
      plan.steps.map(({ name }) => name),
      ["backup", "migrate", "start", "smoke", "shift 5%", "shift 25%", "shift 100%", "retire"],
    );
  });
});
