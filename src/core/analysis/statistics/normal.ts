/** Φ, the standard normal distribution function, off by less than 1e-15 relative in its tails (continued fraction and series). */
export function normalCdf(x: number): number {
  if (x === Number.POSITIVE_INFINITY) return 1;
  if (x === Number.NEGATIVE_INFINITY) return 0;
  return x < 0 ? upperTail(-x) : 1 - upperTail(x);
}

/** ln Φ(x), which does not vanish far out. */
export function logNormalCdf(x: number): number {
  if (x > -5) return Math.log(normalCdf(x));
  return -0.5 * x * x - 0.5 * Math.log(2 * Math.PI) + Math.log(millsRatio(-x));
}

/** Φ⁻¹ by bisection on Φ: it is asked for limits, not in loops. `p` in (0, 1). */
export function normalQuantile(p: number): number {
  let low = -40;
  let high = 40;
  for (let step = 0; step < 200 && high - low > 1e-13; step += 1) {
    const middle = (low + high) / 2;
    if (normalCdf(middle) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** P(Z > x) for x ≥ 0. */
function upperTail(x: number): number {
  if (x > 3) return Math.exp(-0.5 * x * x) * (millsRatio(x) / Math.sqrt(2 * Math.PI));
  // Φ(x) = 1/2 + φ(x)·(x + x³/3 + x⁵/15 + …)
  let term = x;
  let sum = x;
  for (let odd = 3; Math.abs(term) > 1e-18 * Math.abs(sum) && odd < 400; odd += 2) {
    term *= (x * x) / odd;
    sum += term;
  }
  return 0.5 - (sum * Math.exp(-0.5 * x * x)) / Math.sqrt(2 * Math.PI);
}

/** (1 − Φ(x))/φ(x) for x > 3: Laplace's continued fraction, from its end. */
function millsRatio(x: number): number {
  let fraction = x;
  for (let level = 60; level >= 1; level -= 1) fraction = x + level / fraction;
  return 1 / fraction;
}
