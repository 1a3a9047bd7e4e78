import { FaultError } from "../../src/core/fault.ts";
import type { SecondRow } from "../../src/core/observation.ts";
import type { RoutingTable, TrafficState } from "../../src/core/routing.ts";
import type { Clock } from "../../src/ports/clock.ts";
import type { Traffic } from "../../src/ports/traffic.ts";

/** A data plane of a variable: keeps the table it is given, and the rows that a test pushes. */
export interface FakeTraffic extends Traffic {
  table: RoutingTable | null;
  epoch: number;
  /** While set, every call fails. */
  isAway: boolean;
  readonly writes: RoutingTable[];
  push(...rows: readonly SecondRow[]): void;
}

export function createFakeTraffic(clock: Clock): FakeTraffic {
  const rows: SecondRow[] = [];
  const answer = (): void => {
    if (fake.isAway) throw new FaultError({ code: "traffic-unreachable", what: "The data plane does not answer." });
  };
  const state = (): TrafficState => ({
    table: fake.table,
    proxy: "fake",
    pid: 1,
    startedAt: 0,
    listening: [],
    inFlight: {},
    endpoints: {},
    returnedAt: null,
    lastRequestAt: {},
  });
  const fake: FakeTraffic = {
    table: null,
    epoch: 0,
    isAway: false,
    writes: [],
    push: (...more) => void rows.push(...more),
    ensure: async () => answer(),
    claim: async (epoch) => {
      answer();
      if (epoch < fake.epoch) throw new FaultError({ code: "stale-epoch", what: "Another engine has taken over." });
      fake.epoch = epoch;
    },
    read: async () => {
      answer();
      return state();
    },
    write: async (table, ifRevision) => {
      answer();
      if (table.epoch < fake.epoch)
        throw new FaultError({ code: "stale-epoch", what: "Another engine has taken over." });
      if ((fake.table?.revision ?? 0) !== ifRevision)
        throw new FaultError({ code: "revision-conflict", what: "Another table is in force." });
      fake.table = table;
      fake.writes.push(table);
      return state();
    },
    renew: async () => answer(),
    drain: async () => ({ left: 0 }),
    observations: async (since) => {
      answer();
      return { proxy: "fake", next: rows.length, rows: rows.slice(since), lost: 0, inFlight: {}, at: clock.wall() };
    },
  };
  return fake;
}
