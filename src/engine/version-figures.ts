import { quantileOfSum } from "../core/analysis/histogram.ts";
import { sumWindow } from "../core/analysis/window.ts";
import type { Release } from "../core/release/release.ts";
import type { VersionFigures } from "../core/status/status.ts";
import { SECOND } from "../core/time/time.ts";
import { WHOLE } from "../core/traffic/share.ts";
import type { World } from "./world.ts";

/** Both versions' figures from one second to another, as people are told them; null: the data plane's table is not known. */
export function versionFigures(
  world: World,
  { candidate, stable, share }: Release,
  from: number,
  to: number,
): readonly VersionFigures[] | null {
  const state = world.traffic();
  if (state === null || state.table === null) return null;
  const sides = [
    ...(stable === null ? [] : [{ role: "stable" as const, placed: stable, wanted: WHOLE - share }]),
    { role: "candidate" as const, placed: candidate, wanted: share },
  ].map((side) => ({ ...side, sum: sumWindow(world.rows(), side.placed.version, from, to) }));
  const all = sides.reduce((total, { sum }) => total + sum.requests, 0);
  return sides.map(({ role, placed: { version, label }, wanted, sum }) => ({
    role,
    version,
    label,
    wantedPercent: wanted / 100,
    measuredPercent: all === 0 ? null : (100 * sum.requests) / all,
    requests: sum.requests,
    errorRate: sum.requests === 0 ? null : sum.bad / sum.requests,
    p50Ms: quantileOfSum(sum.latency, 0.5),
    p95Ms: quantileOfSum(sum.latency, 0.95),
    p99Ms: quantileOfSum(sum.latency, 0.99),
    inFlight: state.inFlight[version] ?? 0,
    windowMs: Math.max(0, to - from + 1) * SECOND,
  }));
}
