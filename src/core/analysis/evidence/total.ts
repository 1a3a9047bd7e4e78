import { type Guard, type GuardId, guardId, isActedOn, QUANTILES } from "../../plan/guard.ts";
import { logAdd, logEvidence, type MeanEvidence, meanEvidence } from "../statistics/e-process.ts";
import type { Gathered } from "./gathered.ts";
import type { Look } from "../look.ts";
import { comparesAlone } from "./tested-limits.ts";
import { shiftEvidence } from "./visitor-shift.ts";

/** The evidence of all comparisons together, which has one budget, and the guard that says most. */
export type Total = MeanEvidence<GuardId>;

/** Of all guards that roll back by comparison alone, visitors' own speeds among them. */
export function totalOf(gathered: Gathered, look: Look): Total {
  return totalFor(gathered, look, look.guards.filter(isActedOn));
}

/** Of a guard that is only tried out, as if it had the whole budget. Visitors' own speeds are asked for by the guards that act. */
export function totalAlone(guard: Guard, gathered: Gathered, look: Look): Total {
  const isAsked = look.guards.some((other) => isActedOn(other) && comparesLatencyAlone(other));
  return totalFor(isAsked ? { ...gathered, shifts: [] } : gathered, look, [{ ...guard, weight: 1 }]);
}

function totalFor({ guards, shifts, probed }: Gathered, look: Look, summed: readonly Guard[]): Total {
  const bySpeed = shifts.length === 0 ? null : (summed.find(comparesLatencyAlone) ?? null);
  const speed = shiftEvidence(
    shifts.slice(0, look.moments).map(({ logEvidence: log }) => log),
    look.moments,
  );
  return meanEvidence(
    summed.flatMap((guard) => {
      const { weight = 0 } = guard;
      const id = guardId(guard);
      const process = guards[id]?.against["rollback:0"];
      const byProbes = look.probes === undefined ? undefined : probed?.guards[id]?.against;
      if ((process === undefined && byProbes === undefined) || !comparesAlone(guard)) return [];
      // Several tests of one thing share its weight.
      const tests = [
        process === undefined ? 0 : logEvidence(process),
        ...(guard === bySpeed ? [speed] : []),
        ...(byProbes === undefined ? [] : [logEvidence(byProbes)]),
      ];
      return [{ id, weight, log: tests.reduce(logAdd) - Math.log(tests.length) }];
    }),
  );
}

/** Whether what each visitor's own speed says is this guard's too: speeds are of all requests, and known from the step's beginning on. */
export function comparesLatencyAlone(guard: Guard): boolean {
  return (
    QUANTILES[guard.metric] !== undefined &&
    comparesAlone(guard) &&
    guard.delayMs === undefined &&
    guard.feature === undefined
  );
}
