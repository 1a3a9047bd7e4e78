import { quantileOfSum } from "../core/analysis/histogram.ts";
import { sumWindow } from "../core/analysis/windows/window.ts";
import type { Placed } from "../core/release/event.ts";
import type { Release } from "../core/release/release.ts";
import type { VersionFigures } from "../core/status/status.ts";
import { SECOND } from "../core/time/time.ts";
import { twinOf } from "../core/release/twin.ts";
import { twinName } from "../core/traffic/routing.ts";
import { type Share, twinShare, WHOLE } from "../core/traffic/share.ts";
import type { World } from "./world.ts";

/** The figures of both versions, and of stable's twin, from one second to another, as people are told them; null: the data plane's table is not known. */
export function versionFigures(
  world: World,
  release: Release,
  from: number,
  to: number,
): readonly VersionFigures[] | null {
  const state = world.traffic();
  if (state === null || state.table === null) return null;
  const sides = sidesOf(release).map((side) => ({ ...side, sum: sumWindow(world.rows(), side.name, from, to) }));
  const all = sides.reduce((total, { sum }) => total + sum.requests, 0);
  return sides.map(({ role, name, placed: { version, label }, wanted, sum }) => ({
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
    inFlight: state.inFlight[name] ?? 0,
    windowMs: Math.max(0, to - from + 1) * SECOND,
  }));
}

interface SideOfTable {
  readonly role: VersionFigures["role"];
  /** By which it is counted. */
  readonly name: string;
  readonly placed: Placed;
  readonly wanted: Share;
}

function sidesOf(release: Release): readonly SideOfTable[] {
  const { stable, candidate, share, hasTwin } = release;
  const twin = hasTwin && share < WHOLE ? twinOf(release) : null;
  const ofTwin = twin === null ? 0 : twinShare(share);
  const sides: SideOfTable[] = [];
  if (stable !== null)
    sides.push({ role: "stable", name: stable.version, placed: stable, wanted: WHOLE - share - ofTwin });
  if (twin !== null) sides.push({ role: "twin", name: twinName(twin.version), placed: twin, wanted: ofTwin });
  return [...sides, { role: "candidate", name: candidate.version, placed: candidate, wanted: share }];
}
