import type { Counted, FeatureRow, SecondRow } from "../observation.ts";
import { merge } from "./histogram.ts";

/** Two rows of one version and one second, as two processes of a data plane tell them at a hand-over, as one. */
export function joinedRows(one: SecondRow, other: SecondRow): SecondRow {
  const visitors = other.visitors ?? one.visitors;
  return {
    ...one,
    requests: one.requests + other.requests,
    status: summed(one.status, other.status),
    ...optional("passedOn", one.passedOn, other.passedOn, (a, b) => a + b),
    latency: merge(one.latency, other.latency),
    webSockets: summed(one.webSockets, other.webSockets),
    worst: [...one.worst, ...other.worst],
    mixed: one.mixed || other.mixed,
    ...optional("counted", one.counted, other.counted, byKey(joinedCounts)),
    ...optional("newVisitors", one.newVisitors, other.newVisitors, (a, b) => a + b),
    ...optional(
      "cohorts",
      one.cohorts,
      other.cohorts,
      byKey(byKey(([requests, bad], [more, worse]) => [requests + more, bad + worse] as const)),
    ),
    ...optional("features", one.features, other.features, byKey(joinedFeatures)),
    ...(visitors === undefined ? {} : { visitors }),
  };
}

function joinedFeatures(one: FeatureRow, other: FeatureRow): FeatureRow {
  return {
    requests: one.requests + other.requests,
    bad: one.bad + other.bad,
    latency: merge(one.latency, other.latency),
  };
}

function joinedCounts(one: Counted, other: Counted): Counted {
  return {
    ...one,
    requests: one.requests + other.requests,
    bad: one.bad + other.bad,
    newlyBad: one.newlyBad + other.newlyBad,
  };
}

function summed<T extends Readonly<Record<keyof T, number>>>(one: T, other: T): T {
  const sums = Object.entries<number>(one).map(([key, count]) => [key, count + other[key as keyof T]]);
  return Object.fromEntries(sums) as T;
}

/** Joins what stands under the same key in both, and keeps what stands in one. */
function byKey<T>(join: (one: T, other: T) => T) {
  return (one: Readonly<Record<string, T>>, other: Readonly<Record<string, T>>): Readonly<Record<string, T>> => {
    const joined: Record<string, T> = { ...one };
    for (const [key, value] of Object.entries(other)) {
      const before = joined[key];
      joined[key] = before === undefined ? value : join(before, value);
    }
    return joined;
  };
}

/** What one of them has, both joined where both have it, and nothing where neither has. */
function optional<K extends string, T>(
  key: K,
  one: T | undefined,
  other: T | undefined,
  join: (one: T, other: T) => T,
): { readonly [P in K]?: T } {
  if (one === undefined && other === undefined) return {};
  const value = one === undefined ? other : other === undefined ? one : join(one, other);
  return { [key]: value } as { readonly [P in K]?: T };
}
