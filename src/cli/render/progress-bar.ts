import { formatCount } from "../../core/analysis/figures.ts";
import type { Case } from "../simulate/simulation.ts";
import { chance } from "./chance.ts";
import { paint, type Style } from "./style.ts";

const BAR_WIDTH = 40;

/** What the formula said at once, and how many of the runs are played. */
export function progressBar(cases: readonly Case[], runs: number, done: number, style: Style): readonly string[] {
  const full = Math.round(done * BAR_WIDTH);
  const [on, off] = style.unicode ? ["█", "░"] : ["#", "-"];
  const given = cases.find(({ fault }) => fault === "as-given");
  return [
    ...(given === undefined ? [] : [`By formula it is caught in ${chance(given.formula.caught)} of such steps.`]),
    `${on.repeat(full)}${off.repeat(BAR_WIDTH - full)} ${paint(style, "dim", `${Math.floor(done * 100)}% of ${formatCount(runs * cases.length)} runs`)}`,
  ];
}
