import type { Random } from "../analysis/statistics/random.ts";

/** Picks an index by weight, in constant time. Source: Walker's alias method, as Vose has it. */
export function createPicker(weights: readonly number[], random: Random): () => number {
  const { length } = weights;
  const sum = weights.reduce((all, weight) => all + weight, 0);
  const parts = Float64Array.from(weights, (weight) => (weight * length) / sum);
  const alias = Uint32Array.from({ length }, (_, index) => index);
  const poor: number[] = [];
  const rich: number[] = [];
  for (const [index, part] of parts.entries()) (part < 1 ? poor : rich).push(index);
  while (poor.length > 0 && rich.length > 0) {
    const small = poor.pop() ?? 0;
    const large = rich.at(-1) ?? 0;
    alias[small] = large;
    parts[large] = (parts[large] ?? 0) + (parts[small] ?? 0) - 1;
    if ((parts[large] ?? 0) < 1) poor.push(rich.pop() ?? 0);
  }
  for (const index of [...poor, ...rich]) parts[index] = 1;
  return () => {
    const at = random.next() * length;
    const index = Math.floor(at);
    return at - index < (parts[index] ?? 1) ? index : (alias[index] ?? index);
  };
}
