import { type Figures, type Guard, guardId, isOfProcesses, QUANTILES } from "../../plan/guard.ts";
import type { InstanceSeen } from "../../observation.ts";
import { quantileOfSum } from "../histogram.ts";
import { gaugeOf } from "../gauges/gauge-blocks.ts";
import { limitValue } from "../limit-value.ts";
import type { Look } from "../look.ts";
import { isSourced, sourceFigures } from "../sources/source-figures.ts";
import type { Seen, WindowSum } from "./window.ts";

/** Both versions' figures in what was seen. */
export function figuresOf(guard: Guard, look: Look, seen: Seen): Figures {
  if (isSourced(guard)) return sourceFigures(guard, look);
  if (isOfProcesses(guard.metric)) return processFigures(guard, look);
  const { candidate: mine, stable: theirs, windowMs } = seen;
  const [candidate, n, k] = sideFigures(guard, mine);
  const before = look.baseline?.[guardId(guard)];
  const [stable, nStable, kStable] =
    theirs === null
      ? [null, 0, undefined]
      : before !== undefined && theirs.requests < guard.minRequests
        ? [before.stable, before.nStable, before.kStable]
        : sideFigures(guard, theirs);
  return {
    candidate,
    stable,
    limit: limitValue(guard),
    n,
    nStable,
    windowMs,
    ...(look.twin === undefined ? {} : { isTwin: true }),
    ...(k === undefined ? {} : { k }),
    ...(kStable === undefined ? {} : { kStable }),
  };
}

/** Value, n, k. */
function sideFigures(guard: Guard, sum: WindowSum): readonly [number | null, number, number | undefined] {
  const q = QUANTILES[guard.metric];
  if (q !== undefined) return [sum.requests === 0 ? null : quantileOfSum(sum.latency, q), sum.requests, undefined];
  if (guard.metric === "websockets") {
    const tried = sum.webSockets.opened + sum.webSockets.failed;
    return [tried === 0 ? null : sum.webSockets.failed / tried, tried, sum.webSockets.failed];
  }
  if (sum.requests === 0) return [null, 0, 0];
  const rate = sum.bad / sum.requests;
  return [guard.metric === "availability" ? 1 - rate : rate, sum.requests, sum.bad];
}

function processFigures(guard: Guard, look: Look): Figures {
  const of = (version: string | null): readonly InstanceSeen[] =>
    look.instances.filter((instance) => instance.version === version);
  const value = (instances: readonly InstanceSeen[]): number | null => {
    if (instances.length === 0) return null;
    if (guard.metric === "restarts")
      return instances.reduce(
        (sum, { id, restarts }) => sum + Math.max(0, restarts - (look.restartsBefore[id] ?? 0)),
        0,
      );
    return gaugeOf(guard.metric, instances);
  };
  const mine = of(look.candidate);
  const theirs = of(look.stable);
  return {
    candidate: value(mine),
    stable: value(theirs),
    limit: limitValue(guard),
    n: mine.length,
    nStable: theirs.length,
    windowMs: guard.windowMs,
    // With all traffic on the candidate its twin is gone, and the standby is what runs beside it.
    ...(look.twin === undefined || look.switched !== undefined ? {} : { isTwin: true }),
  };
}
