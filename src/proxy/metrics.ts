import { upperEdge } from "../core/analysis/histogram.ts";
import type { TrafficState } from "../core/traffic/routing.ts";
import { WHOLE } from "../core/traffic/share.ts";
import type { Tally } from "./observations.ts";

/** Upper bounds of the latency buckets that are shown, in milliseconds. */
const BOUNDS_MS = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000];

/** The plane's figures in Prometheus' text format. Counts hold all seconds that are over. */
export function metricsText(state: TrafficState, tallies: Iterable<Tally>): string {
  const lines: string[] = [];
  const metric = (name: string, type: "counter" | "gauge" | "histogram", help: string): void => {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
  };
  const sample = (name: string, labels: Readonly<Record<string, string>>, value: number): void => {
    const text = Object.entries(labels).map(([label, each]) => `${label}="${escape(each)}"`);
    lines.push(`${name}${text.length === 0 ? "" : `{${text.join(",")}}`} ${value}`);
  };
  const all = [...tallies];

  metric("tidegate_requests_total", "counter", "Requests by version and class; failed: no answer of the app's.");
  for (const { version, totals } of all)
    for (const [status, count] of Object.entries(totals.status))
      sample("tidegate_requests_total", { version, class: status }, count);

  metric("tidegate_request_duration_seconds", "histogram", "From the request's header to the answer's last byte.");
  for (const tally of all) durations(tally, sample);

  metric(
    "tidegate_websockets_total",
    "counter",
    "WebSockets by version: opened, and failed to open or cut by the app.",
  );
  for (const { version, totals } of all)
    for (const [outcome, count] of Object.entries(totals.webSockets))
      sample("tidegate_websockets_total", { version, outcome }, count);

  metric("tidegate_in_flight", "gauge", "Requests in flight by version.");
  for (const { version, inFlight } of all) sample("tidegate_in_flight", { version }, inFlight);

  const lost = state.lost ?? [];
  metric("tidegate_requests_lost", "gauge", "In flight in processes of the data plane that were killed lately.");
  sample(
    "tidegate_requests_lost",
    {},
    lost.reduce((sum, { requests }) => sum + total(Object.values(requests)), 0),
  );

  const endpoints = Object.entries(state.endpoints);
  metric("tidegate_endpoint_healthy", "gauge", "1 when the instance answers its probes.");
  for (const [endpoint, { healthy }] of endpoints) sample("tidegate_endpoint_healthy", { endpoint }, Number(healthy));
  metric("tidegate_endpoint_ejected", "gauge", "1 while the instance gets no requests because of its failures.");
  for (const [endpoint, { ejected }] of endpoints) sample("tidegate_endpoint_ejected", { endpoint }, Number(ejected));
  metric("tidegate_endpoint_in_flight", "gauge", "Requests in flight by instance.");
  for (const [endpoint, { inFlight }] of endpoints) sample("tidegate_endpoint_in_flight", { endpoint }, inFlight);
  metric("tidegate_endpoint_websockets", "gauge", "Open WebSockets and other tunnels by instance.");
  for (const [endpoint, { webSockets }] of endpoints) sample("tidegate_endpoint_websockets", { endpoint }, webSockets);

  metric("tidegate_table_revision", "gauge", "Revision of the routing table in force.");
  sample("tidegate_table_revision", {}, state.table?.revision ?? 0);
  metric("tidegate_candidate_share", "gauge", "The candidate's part of the traffic, 0 to 1.");
  sample("tidegate_candidate_share", {}, (state.table?.share ?? 0) / WHOLE);
  metric("tidegate_returned_by_itself", "gauge", "1 when a lease ended and the plane went back to stable.");
  sample("tidegate_returned_by_itself", {}, Number(state.returnedAt !== null));
  return `${lines.join("\n")}\n`;
}

function durations(
  { version, totals }: Tally,
  sample: (name: string, labels: Record<string, string>, value: number) => void,
): void {
  let bucket = 0;
  let count = 0;
  for (const bound of BOUNDS_MS) {
    for (; bucket < totals.latency.length && upperEdge(bucket) <= bound; bucket += 1)
      count += totals.latency[bucket] ?? 0;
    sample("tidegate_request_duration_seconds_bucket", { version, le: String(bound / 1_000) }, count);
  }
  for (; bucket < totals.latency.length; bucket += 1) count += totals.latency[bucket] ?? 0;
  sample("tidegate_request_duration_seconds_bucket", { version, le: "+Inf" }, count);
  sample("tidegate_request_duration_seconds_sum", { version }, totals.latencySumMs / 1_000);
  sample("tidegate_request_duration_seconds_count", { version }, count);
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, each) => sum + each, 0);
}

function escape(label: string): string {
  return label.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");
}
