import { setTimeout as delay } from "node:timers/promises";

/** What comes of the work, or the reason of the signal thrown, whichever is first. */
export async function unlessStopped<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  // When the signal wins, nobody waits for the work any more.
  work.catch(() => undefined);
  signal.throwIfAborted();
  const stopped = Promise.withResolvers<never>();
  const stop = (): void => stopped.reject(signal.reason as Error);
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([work, stopped.promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** What comes of the work, or `late`. */
export async function within<T>(ms: number, work: Promise<T>): Promise<T | "late"> {
  const timer = new AbortController();
  try {
    return await Promise.race([work, delay(ms, "late" as const, { signal: timer.signal })]);
  } finally {
    timer.abort();
  }
}
