import type { Endpoint, RoutingTable, TrafficState } from "../core/traffic/routing.ts";
import type { HealthProbe } from "../ports/health.ts";

/** How long an instance may take to answer. Where it takes longer, what the data plane thinks of it counts. */
const ANSWER_MS = 400;

/** Why stable could not take the traffic, in words for the end of a sentence; null: each of its services has an instance that is ready. */
export async function whyStableIsNotReady(
  table: RoutingTable,
  endpoints: TrafficState["endpoints"],
  health: HealthProbe,
): Promise<string | null> {
  const services = [...new Set(table.routes.map(({ service }) => service))];
  const reasons = await Promise.all(services.map((service) => whyServiceIsNotReady(service, table, endpoints, health)));
  return reasons.find((reason) => reason !== null) ?? null;
}

async function whyServiceIsNotReady(
  service: string,
  table: RoutingTable,
  endpoints: TrafficState["endpoints"],
  health: HealthProbe,
): Promise<string | null> {
  const mine = (table.stable?.instances ?? []).filter((each) => each.service === service);
  if (mine.length === 0) return `no instance of ${service} is in the data plane's table`;
  const reasons = await Promise.all(mine.map((each) => whyNotReady(each, table, endpoints[each.id], health)));
  return reasons.includes(null) ? null : (reasons[0] ?? null);
}

async function whyNotReady(
  { id, host, port, service }: Endpoint,
  table: RoutingTable,
  seen: TrafficState["endpoints"][string] | undefined,
  health: HealthProbe,
): Promise<string | null> {
  const address = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const path = table.health[service]?.path;
  const answer =
    path === undefined
      ? await health.tcp(address, ANSWER_MS)
      : await health.http(`http://${address}${path}`, ANSWER_MS);
  if (answer.ok) return null;
  if (answer.status !== undefined) return `${id} is not ready: it answers ${answer.status}`;
  // Slow to answer is not the same as gone: on a machine that can hardly breathe, everything is slow.
  const isThere = path !== undefined && (await health.tcp(address, ANSWER_MS)).ok;
  return isThere && seen?.healthy === true && !seen.ejected ? null : `${id} does not answer: ${answer.text}`;
}
