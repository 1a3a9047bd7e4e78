import type { Random } from "./random.ts";

/**
 * A process of the simulated machine: whatever waits in its name is lost when it dies, and waits longer while it is
 * stopped. Engines live in one each.
 */
export interface Process {
  readonly id: number;
  readonly bornAt: number;
  alive: boolean;
  stopped: boolean;
  /** What came due while it was stopped. */
  readonly late: (() => void)[];
}

/** The one who says what happens next: virtual time, and an order drawn from the seed among what is due together. */
export interface Scheduler {
  /** Virtual milliseconds since the world began. */
  now(): number;
  /** How many things have happened. */
  steps(): number;
  /** Calls `action` after the time, in the name of a process or of the world itself (null). Answers how to call it off. */
  after(delayMs: number, process: Process | null, action: () => void): () => void;
  sleep(delayMs: number, process: Process | null, signal?: AbortSignal): Promise<void>;
  stop(process: Process): void;
  resume(process: Process): void;
  /** Lets things happen, one at a time and each to its end, until it is so or nothing is left to happen. */
  run(isSo: () => boolean): Promise<void>;
}

interface Due {
  readonly at: number;
  readonly order: number;
  readonly process: Process | null;
  readonly action: () => void;
  off: boolean;
}

export function createScheduler(random: Random): Scheduler {
  const heap: Due[] = [];
  let now = 0;
  let steps = 0;

  const after: Scheduler["after"] = (delayMs, process, action) => {
    const due: Due = { at: now + Math.max(0, delayMs), order: random.next(), process, action, off: false };
    push(heap, due);
    return () => void (due.off = true);
  };

  const next = (isSo: () => boolean): boolean => {
    for (;;) {
      if (isSo()) return false;
      const due = pop(heap);
      if (due === undefined) return false;
      if (due.off || due.process?.alive === false) continue;
      now = Math.max(now, due.at);
      if (due.process?.stopped === true) {
        due.process.late.push(due.action);
        continue;
      }
      steps += 1;
      due.action();
      return true;
    }
  };

  return {
    now: () => now,
    steps: () => steps,
    after,
    sleep: (delayMs, process, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted === true) return reject(signal.reason as Error);
        const abort = (): void => {
          callOff();
          reject(signal?.reason as Error);
        };
        const callOff = after(delayMs, process, () => {
          signal?.removeEventListener("abort", abort);
          resolve();
        });
        signal?.addEventListener("abort", abort, { once: true });
      }),
    stop: (process) => void (process.stopped = true),
    resume: (process) => {
      process.stopped = false;
      for (const action of process.late.splice(0)) after(0, process, action);
    },
    run: (isSo) =>
      new Promise((resolve, reject) => {
        const step = (): void => {
          try {
            // A turn of the event loop between two: what one has begun runs to where it waits again.
            if (next(isSo)) setImmediate(step);
            else resolve();
          } catch (error) {
            reject(error);
          }
        };
        step();
      }),
  };
}

function isBefore(one: Due, other: Due): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}

function push(heap: Due[], due: Due): void {
  let at = heap.length;
  heap.push(due);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!isBefore(due, heap[parent] as Due)) break;
    heap[at] = heap[parent] as Due;
    at = parent;
  }
  heap[at] = due;
}

function pop(heap: Due[]): Due | undefined {
  const top = heap[0];
  const last = heap.pop();
  if (top === undefined || last === undefined || heap.length === 0) return top;
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && isBefore(heap[child + 1] as Due, heap[child] as Due)) child += 1;
    if (!isBefore(heap[child] as Due, last)) break;
    heap[at] = heap[child] as Due;
    at = child;
  }
  heap[at] = last;
  return top;
}
