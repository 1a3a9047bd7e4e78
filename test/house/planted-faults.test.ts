import { deepEqual, ok } from "node:assert/strict";
import { it } from "node:test";
import { FAULTS } from "../simulation/planted/faults.ts";
import { whyNotPlantable } from "../simulation/planted/plant.ts";
import { RULES } from "../simulation/rules/rules.ts";

it("every fault that the simulation plants fits the program as it is (docs/simulation.md)", () => {
  deepEqual(
    FAULTS.map(whyNotPlantable).filter((problem) => problem !== null),
    [],
  );
});

it("every planted fault names a rule that there is, and no two have the same name", () => {
  const rules = new Set(RULES.map(({ name }) => name));
  ok(FAULTS.every(({ rule }) => rules.has(rule)));
  deepEqual(new Set(FAULTS.map(({ name }) => name)).size, FAULTS.length);
});
