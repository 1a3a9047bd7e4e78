import type { Duration } from "../core/time/time.ts";

/** How long an answer may stay out before the request counts as failed. */
export const LATE_MS: Duration = 3_000;
const MAX_LIMIT_MS: Duration = 300_000;
const MAX_ROUTES = 1_000;

/**
 * After which time without an answer a request counts as failed. Three seconds, so that a hung candidate is not silent;
 * longer for routes on which stable itself takes longer and answers well (long polls, reports): there lateness is not a
 * fault, and counting it would roll back every release of such an app.
 */
export class Patience {
  readonly #limits = new Map<string, Duration>();

  limitFor(route: string): Duration {
    return this.#limits.get(route) ?? LATE_MS;
  }

  /** What it has learned, for the process that comes after this one. */
  learned(): readonly (readonly [route: string, limit: Duration])[] {
    return [...this.#limits];
  }

  /** Goes on with what another process has learned. */
  inherit(learned: readonly (readonly [route: string, limit: Duration])[]): void {
    for (const [route, limit] of learned) this.#limits.set(route, limit);
  }

  /** Stable answered well after this long. */
  learn(route: string, tookMs: Duration): void {
    if (tookMs < LATE_MS || tookMs * 2 <= this.limitFor(route)) return;
    if (this.#limits.size >= MAX_ROUTES) this.#limits.clear();
    this.#limits.set(route, Math.min(MAX_LIMIT_MS, tookMs * 2));
  }
}
