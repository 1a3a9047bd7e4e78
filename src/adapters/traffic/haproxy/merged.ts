import type { AwayBalancer, Backend, RoutingTable, TrafficState } from "../../../core/traffic/routing.ts";
import type { Instant } from "../../../core/time/time.ts";
import type { BalancerSeen } from "./balancer.ts";
import { haproxyNames } from "./names.ts";
import { numericServers } from "./numeric-hosts.ts";
import { serverOf } from "./servers.ts";
import { isUp, type StatRow } from "./stat.ts";

/** What several load balancers say, one each. */
export interface SeenOfAll {
  readonly seen: ReadonlyMap<string, BalancerSeen>;
  readonly away: readonly AwayBalancer[];
  readonly id: string;
  readonly since: Instant;
  readonly now: Instant;
  readonly app: string;
  readonly environment: string;
}

/** One answer of all: what the newest table says, unless one of them does otherwise; then what that one does. */
export async function merged({ seen, away, id, since, now, app, environment }: SeenOfAll): Promise<TrafficState> {
  const all = [...seen.values()];
  const newest = all.reduce((best, each) => (isNewer(each.table, best.table) ? each : best));
  const odd = all.find((each) => differs(each.table, newest.table)) ?? null;
  const highest = Math.max(...all.map(({ table }) => table?.revision ?? 0));
  const names = haproxyNames(app, environment);
  const table = newest.table;
  const servers = all.flatMap((each) => each.servers);
  const wanted = table === null ? [] : await numericServers(table, names);
  const rowsOf = (server: (typeof wanted)[number]): readonly (StatRow | null)[] =>
    all.map((each) => serverOf(server, each.servers));
  return {
    table: table === null ? null : odd === null ? table : asOdd(table, odd.table, highest),
    epoch: Math.max(...all.map(({ epoch }) => epoch)),
    proxy: id,
    pid: all[0]?.pid ?? 0,
    startedAt: since,
    listening: [],
    inFlight: Object.fromEntries(
      [table?.stable, table?.candidate].flatMap((side) => {
        if (side === null || side === undefined) return [];
        return [[side.version, sum(ofSlot(servers, side).map(({ open }) => open))] as const];
      }),
    ),
    endpoints: Object.fromEntries(
      wanted.map((server) => {
        const rows = rowsOf(server);
        const healthy = rows.every((row) => row !== null && isUp(row));
        return [
          server.endpoint.id,
          { healthy, ejected: false, inFlight: sum(rows.map((row) => row?.open ?? 0)), webSockets: 0 },
        ];
      }),
    ),
    leaseEndsAt: least(all.map(({ leaseEndsAt }) => leaseEndsAt)),
    returnedAt: least(all.map(({ returnedAt }) => returnedAt)),
    lastRequestAt: Object.fromEntries(
      [table?.stable, table?.candidate].flatMap((side) => {
        if (side === null || side === undefined) return [];
        const idle = ofSlot(
          all.flatMap((each) => each.backends),
          side,
        ).flatMap(({ idleSeconds }) => (idleSeconds === null ? [] : [idleSeconds]));
        return [[side.version, idle.length === 0 ? null : now - Math.min(...idle) * 1_000] as const];
      }),
    ),
    ...(away.length === 0 ? {} : { away }),
  };
}

function isNewer(a: RoutingTable | null, b: RoutingTable | null): boolean {
  if (a === null || b === null) return b === null && a !== null;
  return a.epoch > b.epoch || (a.epoch === b.epoch && a.revision > b.revision);
}

/** In what decides where a request goes. */
function differs(a: RoutingTable | null, b: RoutingTable | null): boolean {
  const key = (table: RoutingTable | null): string =>
    table === null
      ? ""
      : [table.release, table.share, table.offset, table.stable?.version, table.candidate?.version].join(" ");
  return key(a) !== key(b);
}

/** With the newest table's revision, so that whoever puts it right is newer than all. */
function asOdd(table: RoutingTable, odd: RoutingTable | null, revision: number): RoutingTable {
  if (odd === null) return { ...table, revision, candidate: null, share: 0, lease: null };
  return { ...table, revision, stable: odd.stable, candidate: odd.candidate, share: odd.share, lease: odd.lease };
}

function ofSlot(rows: readonly StatRow[], { slot }: Backend): readonly StatRow[] {
  return rows.filter(({ backend }) => backend.endsWith(`.${slot}`));
}

function least(times: readonly (Instant | null)[]): Instant | null {
  const known = times.filter((time) => time !== null);
  return known.length === 0 ? null : Math.min(...known);
}

function sum(counts: readonly number[]): number {
  return counts.reduce((all, count) => all + count, 0);
}
