import { availableParallelism } from "node:os";
import type { Worker } from "node:worker_threads";
import { FaultError } from "../../core/fault.ts";
import type { Forecast } from "../../core/forecast/forecast.ts";
import { ownThread } from "../../local/own-program.ts";
import type { Task, TaskResult } from "./forecast-worker.ts";

export interface RunOptions {
  /** Of each forecast. */
  readonly runs: number;
  /** The same seed gives the same answers, whatever the number of threads. */
  readonly seed: number;
  readonly signal: AbortSignal;
  /** The part of all runs that is done, 0 … 1. */
  readonly onProgress: (done: number) => void;
  /** By default as many as there are cores, at most 8. */
  readonly threads?: number;
}

/** When each run was caught: the second, or null for not at all. */
export type CaughtAt = readonly (number | null)[];

const MOST_THREADS = 8;
const TASKS_PER_FORECAST = 50;

/** Plays every forecast `runs` times in worker threads. In the order of the forecasts and of the runs. Faults: interrupted. */
export async function runForecasts(
  forecasts: readonly Forecast[],
  { runs, seed, signal, onProgress, threads = Math.min(MOST_THREADS, availableParallelism()) }: RunOptions,
): Promise<readonly CaughtAt[]> {
  const size = Math.ceil(runs / TASKS_PER_FORECAST);
  const results = forecasts.map((): (number | null)[] => Array.from({ length: runs }, () => null));
  const waiting = forecasts.flatMap((forecast, index) =>
    Array.from({ length: Math.ceil(runs / size) }, (_, part) => ({
      index,
      task: {
        forecast,
        firstSeed: firstSeedOf(seed, index),
        from: part * size,
        to: Math.min(runs, (part + 1) * size),
      } satisfies Task,
    })),
  );
  let done = 0;
  const take = (): (typeof waiting)[number] | undefined => (signal.aborted ? undefined : waiting.shift());
  const finish = ({ index, task }: (typeof waiting)[number], caughtAt: TaskResult): void => {
    for (const [run, at] of caughtAt.entries()) (results[index] ?? [])[task.from + run] = at === 0 ? null : at;
    done += caughtAt.length;
    onProgress(done / (runs * forecasts.length));
  };
  await Promise.all(Array.from({ length: Math.min(threads, waiting.length) }, () => playAll(take, finish, signal)));
  if (signal.aborted)
    throw new FaultError({ code: "interrupted", what: "Stopped before it was done. Nothing was changed." });
  return results;
}

/** Seeds far apart: no run of one forecast is a run of another. */
function firstSeedOf(seed: number, forecast: number): number {
  return (Math.imul(seed + 1, 0x9e3779b1) + Math.imul(forecast, 0x01000000)) >>> 0;
}

/** One thread, for as long as there is something to play. */
async function playAll<T extends { readonly task: Task }>(
  take: () => T | undefined,
  finish: (one: T, caughtAt: TaskResult) => void,
  signal: AbortSignal,
): Promise<void> {
  const worker = ownThread("forecast-worker", import.meta.url);
  const stop = (): void => void worker.terminate();
  signal.addEventListener("abort", stop);
  try {
    for (let one = take(); one !== undefined; one = take()) {
      const caughtAt = await answerTo(worker, one.task, signal);
      if (caughtAt === null) return;
      finish(one, caughtAt);
    }
  } finally {
    signal.removeEventListener("abort", stop);
    await worker.terminate();
  }
}

/** null: it was told to stop. */
function answerTo(worker: Worker, task: Task, signal: AbortSignal): Promise<TaskResult | null> {
  return new Promise((resolve, reject) => {
    const ended = (code: number): void =>
      signal.aborted ? resolve(null) : reject(new Error(`A thread that simulates ended with code ${code}.`));
    worker.once("error", reject);
    worker.once("exit", ended);
    worker.once("message", (caughtAt: TaskResult) => {
      worker.off("error", reject);
      worker.off("exit", ended);
      resolve(caughtAt);
    });
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origin
    worker.postMessage(task);
  });
}
