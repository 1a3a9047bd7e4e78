import type { Emergency } from "../core/release/emergency.ts";
import { faultOf, FaultError, type Fault } from "../core/fault.ts";
import type { HealthSeen, InstanceSeen, ObservationBatch, SecondRow } from "../core/observation.ts";
import type { Service } from "../core/plan/service.ts";
import { type HourOfTraffic } from "../core/time/quietest.ts";
import type { RoutingTable, TrafficState } from "../core/traffic/routing.ts";
import { type Duration, SECOND } from "../core/time/time.ts";
import type { Ports } from "./api.ts";
import { otherDays, type OtherDays, type Span } from "./other-days.ts";
import { atMost } from "./at-most.ts";
import { createProber } from "./prober.ts";
import { trafficHours } from "./traffic-hours.ts";

/** Before each look at whether a table is in force. */
const READ_BACK_PAUSES_MS = [0, 20, 50, 100, 250, 500, 1_000];

/** Rows older than this are forgotten; the longest window of a guard fits into it. */
const KEEP_SECONDS = 15 * 60;

/**
 * The outside as last seen, for every release of the engine: asked once, shared by all. Nothing in it is truth for
 * longer than a look; whatever must be certain is read back where it is done.
 */
export interface World {
  /** Asks runtime, data plane and health probes, each in its own rhythm. Never throws: what can't be asked says so. */
  look(services: readonly Service[]): Promise<void>;
  /** The part of it that says who may act, for while nothing is watched. */
  lookWhoActs(): Promise<void>;
  /** Looks at the instances now, whatever the rhythm. */
  freshInstances(): Promise<readonly InstanceSeen[]>;
  instances(): readonly InstanceSeen[];
  health(): Readonly<Record<string, HealthSeen>>;
  /** null: no plane answers; `trafficFault` says why. */
  traffic(): TrafficState | null;
  trafficFault(): Fault | null;
  /** What was done before a journal could be told: by the plane's table, and as it was written down elsewhere. */
  emergencies(): readonly Emergency[];
  /** By the second of this engine's own steady clock in which each began, whatever the plane's clock says. */
  rows(): readonly SecondRow[];
  /** The second, as in `rows`, in which it was `ageMs` ago. */
  secondAgo(ageMs: Duration): number;
  /** The first look has ended. Before it nothing is known, which is not the same as nothing being there. */
  isKnown(): boolean;
  /** Why the rows can't be trusted, or null. */
  sourceDown(): string | null;
  hoursOfTraffic(): readonly HourOfTraffic[];
  /** What the plane remembers of spans of other days; what is not known of them is asked for at the next look. */
  otherDays(spans: readonly Span[]): ReturnType<OtherDays["of"]>;
  /**
   * Changes the table in one piece, one change at a time: `change` gets what is in force (null: none) with the
   * revision to write. Not begun once `signal` is aborted.
   */
  changeTable(
    change: (now: RoutingTable | null, revision: number) => RoutingTable,
    signal: AbortSignal,
  ): Promise<TrafficState>;
}

/** Looks are some hundred milliseconds apart, and a busy Docker engine may need a second. */
const RUNTIME_ANSWERS_WITHIN_MS = 2 * SECOND;

/** Far more than the versions that serve within a look: a plane hands on what it keeps in parts. */
const MANY_ROWS = 100;
/** A plane keeps ten minutes. */
const MOST_PAGES = 20;

export function createWorld(ports: Ports, poke: () => void): World {
  const { clock, runtime, traffic } = ports;
  const prober = createProber(ports.health, clock, poke);
  let instances: readonly InstanceSeen[] = [];
  let state: TrafficState | null = null;
  let trafficFault: Fault | null = null;
  let rows: SecondRow[] = [];
  const cursor = { proxy: "", next: 0 };
  let sourceDown: string | null = null;
  let emergencies: readonly Emergency[] = [];
  let lastEmergenciesAt = Number.NEGATIVE_INFINITY;
  let lastRowsAt = Number.NEGATIVE_INFINITY;
  const hours = trafficHours();
  const days = otherDays(traffic, clock);
  let changing: Promise<unknown> = Promise.resolve();
  /** Begun and ended ones, so that it differs while one is under way and after. */
  let writes = 0;

  const secondAgo = (ageMs: Duration): number => Math.floor((clock.monotonic() - ageMs) / SECOND);

  let isKnown = false;
  let asking: Promise<void> | null = null;
  let looks = 0;
  let newestLook = 0;
  const askForInstances = async (): Promise<readonly InstanceSeen[]> => {
    const mine = (looks += 1);
    const found = await runtime.instances();
    // A slow look must not undo what a later one has seen.
    if (mine < newestLook) return instances;
    newestLook = mine;
    instances = found;
    prober.forgetOthers(found);
    return found;
  };

  const lookAtInstances = async (): Promise<void> => {
    // Not seen is not gone: what was seen last stays, and its health says how old it is.
    asking ??= askForInstances()
      .then(
        () => undefined,
        () => undefined,
      )
      .finally(() => (asking = null));
    // A runtime that hangs must keep nobody from looking at the traffic, least of all from putting it back.
    if (isKnown) await atMost(clock, RUNTIME_ANSWERS_WITHIN_MS, [asking]);
    else await asking;
  };

  const lookAtTraffic = async (): Promise<void> => {
    const before = writes;
    try {
      const found = await traffic.read();
      // A look that began before a write may bring the table from before it: that would pass for a drift.
      if (writes === before) state = found;
      trafficFault = null;
    } catch (error) {
      if (writes === before) state = null;
      trafficFault = faultOf(error, "traffic-unreachable", "The data plane can't be asked.");
    }
  };

  const lookWhoActs = async (): Promise<void> => {
    await Promise.all([lookAtTraffic(), lookAtEmergencies()]);
  };

  /** Where the data plane answered nobody, the file alone says what a person wanted. */
  const lookAtEmergencies = async (): Promise<void> => {
    if (clock.monotonic() - lastEmergenciesAt < SECOND) return;
    lastEmergenciesAt = clock.monotonic();
    emergencies = await ports.emergencies.pending().catch(() => emergencies);
  };

  const lookAtRows = async (): Promise<void> => {
    if (state === null || clock.monotonic() - lastRowsAt < SECOND) return;
    lastRowsAt = clock.monotonic();
    try {
      if (cursor.proxy !== state.proxy) Object.assign(cursor, { proxy: state.proxy, next: 0 });
      let lost = 0;
      // What comes first is the oldest: who takes a release over would hold its newest seconds for empty ones.
      for (let page = 1, isMore = true; isMore && page <= MOST_PAGES; page += 1) {
        const asked = clock.monotonic();
        const batch = await traffic.observations(cursor.next);
        // A new process counts from nothing, and its sequence is its own.
        if (batch.proxy !== cursor.proxy) return void Object.assign(cursor, { proxy: batch.proxy, next: 0 });
        lost += cursor.next > 0 ? batch.lost : 0;
        sourceDown = lost > 0 ? `${lost} seconds of the data plane's figures were lost` : (batch.trouble ?? null);
        cursor.next = batch.next;
        const oldest = secondAgo(KEEP_SECONDS * SECOND);
        rows = [...rows, ...dated(batch, asked)].filter(({ second }) => second >= oldest);
        hours.count(dated(batch, clock.wall()), clock.wall(), state.startedAt);
        isMore = batch.rows.length >= MANY_ROWS;
      }
    } catch (error) {
      sourceDown = faultOf(error, "traffic-unreachable", "the data plane's figures can't be read").what;
    }
  };

  /** HAProxy, for one, answers before a change is in force: it counts when the plane, asked again, says so. */
  const readBack = async (wanted: RoutingTable, signal: AbortSignal): Promise<TrafficState> => {
    for (const pauseMs of READ_BACK_PAUSES_MS) {
      if (pauseMs > 0) await clock.sleep(pauseMs, signal);
      const found = await traffic.read().catch(() => null);
      if (found !== null && (found.table?.revision ?? 0) >= wanted.revision) return found;
    }
    throw new FaultError({
      code: "traffic-table-not-in-force",
      what: "The data plane has taken a table and does not bring it in force.",
      fix: "tidegate doctor",
    });
  };

  return {
    look: async (services) => {
      await Promise.all([lookAtInstances(), lookWhoActs()]);
      prober.probe(instances, services);
      await Promise.all([lookAtRows(), days.look()]);
      isKnown = true;
    },
    lookWhoActs,
    freshInstances: askForInstances,
    instances: () => instances,
    health: () => prober.seen(),
    traffic: () => state,
    trafficFault: () => trafficFault,
    isKnown: () => isKnown,
    emergencies: () => {
      const inForce = state?.table?.emergency;
      return inForce === undefined ? emergencies : [...emergencies, inForce];
    },
    rows: () => rows,
    secondAgo,
    sourceDown: () => (state === null ? (trafficFault?.what ?? "no data plane runs") : sourceDown),
    hoursOfTraffic: () => hours.seen(),
    otherDays: (spans) => days.of(spans),
    changeTable: (change, signal) => {
      const write = async (): Promise<TrafficState> => {
        for (let tries = 3; ; tries -= 1) {
          signal.throwIfAborted();
          const now = state ?? (await traffic.read());
          const revision = now?.table?.revision ?? 0;
          try {
            writes += 1;
            const table = change(now?.table ?? null, revision + 1);
            await traffic.write(table, revision);
            state = await readBack(table, signal);
            return state;
          } catch (error) {
            state = null;
            trafficFault = faultOf(error, "traffic-unreachable", "The data plane can't be asked.");
            if (!(error instanceof FaultError) || error.fault.code !== "revision-conflict" || tries <= 0) throw error;
          } finally {
            writes += 1;
          }
        }
      };
      const mine = changing.then(write, write);
      changing = mine.catch(() => undefined);
      return mine;
    },
  };
}

/** The rows with the plane's clock put to `now`: rather too early than too late, so that none counts for what came after. */
function dated({ rows, at }: ObservationBatch, now: number): readonly SecondRow[] {
  return rows.map((row) => ({ ...row, second: Math.floor((now - at) / SECOND + row.second) }));
}
