import type { Random } from "./random.ts";

const TICK_MS = 5;

/**
 * Calls `arrive` at random moments, `perSecond` times a second in the mean, whether or not the answers to earlier
 * ones have come: people don't wait for each other. Ends with the signal; answers the longest delay of an arrival.
 * Source: Poisson arrivals have exponential gaps.
 */
export function openLoop(
  perSecond: number,
  random: Random,
  arrive: () => void,
  signal: AbortSignal,
): Promise<{ readonly latestMs: number }> {
  return new Promise((resolve) => {
    const gapMs = (): number => (-Math.log(1 - random()) * 1_000) / perSecond;
    let due = performance.now() + gapMs();
    let latestMs = 0;
    const timer = setInterval(() => {
      const now = performance.now();
      while (due <= now) {
        latestMs = Math.max(latestMs, now - due);
        arrive();
        due += gapMs();
      }
    }, TICK_MS);
    const stop = (): void => {
      clearInterval(timer);
      resolve({ latestMs: Math.round(latestMs) });
    };
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}
