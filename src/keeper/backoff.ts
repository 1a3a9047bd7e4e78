import { SECOND, type Duration } from "../core/time/time.ts";

/** How long a program that keeps ending waits before it is started again. */
export interface Backoff {
  readonly firstMs: Duration;
  readonly longestMs: Duration;
  /** A life at least this long ends the row of failures. */
  readonly stableMs: Duration;
}

/** The first wait is short: visitors of the only instance are held by the proxy until it is back (outage.ts there). */
export const INSTANCE_BACKOFF: Backoff = { firstMs: 250, longestMs: 30 * SECOND, stableMs: 60 * SECOND };

/** Shorter: while the proxy is away, visitors wait in the socket's queue. */
export const PROXY_BACKOFF: Backoff = { firstMs: 20, longestMs: SECOND, stableMs: 30 * SECOND };

/** Failures in a row after one more life has ended. */
export function failuresAfter(before: number, livedMs: Duration, backoff: Backoff): number {
  return livedMs >= backoff.stableMs ? 1 : before + 1;
}

/** The wait after so many failures in a row: doubled each time, up to the longest. */
export function waitAfter(failuresInARow: number, backoff: Backoff): Duration {
  return Math.min(backoff.firstMs * 2 ** Math.max(0, failuresInARow - 1), backoff.longestMs);
}
