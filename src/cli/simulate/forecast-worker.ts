import { parentPort } from "node:worker_threads";
import { type Forecast, play } from "../../core/forecast/forecast.ts";

/** Runs `from` … `to` − 1 of a forecast. */
export interface Task {
  readonly forecast: Forecast;
  readonly firstSeed: number;
  readonly from: number;
  readonly to: number;
}

/** The second in which each run was caught; 0: not at all. */
export type TaskResult = Uint32Array;

/** A thread that plays what it is sent. A run has a seed of its own, so that it comes out the same in whichever thread. */
parentPort?.on("message", ({ forecast, firstSeed, from, to }: Task) => {
  const caughtAt: TaskResult = Uint32Array.from(
    { length: to - from },
    (_, index) => play(forecast, (firstSeed + from + index) >>> 0) ?? 0,
  );
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origin
  parentPort?.postMessage(caughtAt);
});
