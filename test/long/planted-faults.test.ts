import { deepEqual } from "node:assert/strict";
import { it } from "node:test";
import { huntAll } from "../simulation/planted/hunt-all.ts";

it("every planted fault is found, by the rule that it breaks", async () => {
  const missed: string[] = [];
  await huntAll(({ name, rule }, { seed, problem, seeds }) => {
    if (seed === null) missed.push(`${name}: ${problem ?? `not found by ${rule} in ${seeds} worlds`}`);
  });
  deepEqual(missed, []);
});
