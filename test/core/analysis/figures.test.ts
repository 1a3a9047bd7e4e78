import { equal } from "node:assert/strict";
import { it } from "node:test";
import { formatFigure, formatPercent } from "../../../src/core/analysis/figures.ts";

it("a part is told in as many digits as it needs, and never as none where it is some", () => {
  const told = [0.38, 0.059, 0.0008, 0.000_05, 0.000_033_3, 2e-7, 0].map(formatPercent);
  equal(told.join(" "), "38% 5.9% 0.08% 0.01% 0.0033% 0.00002% 0%");
  equal(formatPercent(-0.000_02), "-0.002%");
  equal(formatFigure({ metric: "errors" }, 1 / 30_000), "0.0033%");
});
