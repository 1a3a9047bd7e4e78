import { formatCount } from "../../core/analysis/figures.ts";
import type { Case } from "../simulate/simulation.ts";
import { catchWords } from "./catch-words.ts";
import { chance } from "./chance.ts";
import { paint, type Style } from "./style.ts";
import { wrap } from "./text.ts";

const BAR_WIDTH = 40;

/** What the formula said at once, and how many of the runs are played. */
export function progressBar(cases: readonly Case[], runs: number, done: number, style: Style): readonly string[] {
  const full = Math.round(done * BAR_WIDTH);
  const [on, off] = style.unicode ? ["█", "░"] : ["#", "-"];
  const given = cases.find(({ fault }) => fault === "as-given");
  const words = catchWords(
    cases.flatMap(({ fault, formula }) => (typeof fault === "string" ? [] : [{ fault, ...formula }])),
  );
  return [
    ...(given === undefined ? [] : [`By formula it is caught in ${chance(given.formula.caught)} of such steps.`]),
    ...(words === null ? [] : wrap(`By formula such a step catches ${words}.`, style.width)),
    `${on.repeat(full)}${off.repeat(BAR_WIDTH - full)} ${paint(style, "dim", `${Math.floor(done * 100)}% of ${formatCount(runs * cases.length)} runs`)}`,
  ];
}
