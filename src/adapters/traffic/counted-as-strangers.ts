import { merge, quantile, upperEdge } from "../../core/analysis/histogram.ts";
import {
  LEAST_ANSWERS,
  RENEWED_EVERY_SECONDS,
  STABLE_WINDOW_SECONDS,
} from "../../core/analysis/evidence/slow-limit.ts";
import type { Counted, SecondRow } from "../../core/observation.ts";
import { COHORT_GROUPS, type Counter } from "../../core/traffic/counting.ts";
import { comparedWith, type RoutingTable } from "../../core/traffic/routing.ts";

/**
 * Makes rows as a data plane tells them whose every request comes from another visitor: for planes that know of no
 * visitors, but are to be judged like one that does. It must get all rows in their order, for what is slow; counters of some
 * requests alone are left out, because a row does not know which. One that says of itself what was counted stays as it is.
 */
export function countedAsStrangers(): (row: SecondRow, table: RoutingTable) => SecondRow {
  let minute: SecondRow[] = [];
  let block = 0;
  let latency: SecondRow["latency"] = {};
  return (row, table) => {
    const { counting, candidate } = table;
    const compared = comparedWith(table);
    const isStable = row.version === compared;
    const begun = Math.floor(row.second / RENEWED_EVERY_SECONDS);
    if (begun !== block || (isStable && minute[0] !== undefined && minute[0].version !== row.version)) {
      block = begun;
      const oldest = begun * RENEWED_EVERY_SECONDS - STABLE_WINDOW_SECONDS;
      minute = minute.filter(({ version, second }) => version === compared && second >= oldest);
      latency = merge(...minute.map((each) => each.latency));
    }
    if (isStable) minute.push(row);
    if (counting === undefined || candidate === null || row.counted !== undefined) return row;
    if (!isStable && row.version !== candidate.version) return row;
    const counted = counting.counters.flatMap((counter) => {
      const each = countedBy(counter, row, isStable, latency);
      return each === null ? [] : [[counter.id, each] as const];
    });
    return {
      ...row,
      counted: Object.fromEntries(counted),
      newVisitors: row.requests,
      ...(isStable ? { cohorts: Object.fromEntries(counted.map(([id, each]) => [id, spread(each)])) } : {}),
    };
  };
}

function countedBy(
  { bad: what, only }: Counter,
  { requests, status, latency }: SecondRow,
  isStable: boolean,
  stable: SecondRow["latency"],
): Counted | null {
  if (only !== undefined) return null;
  if (what.kind === "failed") {
    const bad = status.server + status.failed;
    return { requests, bad, newlyBad: bad };
  }
  const limitMs = sum(Object.values(stable)) < LEAST_ANSWERS ? null : quantile(stable, what.quantile);
  if (limitMs === null) return null;
  const most = isStable ? limitMs : Math.max(limitMs * what.tolerance, limitMs + (what.leastMs ?? 0));
  const bad = sum(Object.entries(latency).map(([bucket, count]) => (upperEdge(Number(bucket)) > most ? count : 0)));
  return { requests: sum(Object.values(latency)), bad, newlyBad: bad, limitMs };
}

/** As evenly as it goes over all groups. */
function spread({ requests, bad }: Counted): Record<number, readonly [number, number]> {
  const part = (all: number, group: number): number =>
    Math.floor((all * (group + 1)) / COHORT_GROUPS) - Math.floor((all * group) / COHORT_GROUPS);
  return Object.fromEntries(
    Array.from(
      { length: COHORT_GROUPS },
      (_, group) => [group, [part(requests, group), part(bad, group)] as const] as const,
    ).filter(([, [count]]) => count > 0),
  );
}

function sum(counts: readonly number[]): number {
  return counts.reduce((all, count) => all + count, 0);
}
