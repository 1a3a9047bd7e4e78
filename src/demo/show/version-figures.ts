import type { LoadSecond, SecondOfVersion } from "../load-report.ts";

/** What the customers saw of one version lately. */
export interface VersionFigures {
  readonly version: string;
  /** Of all requests, 0 … 1. */
  readonly part: number;
  readonly perSecond: number;
  /** Errors of the shop's own and failed requests, 0 … 1. */
  readonly errorRate: number;
  /** Of a second in the middle: half of the last seconds were slower. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
}

export const LATELY_SECONDS = 5;

/** Of each version that still answers, over the last seconds, by name: what is put back has no rate any more. */
export function versionFigures(seconds: readonly LoadSecond[], lately = LATELY_SECONDS): readonly VersionFigures[] {
  const last = seconds.slice(-lately);
  const names = Object.entries(last.at(-1)?.versions ?? {})
    .filter(([, { requests }]) => requests > 0)
    .map(([name]) => name)
    .sort();
  const all = last.reduce((sum, { requests }) => sum + requests, 0);
  return names.map((version) => {
    const own = last.flatMap(({ versions }) => versions[version] ?? []);
    const requests = sum(own, "requests");
    return {
      version,
      part: all === 0 ? 0 : requests / all,
      perSecond: last.length === 0 ? 0 : requests / last.length,
      errorRate: requests === 0 ? 0 : (sum(own, "appErrors") + sum(own, "failedRequests")) / requests,
      p50Ms: middle(own.map(({ p50Ms }) => p50Ms)),
      p95Ms: middle(own.map(({ p95Ms }) => p95Ms)),
    };
  });
}

function sum(seconds: readonly SecondOfVersion[], name: "requests" | "appErrors" | "failedRequests"): number {
  return seconds.reduce((total, second) => total + second[name], 0);
}

function middle(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null).sort((a, b) => a - b);
  return known[Math.floor(known.length / 2)] ?? null;
}
