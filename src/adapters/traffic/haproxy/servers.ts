import type { Endpoint, RoutingTable, TableHealth } from "../../../core/traffic/routing.ts";
import { type HaproxyNames, serverName, SPARE } from "./names.ts";
import type { StatRow } from "./stat.ts";

/** What servers of the configuration have by themselves. */
const POOL = "pool-max-conn -1 pool-purge-delay 5s";

/** Commands for HAProxy's servers: those before a table is in force, so that nobody is sent to nowhere, and those after. */
export interface ServerCommands {
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/** Where an instance is to be a server. `address`: with a number for the host, because that is all that HAProxy adds. */
export interface WantedServer {
  readonly backend: string;
  readonly endpoint: Endpoint;
  readonly address: string;
  readonly health: TableHealth | undefined;
}

/** The servers that a table needs. `numeric`: a host's address in numbers. */
export function wantedServers(
  table: RoutingTable,
  names: HaproxyNames,
  numeric: (host: string) => string,
): readonly WantedServer[] {
  return [table.stable, table.candidate].flatMap((side) =>
    side === null
      ? []
      : side.instances.map((endpoint) => ({
          backend: names.backend(endpoint.service, side.slot),
          endpoint,
          address: addressOf(numeric(endpoint.host), endpoint.port),
          health: table.health[endpoint.service],
        })),
  );
}

/** `seen`: the servers of all of Tidegate's backends. What is right already is not touched. */
export function serverCommands(wanted: readonly WantedServer[], seen: readonly StatRow[]): ServerCommands {
  const before: string[] = [];
  const after: string[] = [];
  const used = new Set<StatRow>();
  for (const server of wanted) {
    const { backend, endpoint, address } = server;
    const found = serverOf(server, seen);
    const own = seen.find((row) => row.backend === backend && row.server === serverName(endpoint.id));
    if (found === null && own === undefined) {
      before.push(...added(server));
      if (endpoint.draining) after.push(`set server ${backend}/${serverName(endpoint.id)} state drain`);
      continue;
    }
    const row = found ?? (own as StatRow);
    used.add(row);
    const path = `${backend}/${row.server}`;
    if (found === null) before.push(`set server ${path} addr ${hostOf(address)} port ${portOf(address)}`);
    const isTaking = !row.status.startsWith("MAINT") && !row.status.startsWith("DRAIN");
    if (endpoint.draining && isTaking) after.push(`set server ${path} state drain`);
    if (!endpoint.draining && !isTaking) before.push(`set server ${path} state ready`);
  }
  for (const row of seen) if (!used.has(row)) after.push(...removed(row));
  return { before, after };
}

/** The server that stands for an instance; null: none does. */
export function serverOf({ backend, endpoint, address }: WantedServer, seen: readonly StatRow[]): StatRow | null {
  const there = seen.filter((row) => row.backend === backend && row.address === address);
  const own = there.find(({ server }) => server === serverName(endpoint.id));
  // A spare in maintenance only remembers where an instance was.
  return own ?? there.find(({ server, status }) => !SPARE.test(server) || !status.startsWith("MAINT")) ?? null;
}

/** IPv6 in brackets. */
export function addressOf(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function added({ backend, endpoint, address, health }: WantedServer): readonly string[] {
  const path = `${backend}/${serverName(endpoint.id)}`;
  const every = health?.everyMs ?? 2_000;
  const check = `check inter ${every}ms fastinter ${Math.min(every, 500)}ms rise ${health?.rise ?? 1} fall ${health?.fall ?? 3}`;
  // No cookie: dynamic servers refuse it, and sides are chosen by the map. Without the pool they keep no connection open,
  // unlike those of the configuration, and each request costs HAProxy three times as much.
  return [`add server ${path} ${address} ${check} ${POOL}`, `enable health ${path}`, `set server ${path} state ready`];
}

function removed({ backend, server, status }: StatRow): readonly string[] {
  const path = `${backend}/${server}`;
  const rest = status.startsWith("MAINT") ? [] : [`set server ${path} state maint`];
  // One that still has connections can't be deleted yet; the next change does it.
  return SPARE.test(server) ? rest : [...rest, `del server ${path}`];
}

function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":")).replaceAll(/[[\]]/g, "");
}

function portOf(address: string): string {
  return address.slice(address.lastIndexOf(":") + 1);
}
