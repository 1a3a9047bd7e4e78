import { type Guard, guardLabel, namedAs, type Verdict } from "../plan/guard.ts";
import { type Duration, formatDuration, SECOND } from "../time/time.ts";
import type { Look } from "./look.ts";
import type { View } from "./views.ts";

/** The first second that counts for a guard, which may be looked at later than its step began. */
export function firstSecondOf(guard: Guard, look: Look): number {
  return look.fromSecond + Math.ceil(delayLeft(guard, look) / SECOND);
}

/** What such a guard sees: nothing of the crashes until then. */
export function withRestarts(view: View, { metric, delayMs }: Guard, restarts: Look["restartsBefore"]): View {
  if (metric !== "restarts" || delayMs === undefined) return view;
  const { restartsBefore: ofStep } = view.look;
  const before = Object.entries(restarts).map(([id, count]) => [id, Math.max(count, ofStep[id] ?? 0)]);
  return { ...view, look: { ...view.look, restartsBefore: { ...ofStep, ...Object.fromEntries(before) } } };
}

/** Crashes of each instance up to which they don't count: those of now, while such a guard is not looked at yet. */
export function restartsBefore(known: Look["restartsBefore"], look: Look): Look["restartsBefore"] {
  const isSilent = look.guards.some((guard) => guard.metric === "restarts" && notYet(guard, look) !== null);
  return isSilent ? Object.fromEntries(look.instances.map(({ id, restarts }) => [id, restarts])) : known;
}

/** What it says until then; null: it is looked at. */
export function notYet(guard: Guard, look: Look): Verdict | null {
  const seconds = firstSecondOf(guard, look) - look.toSecond - 1;
  if (seconds <= 0 || delayLeft(guard, look) === 0) return null;
  // Seconds are known a little after they were: that is no part of the delay.
  const notBeforeMs = Math.min(delayLeft(guard, look), seconds * SECOND);
  return {
    ...namedAs(guard),
    verdict: "no-data",
    notBeforeMs,
    sentence: `${guardLabel(guard)} not looked at for another ${formatDuration(notBeforeMs)}`,
    figures: { candidate: null, stable: null, limit: null, n: 0, nStable: 0, windowMs: 0 },
  };
}

/** Of the delay, when the seconds of this look begin. */
function delayLeft({ delayMs = 0 }: Guard, { watchedBeforeMs }: Look): Duration {
  return Math.max(0, delayMs - watchedBeforeMs);
}
