import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { RoutingTable } from "../../../core/traffic/routing.ts";
import type { HaproxyNames } from "./names.ts";
import { wantedServers, type WantedServer } from "./servers.ts";

/** The servers that a table needs, at addresses in numbers: HAProxy adds no others. */
export async function numericServers(table: RoutingTable, names: HaproxyNames): Promise<readonly WantedServer[]> {
  const numbers = await numbersOf(table);
  return wantedServers(table, names, (host) => numbers.get(host) ?? host);
}

async function numbersOf(table: RoutingTable): Promise<ReadonlyMap<string, string>> {
  const hosts = new Set(
    [table.stable, table.candidate].flatMap((side) => (side?.instances ?? []).map(({ host }) => host)),
  );
  const found = await Promise.all(
    [...hosts].map(async (host) => {
      if (isIP(host) !== 0) return [host, host] as const;
      const { address } = await lookup(host, { family: 4 }).catch(() => lookup(host));
      return [host, address] as const;
    }),
  );
  return new Map(found);
}
