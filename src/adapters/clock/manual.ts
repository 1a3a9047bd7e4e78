import type { Duration, Instant } from "../../core/time/time.ts";
import type { Clock } from "../../ports/clock.ts";

/** A clock that stands still until a test moves it. */
export interface ManualClock extends Clock {
  /**
   * Lets time pass: wakes who sleeps in the order in which they are due, each at its own time, with a turn of the
   * event loop after each, so that who goes back to sleep within the time is woken again.
   */
  advance(duration: Duration): Promise<void>;
  /** Sets the wall clock alone, as an administrator or a time server does; nobody wakes of it. */
  setWall(wall: Instant): void;
  /** Resolves when at least so many sleep. */
  untilSleeping(count?: number): Promise<void>;
  /** When those who sleep are due, in monotonic time, the next first. */
  due(): readonly number[];
}

interface Sleeper {
  readonly due: number;
  readonly wake: () => void;
}

/** Stands at `wall` to begin with. */
export function createManualClock(wall: Instant): ManualClock {
  let monotonic = 0;
  let aheadOfMonotonic = wall;
  const sleepers: Sleeper[] = [];
  let watchers: (() => void)[] = [];

  const sleep = (duration: Duration, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason as Error);
      const leave = (): void => {
        sleepers.splice(sleepers.indexOf(sleeper), 1);
        signal?.removeEventListener("abort", abort);
      };
      const abort = (): void => {
        leave();
        reject(signal?.reason as Error);
      };
      const sleeper: Sleeper = {
        due: monotonic + Math.max(0, duration),
        wake: () => {
          leave();
          resolve();
        },
      };
      signal?.addEventListener("abort", abort, { once: true });
      // Before the first who is due later: of two who are due together, the first to sleep wakes first.
      const place = sleepers.findIndex(({ due }) => due > sleeper.due);
      sleepers.splice(place === -1 ? sleepers.length : place, 0, sleeper);
      for (const watcher of watchers) watcher();
    });

  const advance = async (duration: Duration): Promise<void> => {
    const until = monotonic + duration;
    for (let next = sleepers[0]; next !== undefined && next.due <= until; next = sleepers[0]) {
      monotonic = next.due;
      next.wake();
      await new Promise((resolve) => setImmediate(resolve));
    }
    monotonic = until;
  };

  return {
    wall: () => monotonic + aheadOfMonotonic,
    monotonic: () => monotonic,
    sleep,
    advance,
    setWall(to) {
      aheadOfMonotonic = to - monotonic;
    },
    untilSleeping: (count = 1) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (sleepers.length < count) return;
          watchers = watchers.filter((watcher) => watcher !== look);
          resolve();
        };
        watchers.push(look);
        look();
      }),
    due: () => sleepers.map(({ due }) => due),
  };
}
