import { formatPercent } from "../../core/analysis/figures.ts";

/** A chance as percent that never says all or nothing where it is not: 99.8%, 0.04%. */
export function chance(part: number): string {
  if (part > 0.99 && part < 1) return part > 0.9995 ? "over 99.9%" : `${Number((part * 100).toFixed(1))}%`;
  return formatPercent(part);
}

/** Half of the interval that holds the truth 19 times in 20, for `part` of `runs`. */
export function uncertainty(part: number, runs: number): number {
  return interval(part, runs).half;
}

/** The upper end of that interval. */
export function atMost(part: number, runs: number): number {
  const { middle, half } = interval(part, runs);
  return Math.min(1, middle + half);
}

/** Source: Agresti and Coull. At 0 and 1 the plain formula would be sure of itself. */
function interval(part: number, runs: number): { readonly middle: number; readonly half: number } {
  const n = runs + 4;
  const middle = (part * runs + 2) / n;
  return { middle, half: 1.96 * Math.sqrt((middle * (1 - middle)) / n) };
}

/** A rate as people write it: 0.25%, 5%. */
export function rateText(part: number): string {
  return `${Number((part * 100).toPrecision(3))}%`;
}
