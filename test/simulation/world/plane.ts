import { countedAsStrangers } from "../../../src/adapters/traffic/counted-as-strangers.ts";
import { bucketOf } from "../../../src/core/analysis/histogram.ts";
import { FaultError } from "../../../src/core/fault.ts";
import type { ObservationBatch, SecondRow } from "../../../src/core/observation.ts";
import { whatIsWrongInCounting } from "../../../src/core/traffic/counting.ts";
import { type Listener, type RoutingTable, type TrafficState, twinName } from "../../../src/core/traffic/routing.ts";
import { twinShare, WHOLE } from "../../../src/core/traffic/share.ts";
import { SECOND } from "../../../src/core/time/time.ts";
import type { Traffic } from "../../../src/ports/traffic.ts";
import type { By } from "../fact.ts";
import { fault } from "./app.ts";
import type { Ground } from "./ground.ts";

/** What of a version's requests comes to what. */
export interface Serving {
  readonly badShare: number;
  readonly latencyMs: number;
}

/** The simulated data plane: one table in force, a lease, and figures by second. */
export interface Plane {
  hand(by: number): Traffic;
  table(): RoutingTable | null;
  epoch(): number;
  /** Somebody else changes the share, behind every engine's back. */
  meddle(share: number): void;
  /** What its next process begins with, written past it: it begins at once where none runs. */
  overwrite(table: RoutingTable, by: number): void;
  /** Its process dies and another one goes on with the table; the figures are gone. */
  restart(): void;
}

export interface PlaneSettings {
  readonly ground: Ground;
  readonly perSecond: number;
  /** How often requests are still open when the time for draining is over. */
  readonly lingering: number;
  readonly serving: (version: string, table: RoutingTable) => Serving;
}

export function createPlane({ ground, perSecond, lingering, serving }: PlaneSettings): Plane {
  const { scheduler, random, troubles } = ground;
  let listeners: readonly Listener[] | null = null;
  let inForce: RoutingTable | null = null;
  let epoch = 0;
  let returnedAt: number | null = null;
  let endLease = (): void => undefined;
  let process = 1;
  const rows: SecondRow[] = [];
  let byVisitors = countedAsStrangers();
  let firstRow = 1;
  /** Wall time as its process began, and steady from then on. */
  let ahead = ground.wall() - scheduler.now();
  const steady = (): number => scheduler.now() + ahead;
  let openSecond = Math.floor(steady() / SECOND);
  let isMixed = false;

  /** Closes the seconds that are over, with what the table in force sent where. */
  const count = (): void => {
    const now = Math.floor(steady() / SECOND);
    if (now <= openSecond) return;
    const counted: SecondRow[] = [];
    for (let second = Math.max(openSecond, now - 600); second < now; second += 1) {
      counted.push(...rowsOf(second));
      isMixed = false;
    }
    openSecond = now;
    isMixed = false;
    if (counted.length === 0) return;
    rows.push(...counted);
    ground.tell({ kind: "counted", rows: counted });
  };

  const rowsOf = (second: number): readonly SecondRow[] => {
    const table = inForce;
    if (table === null || listeners === null || troubles.has("plane-away") || troubles.has("no-visitors")) return [];
    const ofTwin = table.twin === undefined ? 0 : twinShare(table.share);
    const { stable, candidate, twin } = table;
    const sides = [
      [stable?.version, stable?.version, candidate === null ? WHOLE : WHOLE - table.share - ofTwin],
      [twin?.version, twin === undefined ? undefined : twinName(twin.version), ofTwin],
      [candidate?.version, candidate?.version, table.share],
    ] as const;
    return sides.flatMap(([version, name, share]) => {
      if (version === undefined || name === undefined) return [];
      const exact = (perSecond * share) / WHOLE;
      const requests = Math.floor(exact) + (random.chance(exact - Math.floor(exact)) ? 1 : 0);
      if (requests === 0) return [];
      const { badShare, latencyMs } = serving(version, table);
      const bad = Math.min(
        requests,
        Math.floor(requests * badShare) + (random.chance((requests * badShare) % 1) ? 1 : 0),
      );
      const row = {
        second,
        version: name,
        requests,
        status: { ok: requests - bad, redirect: 0, client: 0, server: bad, failed: 0 },
        latency: { [bucketOf(latencyMs)]: requests },
        webSockets: { opened: 0, failed: 0 },
        worst: bad === 0 ? [] : [{ route: "POST /checkout", requests, bad, status: 500 }],
        mixed: isMixed,
      };
      return [byVisitors(row, table)];
    });
  };

  const putInForce = (table: RoutingTable, by: By, returned = false): void => {
    count();
    isMixed = true;
    const before = inForce;
    inForce = table;
    returnedAt = returned ? ground.wall() : null;
    startLease();
    ground.tell({ kind: "table", by, table, before, returned });
  };

  const startLease = (): void => {
    endLease();
    const lease = inForce?.lease ?? null;
    if (lease === null || lease.do === "hold") return;
    endLease = scheduler.after(lease.unwatchedMs, null, () => {
      if (inForce === null) return;
      putInForce({ ...inForce, revision: inForce.revision + 1, share: 0, lease: null }, "lease", true);
    });
  };

  const state = (table: RoutingTable | null): TrafficState => ({
    table,
    epoch,
    proxy: `plane-${process}`,
    pid: process,
    startedAt: 0,
    listening: (listeners ?? []).map(({ host, port }) => ({ host, port, tls: false })),
    inFlight: {},
    endpoints: {},
    returnedAt,
    lastRequestAt: {},
  });

  const mustBeThere = (): void => {
    if (listeners === null || troubles.has("plane-away"))
      throw new FaultError(fault("traffic-unreachable", "The data plane does not answer."));
  };

  const refuseStale = (asked: number): void => {
    if (asked < epoch) throw new FaultError(fault("stale-epoch", `Epoch ${epoch} has taken over from ${asked}.`));
  };

  const write = (table: RoutingTable, ifRevision: number, by: number): TrafficState => {
    mustBeThere();
    refuseStale(table.epoch);
    const revision = inForce?.revision ?? 0;
    if (ifRevision !== revision)
      throw new FaultError(fault("revision-conflict", `Revision ${revision} is in force, not ${ifRevision}.`));
    const wrong = whatIsWrong(table, ifRevision);
    if (wrong !== null) throw new FaultError(fault("traffic-table-refused", wrong));
    epoch = table.epoch;
    if (troubles.has("plane-lies") && random.chance(0.5)) {
      const whenMs = random.chance(0.3) ? null : random.between(1, 4_000);
      if (whenMs !== null)
        scheduler.after(whenMs, null, () => {
          if ((inForce?.revision ?? 0) === ifRevision && table.epoch >= epoch) putInForce(table, by);
        });
      return state(table);
    }
    putInForce(table, by);
    return state(table);
  };

  const batch = (since: number): ObservationBatch => {
    mustBeThere();
    count();
    const end = firstRow + rows.length;
    const isNew = since <= 0 || since > end;
    const from = isNew ? firstRow : Math.max(since, firstRow);
    return {
      proxy: `plane-${process}`,
      next: end,
      rows: rows.slice(from - firstRow),
      lost: isNew ? 0 : from - since,
      inFlight: {},
      at: steady(),
    };
  };

  /** Old rows go, so that worlds of weeks stay small; more of them where the world is to be so. */
  const forget = (keep: number): void => {
    const drop = Math.max(0, rows.length - keep);
    rows.splice(0, drop);
    firstRow += drop;
  };

  return {
    table: () => inForce,
    epoch: () => epoch,
    meddle: (share) => {
      if (inForce === null || inForce.candidate === null) return;
      const isPartial = share > 0 && share < WHOLE && inForce.stable !== null;
      const lease = isPartial ? (inForce.lease ?? { unwatchedMs: 20 * SECOND, do: "stable" as const }) : null;
      putInForce({ ...inForce, revision: inForce.revision + 1, share, lease }, "somebody");
    },
    overwrite: (table, by) => {
      epoch = Math.max(epoch, table.epoch);
      putInForce(table, by);
    },
    restart: () => {
      count();
      process += 1;
      ahead = ground.wall() - scheduler.now();
      openSecond = Math.floor(steady() / SECOND);
      rows.length = 0;
      firstRow = 1;
      byVisitors = countedAsStrangers();
    },
    hand: (by) => ({
      ensure: async (wanted) => void (listeners = wanted),
      claim: async (next) => {
        mustBeThere();
        refuseStale(next);
        epoch = next;
        ground.tell({ kind: "claimed", by, place: "plane", epoch });
      },
      read: async () => (listeners === null || troubles.has("plane-away") ? null : state(inForce)),
      write: async (table, ifRevision) => write(table, ifRevision, by),
      renew: async (asked) => {
        mustBeThere();
        refuseStale(asked);
        if (returnedAt !== null) throw new FaultError(fault("lease-ended", "Nobody renewed the lease in time."));
        startLease();
        ground.tell({ kind: "renewed", by });
      },
      drain: async (_endpoint, deadlineMs) => {
        mustBeThere();
        const tookMs = random.chance(lingering) ? deadlineMs : random.between(0, Math.min(200, deadlineMs));
        await scheduler.sleep(tookMs, null);
        return { left: tookMs === deadlineMs ? random.between(0, 2) : 0 };
      },
      observations: async (since) => {
        if (troubles.has("rows-lost") && random.chance(0.3)) forget(0);
        forget(2_400);
        const found = batch(since);
        ground.tell({ kind: "observed", by, rows: found.rows, lost: found.lost });
        return found;
      },
    }),
  };
}

function whatIsWrong(
  { revision, share, candidate, stable, twin, lease, counting }: RoutingTable,
  ifRevision: number,
): string | null {
  if (revision !== ifRevision + 1) return "its revision must be one higher than the one it replaces";
  if (!Number.isSafeInteger(share) || share < 0 || share > WHOLE) return `a share of ${share} is none`;
  if (candidate === null && share !== 0) return "its share must be 0 without a candidate";
  if (candidate !== null && candidate.version === stable?.version) return "one version is on both sides";
  if (twin !== undefined && twin.version !== stable?.version) return "its twin is of another version than stable";
  if (lease?.do === "stable" && stable === null) return "its lease returns to stable, and there is none";
  return counting === undefined ? null : whatIsWrongInCounting(counting);
}
