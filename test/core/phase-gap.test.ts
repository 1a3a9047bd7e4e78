import { deepEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import { phaseGaps } from "../../src/core/migration/phase-gap.ts";
import { step } from "../support/plans.ts";

const EXPAND = { file: "1_add.sql", phase: "expand" } as const;
const BACKFILL = { file: "2_fill.sql", phase: "backfill" } as const;
const LATER = { file: "3_more.sql", phase: "expand" } as const;
const CONTRACT = { file: "4_drop.sql", phase: "contract" } as const;

describe("pending migrations that no step runs", () => {
  const gaps = (steps: Parameters<typeof phaseGaps>[0]["steps"], pending: Parameters<typeof phaseGaps>[1]) =>
    phaseGaps({ steps }, pending).map(({ file, what }) => [file, what]);

  it("are a fault where something that needs them comes after them", () => {
    deepEqual(gaps([step.migrate("expand"), step.migrate("contract")], [EXPAND, BACKFILL, CONTRACT]), [
      [
        "2_fill.sql",
        "2_fill.sql (backfill) is pending, and no step runs it before 4_drop.sql (contract), which comes after it.",
      ],
    ]);
  });

  it("are a fault where they are backfills, whatever comes after them; contracts may wait", () => {
    const never = ["2_fill.sql", "2_fill.sql (backfill) is pending, and no step of the plan runs it."];
    deepEqual(gaps([step.migrate("expand")], [EXPAND, BACKFILL, LATER, CONTRACT]), [never]);
    deepEqual(gaps([step.migrate("expand")], [BACKFILL]), [never]);
    deepEqual(gaps([step.migrate("expand"), step.migrate("backfill")], [EXPAND, BACKFILL, LATER, CONTRACT]), []);
    deepEqual(gaps([step.migrate("all")], [EXPAND, BACKFILL]), []);
    deepEqual(gaps([step.retire()], [BACKFILL]), []);
  });
});
