import type { Emergency } from "../release/emergency.ts";
import type { Slot } from "../observation.ts";
import type { PinRule, Sticky, TlsFiles } from "../plan/traffic.ts";
import type { Counting } from "./counting.ts";
import type { Share } from "./share.ts";
import type { Duration, Instant } from "../time/time.ts";

/**
 * The data plane's whole instruction: one immutable document, replaced at once. Carries its own way back, so that a
 * plane that is left alone needs nobody to return to stable.
 */
export interface RoutingTable {
  /** Grows with every change; a writer says which revision it saw (compare-and-set). */
  readonly revision: number;
  /** Of the engine that wrote it. A lower one is refused. */
  readonly epoch: number;
  readonly app: string;
  readonly environment: string;
  /** The running release; 0 when none runs. */
  readonly release: number;
  /** Cohort offset of the release, 0 … 9 999. */
  readonly offset: number;
  readonly stable: Backend | null;
  readonly candidate: Backend | null;
  /**
   * Stable a second time, in as few and as fresh instances as the candidate, for the candidate to be compared with. Its
   * part follows from `share` (twinShare), so that whoever takes the candidate's share away has taken the twin's too;
   * where it can't answer, stable does. Absent: there is none.
   */
  readonly twin?: Backend;
  /** The candidate's part; with no candidate 0. What falls to a version that is not there gets 503. */
  readonly share: Share;
  readonly routes: readonly TableRoute[];
  readonly sticky: Sticky;
  readonly pins: PinRule;
  /** Token that always pins, for Tidegate's own smoke tests; random per release. */
  readonly engineToken: string;
  readonly health: Readonly<Record<string, TableHealth>>;
  /** Partial shares only. */
  readonly lease: Lease | null;
  /** Two versions never serve at once: when one takes the other's place, requests are held for at most this long. */
  readonly pause?: SwitchPause;
  /** What is counted by visitors while there is a candidate; absent: an older engine wrote it, and nothing is. */
  readonly counting?: Counting;
  /** Why it is as it is, where that was done before a journal could be told. Gone with the next table of an engine. */
  readonly emergency?: Emergency;
}

export interface SwitchPause {
  readonly forMs: Duration;
}

/** One version as the plane sees it: where each service of it listens. */
export interface Backend {
  readonly version: string;
  readonly slot: Slot;
  readonly instances: readonly Endpoint[];
}

/** The backends of a table that there are. */
export function backendsOf({ stable, candidate, twin }: RoutingTable): readonly Backend[] {
  return [stable, candidate, twin ?? null].filter((backend) => backend !== null);
}

/** The table with no twin in it. */
export function withoutTwin(table: RoutingTable): RoutingTable {
  const { twin: _, ...rest } = table;
  return rest;
}

/** The table with something changed in each of its backends. */
export function eachBackend(table: RoutingTable, change: (backend: Backend) => Backend): RoutingTable {
  const { stable, candidate, twin } = table;
  return {
    ...table,
    stable: stable === null ? null : change(stable),
    candidate: candidate === null ? null : change(candidate),
    ...(twin === undefined ? {} : { twin: change(twin) }),
  };
}

/** What the plane calls the twin of a version wherever it counts by version: it is the same version, and counts apart. */
export function twinName(version: string): string {
  return `${version}~twin`;
}

/** By which name that is counted which the candidate is compared with: the twin where there is one, else stable. */
export function comparedWith({ stable, twin }: RoutingTable): string | null {
  return twin === undefined ? (stable?.version ?? null) : twinName(twin.version);
}

export interface Endpoint {
  readonly id: string;
  readonly service: string;
  readonly host: string;
  readonly port: number;
  /** Gets no new requests; those in flight go on. */
  readonly draining: boolean;
}

export interface TableRoute {
  readonly host?: string;
  readonly path: string;
  readonly service: string;
}

export interface TableHealth {
  readonly path: string;
  readonly everyMs: Duration;
  readonly timeoutMs: Duration;
  readonly rise: number;
  readonly fall: number;
}

export interface Lease {
  readonly unwatchedMs: Duration;
  readonly do: "stable" | "hold";
}

/** What is in force now, read back from the plane itself. */
export interface TrafficState {
  readonly table: RoutingTable | null;
  /** The highest that was claimed: lower ones are refused. */
  readonly epoch: number;
  /** Identity of the proxy process. */
  readonly proxy: string;
  readonly pid: number;
  /** Since when it has counted without a gap: a process that took over from another goes on from that one's. */
  readonly startedAt: Instant;
  readonly listening: readonly { readonly host: string; readonly port: number; readonly tls: boolean }[];
  readonly inFlight: Readonly<Record<string, number>>;
  /** By endpoint id: the plane's own opinion. */
  readonly endpoints: Readonly<
    Record<
      string,
      { readonly healthy: boolean; readonly ejected: boolean; readonly inFlight: number; readonly webSockets: number }
    >
  >;
  /** When the share goes back to stable unless an engine renews it before; null: it never does. Absent: an older plane. */
  readonly leaseEndsAt?: Instant | null;
  /** Set when the lease ended and the plane went back by itself. */
  readonly returnedAt: Instant | null;
  /** What processes that were killed had in flight, as they had counted it themselves; the newest last. */
  readonly lost?: readonly LostRequests[];
  /** A process that was in charge before and still finishes what it has; its counts are in the others. */
  readonly leaving?: { readonly pid: number; readonly requests: number; readonly webSockets: number };
  /** Load balancers of several that can't be asked: what they do is not known. Absent: all answered. */
  readonly away?: readonly AwayBalancer[];
  /** Last request that began on each version, wall ms; null: none yet. */
  readonly lastRequestAt: Readonly<Record<string, Instant | null>>;
}

export interface AwayBalancer {
  /** A sentence that names it. */
  readonly what: string;
  /** No process has its socket open: it serves nobody. */
  readonly isGone: boolean;
}

/** What a process of the data plane took with it. No version's fault, so it counts as evidence against none. */
export interface LostRequests {
  readonly proxy: string;
  readonly pid: number;
  /** When it last had something to count. */
  readonly at: Instant;
  /** By version; "" for those that were held and had none yet. */
  readonly requests: Readonly<Record<string, number>>;
  readonly webSockets: number;
  /** Of clients, open then: what reached them while the process was dying is cut too, at most one request on each. */
  readonly connections: number;
}

/** Where the plane listens; tells the keeper which sockets to open. */
export interface Listener {
  readonly host: string;
  readonly port: number;
  readonly tls?: TlsFiles;
}
