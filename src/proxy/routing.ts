import { type Backend, type RoutingTable, type TableRoute, twinName } from "../core/traffic/routing.ts";
import { InstanceGroup } from "./balance.ts";
import { countersOf, type CountersOf } from "./counter-filter.ts";
import type { LiveEndpoint } from "./live-endpoint.ts";
import type { Tally } from "./observations.ts";
import { isUnder } from "./path-prefix.ts";

/** A table made ready for looking things up, once, when it is written. */
export interface Routing {
  readonly table: RoutingTable;
  readonly stable: RoutedVersion | null;
  readonly candidate: RoutedVersion | null;
  /** null: the candidate is compared with stable itself. */
  readonly twin: RoutedVersion | null;
  /** Lower case. */
  readonly pinHeader: string;
  /** Name of the cookie that makes a visitor stay; empty: none is set. */
  readonly cookie: string;
  /** Counters that a request is for; null: all that there are. */
  readonly countersOf: CountersOf | null;
  /** The service that takes a request, or null. `path` may have a query. */
  route(host: string, path: string): string | null;
}

export interface RoutedVersion {
  /** By which it is counted: of the twin not that of the version that it is. */
  readonly version: string;
  readonly isStable: boolean;
  /** What it could not take counts against it, though stable has answered. Not of the twin: it is stable, and its absence is told. */
  readonly countsPassedOn: boolean;
  readonly tally: Tally;
  readonly groups: ReadonlyMap<string, InstanceGroup>;
}

export function compileTable(
  table: RoutingTable,
  endpoints: ReadonlyMap<string, LiveEndpoint>,
  tally: (version: string) => Tally,
): Routing {
  const routed = (backend: Backend, version: string, isStable: boolean, countsPassedOn: boolean): RoutedVersion => ({
    version,
    isStable,
    countsPassedOn,
    tally: tally(version),
    groups: groupsOf(backend, isStable, endpoints),
  });
  const { stable, candidate, twin, sticky } = table;
  return {
    table,
    stable: stable === null ? null : routed(stable, stable.version, true, true),
    candidate: candidate === null ? null : routed(candidate, candidate.version, false, true),
    twin: twin === undefined ? null : routed(twin, twinName(twin.version), false, false),
    pinHeader: table.pins.header.toLowerCase(),
    // Without a candidate there is nothing to stay on, and answers stay as the app made them.
    cookie:
      table.candidate === null || sticky.kind === "none" ? "" : sticky.kind === "header" ? sticky.cookie : sticky.name,
    countersOf: countersOf(table.counting),
    route: routeFinder(table.routes),
  };
}

/** Identity of an endpoint across tables: an id that comes back at another address is another endpoint. */
export function endpointKey({ id, host, port }: { id: string; host: string; port: number }): string {
  return `${id}\n${host}:${port}`;
}

function groupsOf(
  backend: Backend,
  isStable: boolean,
  endpoints: ReadonlyMap<string, LiveEndpoint>,
): ReadonlyMap<string, InstanceGroup> {
  const byService = Map.groupBy(backend.instances, ({ service }) => service);
  return new Map(
    [...byService].map(([service, instances]) => {
      const live = instances.flatMap((instance) => endpoints.get(endpointKey(instance)) ?? []);
      return [service, new InstanceGroup(live, isStable)];
    }),
  );
}

interface Prefix {
  /** Without the slash at its end; empty takes every path. */
  readonly path: string;
  readonly service: string;
}

function routeFinder(routes: readonly TableRoute[]): Routing["route"] {
  const byHost = new Map<string, Prefix[]>();
  for (const { host, path, service } of routes) {
    const key = host?.toLowerCase().replace(/\.$/, "") ?? "";
    const prefixes = byHost.get(key) ?? [];
    prefixes.push({ path: path.replace(/\/+$/, ""), service });
    byHost.set(key, prefixes);
  }
  for (const prefixes of byHost.values()) prefixes.sort((a, b) => b.path.length - a.path.length);

  const anyHost = byHost.get("") ?? [];
  const [only] = anyHost;
  if (byHost.size === 1 && anyHost.length === 1 && only?.path === "") return () => only.service;
  return (host, path) => longest(byHost.get(host), path) ?? longest(anyHost, path);
}

function longest(prefixes: readonly Prefix[] | undefined, path: string): string | null {
  if (prefixes === undefined) return null;
  for (const prefix of prefixes) {
    if (isUnder(path, prefix.path)) return prefix.service;
  }
  return null;
}
