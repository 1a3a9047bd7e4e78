import { formatPercent } from "../../core/analysis/figures.ts";

/** A chance as percent that never says all or nothing where it is not: 99.8%, 0.04%. */
export function chance(part: number): string {
  if (part > 0.99 && part < 1) return part > 0.9995 ? "over 99.9%" : `${Number((part * 100).toFixed(1))}%`;
  return formatPercent(part);
}

/** Half of the interval that holds the truth 19 times in 20, for `part` of `runs`. */
export function uncertainty(part: number, runs: number): number {
  // Agresti and Coull: at 0 and 1 the plain formula would be sure of itself.
  const n = runs + 4;
  const p = (part * runs + 2) / n;
  return 1.96 * Math.sqrt((p * (1 - p)) / n);
}

/** A rate as people write it: 0.25%, 5%. */
export function rateText(part: number): string {
  return `${Number((part * 100).toPrecision(3))}%`;
}
