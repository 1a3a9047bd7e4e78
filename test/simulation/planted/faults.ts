import type { PlantedFault } from "./fault.ts";

/** Each was, or could have been, a mistake of the program's own. */
export const FAULTS: readonly PlantedFault[] = [
  {
    name: "promote on no data",
    rule: "I4",
    file: "src/core/hold.ts",
    instead: `if (verdict.verdict === "pass" || verdict.verdict === "fail") return false;`,
    put: `return false;`,
  },
];
