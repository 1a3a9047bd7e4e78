import { type Fault, FaultError } from "../../core/fault.ts";
import type { SecondRow } from "../../core/observation.ts";
import { whatIsWrongInCounting } from "../../core/traffic/counting.ts";
import type { Listener, RoutingTable, TrafficState } from "../../core/traffic/routing.ts";
import { WHOLE } from "../../core/traffic/share.ts";
import type { Instant } from "../../core/time/time.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Traffic } from "../../ports/traffic.ts";
import { countedAsStrangers } from "./counted-as-strangers.ts";

export interface TrafficCall {
  readonly method: keyof Traffic;
  readonly arguments: readonly unknown[];
}

/** What goes wrong with the next write. */
export type Lie =
  /** It is in force, but the answer is lost: `traffic-unreachable`. */
  | "answer-lost"
  /** It is acknowledged as if it were in force, and is not before `bringInForce`. */
  | "not-in-force";

/** A data plane that serves nobody and does what a test tells it. Time is its clock's alone. */
export interface MemoryTraffic extends Traffic {
  /** Every call in the order in which they came. */
  readonly calls: readonly TrafficCall[];
  /** Every table that was accepted, the plane's own return to stable not among them. */
  readonly writes: readonly RoutingTable[];
  /** In force now. */
  readonly table: RoutingTable | null;
  /** Figures that the next reader gets; by visitors too, as if they were all strangers, when the table in force asks for it. */
  push(...rows: readonly SecondRow[]): void;
  /** So many rows went before anybody read them. */
  lose(rows: number): void;
  /** The next calls of the method (of any, without one) throw the fault. */
  failNext(fault: Fault, method?: keyof Traffic, times?: number): void;
  /** The next call of the method waits until what this answers is called. */
  holdNext(method: keyof Traffic): () => void;
  lieNext(lie: Lie): void;
  bringInForce(): void;
  /** While set, nobody answers: `read` says null, the rest throws `traffic-unreachable`. */
  setAway(away: boolean): void;
  /** Its process is gone: `read` says null, and only `ensure` brings it back, with its last table. */
  stop(): void;
  setEndpoint(id: string, seen: Partial<TrafficState["endpoints"][string]>): void;
  setInFlight(version: string, requests: number): void;
  /** Another process takes over: the same table, figures from nothing. */
  restart(): void;
}

export function createMemoryTraffic({ clock }: { readonly clock: Clock }): MemoryTraffic {
  const ahead = clock.wall() - clock.monotonic();
  const calls: TrafficCall[] = [];
  const writes: RoutingTable[] = [];
  const rows: SecondRow[] = [];
  const counted = countedAsStrangers();
  const faults: { fault: Fault; method: keyof Traffic | undefined; times: number }[] = [];
  const held = new Map<keyof Traffic, Promise<void>>();
  const endpoints: Record<string, TrafficState["endpoints"][string]> = {};
  const inFlight: Record<string, number> = {};
  let listeners: readonly Listener[] | null = null;
  let inForce: RoutingTable | null = null;
  let pending: RoutingTable | null = null;
  let epoch = 0;
  let leaseEndsAt: number | null = null;
  let returnedAt: Instant | null = null;
  let lie: Lie | null = null;
  let isAway = false;
  let process = 1;
  let lost = 0;

  /** What the lease has done by now. */
  const settleLease = (): void => {
    if (inForce === null || leaseEndsAt === null || clock.monotonic() < leaseEndsAt) return;
    leaseEndsAt = null;
    if (inForce.lease?.do !== "stable") return;
    inForce = { ...inForce, revision: inForce.revision + 1, share: 0, lease: null };
    returnedAt = clock.wall();
  };
  const startLease = (): void => {
    leaseEndsAt = inForce === null || inForce.lease === null ? null : clock.monotonic() + inForce.lease.unwatchedMs;
  };
  const putInForce = (table: RoutingTable): void => {
    inForce = table;
    pending = null;
    returnedAt = null;
    startLease();
  };
  const state = (table: RoutingTable | null): TrafficState => ({
    table,
    epoch,
    proxy: `memory-${process}`,
    pid: process,
    startedAt: 0,
    listening: (listeners ?? []).map(({ host, port, tls }) => ({ host, port, tls: tls !== undefined })),
    inFlight: { ...inFlight },
    endpoints: { ...endpoints },
    returnedAt,
    lastRequestAt: {},
  });
  const begin = async (method: keyof Traffic, ...args: readonly unknown[]): Promise<void> => {
    calls.push({ method, arguments: args });
    const wait = held.get(method);
    held.delete(method);
    await wait;
    settleLease();
    if (isAway || (listeners === null && method !== "ensure")) throw away();
    const next = faults.find((each) => each.method === undefined || each.method === method);
    if (next === undefined) return;
    next.times -= 1;
    if (next.times === 0) faults.splice(faults.indexOf(next), 1);
    throw new FaultError(next.fault);
  };
  const refuseStale = (asked: number): void => {
    if (asked < epoch) throw fault("stale-epoch", `Epoch ${epoch} has taken over from ${asked}.`);
  };

  return {
    calls,
    writes,
    get table() {
      settleLease();
      return inForce;
    },
    async ensure(wanted) {
      await begin("ensure", wanted);
      listeners = wanted;
    },
    async claim(next) {
      await begin("claim", next);
      refuseStale(next);
      epoch = next;
    },
    async read() {
      if (isAway || listeners === null) {
        calls.push({ method: "read", arguments: [] });
        return null;
      }
      await begin("read");
      return state(inForce);
    },
    async write(table, ifRevision) {
      await begin("write", table, ifRevision);
      refuseStale(table.epoch);
      const revision = inForce?.revision ?? 0;
      if (ifRevision !== revision)
        throw fault("revision-conflict", `Revision ${revision} is in force, not ${ifRevision}.`);
      const wrong = whatIsWrong(table, ifRevision);
      if (wrong !== null) throw fault("traffic-table-refused", wrong);
      epoch = table.epoch;
      writes.push(table);
      const told = lie;
      lie = null;
      if (told === "not-in-force") pending = table;
      else putInForce(table);
      if (told === "answer-lost") throw away();
      return state(table);
    },
    async renew(asked) {
      await begin("renew", asked);
      refuseStale(asked);
      if (returnedAt !== null) throw fault("lease-ended", "Nobody renewed the lease in time.");
      startLease();
    },
    async drain(endpoint, deadlineMs) {
      await begin("drain", endpoint, deadlineMs);
      const open = (): number => (endpoints[endpoint]?.inFlight ?? 0) + (endpoints[endpoint]?.webSockets ?? 0);
      if (open() > 0) await clock.sleep(deadlineMs);
      return { left: open() };
    },
    async observations(since) {
      await begin("observations", since);
      const gone = since > 0 ? lost : 0;
      lost = 0;
      return {
        proxy: `memory-${process}`,
        next: rows.length + 1,
        rows: rows.slice(Math.max(0, since - 1)),
        lost: gone,
        inFlight: { ...inFlight },
        at: ahead + clock.monotonic(),
      };
    },
    push: (...more) => {
      for (const row of more) rows.push(inForce === null ? row : counted(row, inForce));
    },
    lose: (count) => void (lost += count),
    failNext: (next, method, times = 1) => void faults.push({ fault: next, method, times }),
    holdNext(method) {
      const { promise, resolve } = Promise.withResolvers<void>();
      held.set(method, promise);
      return resolve;
    },
    lieNext: (next) => void (lie = next),
    bringInForce: () => void (pending !== null && putInForce(pending)),
    stop: () => {
      listeners = null;
    },
    setAway: (away) => void (isAway = away),
    setEndpoint(id, seen) {
      const before = endpoints[id] ?? { healthy: true, ejected: false, inFlight: 0, webSockets: 0 };
      endpoints[id] = { ...before, ...seen };
    },
    setInFlight: (version, requests) => void (inFlight[version] = requests),
    restart() {
      process += 1;
      rows.length = 0;
      lost = 0;
    },
  };
}

function whatIsWrong(
  { revision, share, candidate, stable, twin, counting }: RoutingTable,
  ifRevision: number,
): string | null {
  if (revision !== ifRevision + 1) return "its revision must be one higher than the one it replaces";
  if (!Number.isSafeInteger(share) || share < 0 || share > WHOLE) return `a share of ${share} is none`;
  if (candidate === null && share !== 0) return "its share must be 0 without a candidate";
  if (candidate !== null && candidate.version === stable?.version) return "one version is on both sides";
  if (twin !== undefined && twin.version !== stable?.version) return "its twin is of another version than stable";
  return counting === undefined ? null : whatIsWrongInCounting(counting);
}

function away(): FaultError {
  return fault("traffic-unreachable", "The data plane does not answer.");
}

function fault(code: string, what: string): FaultError {
  return new FaultError({ code, what });
}
