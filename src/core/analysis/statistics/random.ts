/** Random numbers from a seed, the same on every machine: xoshiro128**, seeded by splitmix32. */
export interface Random {
  /** 0 ≤ x < 1. */
  next(): number;
  poisson(mean: number): number;
  binomial(n: number, p: number): number;
  /** Mean 0, standard deviation 1. */
  normal(): number;
  /** Mean 1. */
  exponential(): number;
}

/** The same seed gives the same numbers. Counts of a mean above 500 are drawn from the normal distribution that is nearest. */
export function createRandom(seed: number): Random {
  const next = uniform(seed);
  let spare: number | null = null;
  const normal = (): number => {
    if (spare !== null) {
      const kept = spare;
      spare = null;
      return kept;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - next()));
    const angle = 2 * Math.PI * next();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
  const exponential = (): number => -Math.log(1 - next());
  const poisson = (mean: number): number => {
    if (mean <= 0) return 0;
    if (mean > 500) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal()));
    // As many exponential waits as fit into the mean.
    let count = 0;
    for (let left = mean - exponential(); left > 0; left -= exponential()) count += 1;
    return count;
  };
  const binomial = (n: number, p: number): number => {
    if (n <= 0 || p <= 0) return 0;
    if (p >= 1) return n;
    if (p > 0.5) return n - binomial(n, 1 - p);
    if (n * p > 500) return Math.max(0, Math.min(n, Math.round(n * p + Math.sqrt(n * p * (1 - p)) * normal())));
    // Leaps from one success to the next.
    const scale = Math.log1p(-p);
    let count = -1;
    for (let at = 0; at <= n; count += 1) at += Math.floor(Math.log(1 - next()) / scale) + 1;
    return count;
  };
  return { next, poisson, binomial, normal, exponential };
}

function uniform(seed: number): () => number {
  let state = seed >>> 0;
  const seeded = (): number => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
  let [a, b, c, d] = [seeded(), seeded(), seeded(), seeded()];
  return () => {
    const result = Math.imul(rotated(Math.imul(b, 5), 7), 9) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotated(d, 11);
    return result / 4_294_967_296;
  };
}

function rotated(x: number, by: number): number {
  return (x << by) | (x >>> (32 - by));
}
