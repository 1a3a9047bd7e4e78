import { type Guard, METRICS, type Verdict } from "../plan/guard.ts";
import { type Duration, formatDuration, SECOND } from "../time/time.ts";
import type { Look } from "./look.ts";
import type { View } from "./views.ts";

/** What a guard sees that is looked at later than its step began: nothing of the seconds before. */
export function lookOf(guard: Guard, look: Look): Look {
  const left = delayLeft(guard, look);
  return left === 0 ? look : { ...look, fromSecond: look.fromSecond + Math.ceil(left / SECOND) };
}

/** Nor of the crashes until then. */
export function withRestarts(view: View, { metric, delayMs }: Guard, restarts: Look["restartsBefore"]): View {
  if (metric !== "restarts" || delayMs === undefined) return view;
  const { restartsBefore } = view.look;
  const before = Object.entries(restarts).map(([id, count]) => [id, Math.max(count, restartsBefore[id] ?? 0)]);
  return { ...view, look: { ...view.look, restartsBefore: { ...restartsBefore, ...Object.fromEntries(before) } } };
}

/** Crashes of each instance so far. */
export function restartsIn({ instances }: Look): Look["restartsBefore"] {
  return Object.fromEntries(instances.map(({ id, restarts }) => [id, restarts]));
}

/** What it says until then; null: it is looked at. */
export function notYet(guard: Guard, look: Look): Verdict | null {
  const seconds = lookOf(guard, look).fromSecond - look.toSecond - 1;
  if (seconds <= 0 || delayLeft(guard, look) === 0) return null;
  // Seconds are known a little after they were: that is no part of the delay.
  const notBeforeMs = Math.min(delayLeft(guard, look), seconds * SECOND);
  return {
    metric: guard.metric,
    verdict: "no-data",
    notBeforeMs,
    sentence: `${METRICS[guard.metric].label} not looked at for another ${formatDuration(notBeforeMs)}`,
    figures: { candidate: null, stable: null, limit: null, n: 0, nStable: 0, windowMs: 0 },
  };
}

/** Of the delay, when the seconds of this look begin. */
function delayLeft({ delayMs = 0 }: Guard, { watchedBeforeMs }: Look): Duration {
  return Math.max(0, delayMs - watchedBeforeMs);
}
