import { LATENCIES } from "../../core/plan/guard.ts";
import { GUARD_WEIGHTS } from "../../core/forecast/guards.ts";
import type { ForecastGuard } from "../../core/forecast/traffic-model.ts";
import { nearest } from "../../core/text/nearest.ts";
import { misread, type Parsed, parsed, parseNumber, parsePercent } from "../../core/text/units.ts";
import type { Invocation } from "../definition.ts";
import { valueOf } from "./reading.ts";

type Weights = Readonly<Partial<Record<ForecastGuard, number>>>;

/** Faults: usage. */
export function guardWeights(invocation: Invocation): Weights {
  return valueOf<Weights>(invocation, "weights", parseWeights, GUARD_WEIGHTS);
}

const FIX = "Write guards and their parts, which are at most 1 together: `errors=0.5,p95=0.3`.";
const NAMES = ["errors", ...Object.keys(LATENCIES)];

/** `errors=0.5,p95=0.3` or `errors=50%`; a guard that is not named has none. */
function parseWeights(text: string): Parsed<Weights> {
  const weights: Partial<Record<ForecastGuard, number>> = {};
  for (const part of text.split(",")) {
    const [name = "", value = "", ...more] = part.split("=").map((word) => word.trim());
    if (more.length > 0 || value === "") return misread(`\`${part.trim()}\` is no guard with its weight.`, FIX);
    if (!NAMES.includes(name))
      return misread(`There is no guard \`${name}\` here.`, `${didYouMean(name)}There are: ${NAMES.join(", ")}.`);
    if (weights[name as ForecastGuard] !== undefined) return misread(`\`${name}\` has two weights.`, FIX);
    const weight = value.endsWith("%") ? parsePercent(value) : parseNumber(value);
    if (!weight.ok) return misread(weight.what, FIX);
    if (!(weight.value >= 0)) return misread(`A weight can't be \`${value}\`.`, FIX);
    weights[name as ForecastGuard] = weight.value;
  }
  const sum = Object.values(weights).reduce((all, each) => all + each, 0);
  if (sum > 1 + 1e-9)
    return misread(
      `The weights are ${Number(sum.toPrecision(6))} together, and more than 1 would promise more than there is.`,
      FIX,
    );
  if (sum === 0) return misread("No guard has a weight, so nothing would be compared.", FIX);
  return parsed(weights);
}

function didYouMean(name: string): string {
  const near = nearest(name, NAMES);
  return near === undefined ? "" : `Did you mean \`${near}\`? `;
}
