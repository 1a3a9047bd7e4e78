import { setTimeout as delay } from "node:timers/promises";

/** Looks again and again until it gets something other than false, null or undefined; fails with `what` at the bound. */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  boundMs = 15_000,
): Promise<Exclude<T, false | null | undefined>> {
  const endsAt = performance.now() + boundMs;
  for (;;) {
    const seen = await look();
    if (seen !== false && seen !== null && seen !== undefined) return seen as Exclude<T, false | null | undefined>;
    if (performance.now() > endsAt) throw new Error(`Not within ${boundMs} ms: ${what}`);
    await delay(10);
  }
}
