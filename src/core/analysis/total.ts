import { type Guard, type Metric, QUANTILES } from "../plan/guard.ts";
import { logAdd, logEvidence, type MeanEvidence, meanEvidence } from "./e-process.ts";
import type { Gathered } from "./gather.ts";
import type { Look } from "./look.ts";
import { comparesAlone } from "./tested-limits.ts";
import { shiftEvidence } from "./visitor-shift.ts";

/** The evidence of all comparisons together, which has one budget, and the metric that says most. */
export type Total = MeanEvidence<Metric>;

/** Of all guards that roll back by comparison alone, visitors' own speeds among them. */
export function totalOf({ guards, shifts }: Gathered, look: Look): Total {
  const bySpeed = shifts.length === 0 ? null : (look.guards.find(comparesLatencyAlone)?.metric ?? null);
  const speed = shiftEvidence(
    shifts.slice(0, look.moments).map(({ logEvidence: log }) => log),
    look.moments,
  );
  return meanEvidence(
    look.guards.flatMap((guard) => {
      const { metric, weight = 0 } = guard;
      const process = guards[metric]?.against["rollback:0"];
      if (process === undefined || !comparesAlone(guard)) return [];
      const own = logEvidence(process);
      // Two tests of one thing share its weight.
      return [{ id: metric, weight, log: metric === bySpeed ? logAdd(own, speed) - Math.LN2 : own }];
    }),
  );
}

/** Whether what each visitor's own speed says is this guard's too. */
export function comparesLatencyAlone(guard: Guard): boolean {
  return QUANTILES[guard.metric] !== undefined && comparesAlone(guard);
}
