import { formatCount } from "../../core/analysis/figures.ts";
import type { LostRequests, TrafficState } from "../../core/traffic/routing.ts";
import { formatDuration, type Instant, SECOND } from "../../core/time/time.ts";

/** What befell the data plane since a moment, a sentence each; empty: nothing that a person should know. */
export function dataPlaneNotes(plane: TrafficState | null, since: Instant, now: Instant): readonly string[] {
  const lost = lostSince(plane, since);
  const last = lost.at(-1);
  if (last === undefined) return [];
  const who =
    lost.length === 1
      ? "A process of the data plane ended"
      : `${lost.length} processes of the data plane ended, the last`;
  const ago = formatDuration(Math.max(SECOND, Math.round((now - last.at) / SECOND) * SECOND));
  const open = lost.reduce((sum, { connections }) => sum + connections, 0);
  const on = `${formatCount(open)} open ${open === 1 ? "connection" : "connections"}`;
  const cut = inFlightWords(lost);
  return [
    cut === ""
      ? `${who} ${ago} ago with nothing in flight: no request that it had was lost, and ${on} ${open === 1 ? "was" : "were"} closed.`
      : `${who} ${ago} ago with ${cut} in flight on ${on}: lost, and counted against no version.`,
  ];
}

/** Those that ended with a connection open since then. */
export function lostSince(plane: TrafficState | null, since: Instant): readonly LostRequests[] {
  return (plane?.lost ?? []).filter(({ at }) => at >= since);
}

/** Empty: there was nothing. */
function inFlightWords(lost: readonly LostRequests[]): string {
  const requests = lost.reduce((sum, each) => sum + total(Object.values(each.requests)), 0);
  const webSockets = lost.reduce((sum, each) => sum + each.webSockets, 0);
  return [
    ...(requests === 0 ? [] : [`${formatCount(requests)} ${requests === 1 ? "request" : "requests"}`]),
    ...(webSockets === 0 ? [] : [`${formatCount(webSockets)} ${webSockets === 1 ? "WebSocket" : "WebSockets"}`]),
  ].join(" and ");
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0);
}
