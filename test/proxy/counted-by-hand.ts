import { crc32 } from "node:zlib";
import type { SecondRow } from "../../src/core/observation.ts";
import type { RoutingTable } from "../../src/core/traffic/routing.ts";
import { cohortOf } from "../../src/core/traffic/share.ts";
import { ALL_COUNTERS } from "../../src/proxy/counter-filter.ts";
import { Observations } from "../../src/proxy/observations.ts";
import { backend, EMPTY_TABLE } from "./plane-under-test.ts";

/** A table's part: v1 is stable, v2 has half of the traffic. */
export const BOTH = { stable: backend("v1"), candidate: backend("v2"), share: 5_000 };

interface Asked {
  readonly ms?: number;
  readonly times?: number;
  readonly counters?: number;
  /** Whose counters were in force when the request began; null: there were none. */
  readonly release?: number | null;
  readonly target?: string;
  /** By an address; nobody knows whether the next one from there is the same visitor. */
  readonly isKnown?: boolean;
}

interface CountedByHand {
  readonly observations: Observations;
  /** Another table. */
  readonly follow: (changes: Partial<RoutingTable>) => void;
  /** Requests of a visitor, all with the same outcome. */
  readonly ask: (version: string, visitor: string, outcome?: number, how?: Asked) => void;
  /** The second ends, and others after it; its rows by version. */
  readonly pass: (seconds?: number) => Record<string, SecondRow>;
}

/** Counting with a clock that is moved by hand, from the beginning of ten seconds on that go by together. */
export function counted(table: Partial<RoutingTable>): CountedByHand {
  let wall = 1_000_000_000;
  let next = 0;
  let inForce = { ...EMPTY_TABLE, ...table };
  const observations = new Observations("proxy-1", () => wall);
  const follow = (changes: Partial<RoutingTable>): void => {
    inForce = { ...inForce, ...changes };
    for (const backend of [inForce.stable, inForce.candidate])
      if (backend !== null) observations.tally(backend.version);
    observations.follow(inForce);
  };
  follow({});
  return {
    observations,
    follow,
    ask: (version, visitor, outcome = 200, how = {}) => {
      const { ms = 10, times = 1, counters = ALL_COUNTERS, target = "/", isKnown = true } = how;
      const { release = inForce.counting?.release ?? null } = how;
      const crc = crc32(visitor);
      const countable = {
        visitor: { cohort: cohortOf(crc), key: crc | 0, isKnown, newId: null },
        counters,
        countedIn: release ?? undefined,
      };
      for (let i = 0; i < times; i += 1)
        observations.count(observations.tally(version), outcome, ms, "GET", target, countable);
    },
    pass: (seconds = 1) => {
      wall += seconds * 1_000;
      const batch = observations.batch(next);
      next = batch.next;
      return Object.fromEntries(batch.rows.map((row) => [row.version, row]));
    },
  };
}
