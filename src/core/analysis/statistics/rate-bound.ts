/**
 * A rate that the true one exceeds with a probability of at most `delta`, after `bad` of `n`, for every n: where the binomial's
 * Kullback-Leibler divergence from what was seen comes to ln(1/δ)/n (Chernoff). 1 without any requests.
 */
export function upperRate(n: number, bad: number, delta: number): number {
  if (n === 0) return 1;
  const seen = bad / n;
  const enough = -Math.log(delta) / n;
  let low = seen;
  let high = 1;
  for (let halving = 0; halving < 60; halving += 1) {
    const middle = (low + high) / 2;
    if (divergence(seen, middle) > enough) high = middle;
    else low = middle;
  }
  return high;
}

function divergence(seen: number, rate: number): number {
  const part = (p: number, q: number): number => (p === 0 ? 0 : p * Math.log(p / q));
  return part(seen, rate) + part(1 - seen, 1 - rate);
}
