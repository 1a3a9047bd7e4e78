import { randomUUID } from "node:crypto";
import { type Emergency, type EmergencyCircumstances, emergencyIn, emergencyTable } from "../core/release/emergency.ts";
import { type Fault, FaultError, faultOf } from "../core/fault.ts";
import type { RoutingTable, TrafficState } from "../core/traffic/routing.ts";
import type { EmergencyExit } from "../ports/emergency-exit.ts";
import { fenceOthers, type Fencing } from "./fence-others.ts";
import {
  type MeantPlace,
  mustBeAsked,
  mustHaveWayBack,
  nobodyServed,
  notApplied,
  notReadyWithoutPlane,
  silenceOf,
  unreachable,
} from "./nothing-to-put-back.ts";
import { whyStableIsNotReady } from "./stable-ready.ts";

export interface PutBackOrder {
  readonly by: string;
  /** Of the emergency, unique: it gets into a journal once. By default a random one. */
  readonly id?: string;
  readonly reason?: string;
  /** To stable even where it does not answer as ready. */
  readonly anyway: boolean;
  /** The release that is meant; absent: whichever the data plane has. */
  readonly release?: number;
  /** Whose data plane it must be; absent: whichever it is, because the person has named it. */
  readonly place?: MeantPlace;
}

/** What was done and what not. */
export interface PutBackReport {
  /**
   * `put-back`: all traffic is on stable, read back. `already`: it was put back so before. `frozen`: stable is not
   * ready, so nothing was moved, and nobody who acted may move it. `on-disk`: the data plane answers nobody; its next
   * process begins with all traffic on stable.
   */
  readonly outcome: "put-back" | "already" | "frozen" | "on-disk";
  readonly emergency: Emergency;
  /** Until the data plane's own answer said so, or until it was given up. */
  readonly tookMs: number;
  /** Who besides refuses the engine that acted. */
  readonly fencing: readonly Fencing[];
  /** In the emergency file; else why not. */
  readonly recorded: true | Fault;
  /** What could not be done, or is not as it should be, a sentence each. */
  readonly troubles: readonly string[];
}

/** How often a table that somebody changes at the same moment is changed again. */
const TRIES = 8;

/**
 * Gives all traffic to stable by the way back that the data plane's table carries, reads it back, and sees to it that
 * whoever acted until now can't change it any more. Asks nothing of an engine or a journal. Faults: nothing-to-put-back,
 * release-unknown, state-foreign, traffic-unreachable, traffic-weight-not-applied.
 */
export async function putTrafficBack(exit: EmergencyExit, order: PutBackOrder): Promise<PutBackReport> {
  const begun = exit.clock.monotonic();
  const id = order.id ?? randomUUID();
  const troubles: string[] = [];
  const state = await exit.traffic.read().catch((error: unknown) => {
    troubles.push(faultOf(error, "traffic-unreachable", "The data plane does not answer.").what);
    return null;
  });
  const done =
    state === null
      ? await withoutPlane(exit, order, id, troubles)
      : await withPlane(exit, order, id, await decided(exit, order, state), state);
  const tookMs = Math.round(exit.clock.monotonic() - begun);
  const isReadBack = done.outcome === "put-back" || done.outcome === "frozen";
  const emergency = isReadBack ? { ...done.emergency, tookMs } : done.emergency;
  const recorded = done.outcome === "already" ? true : await record(exit, emergency);
  const fencing = await fenceOthers(exit, emergency.epoch, done.outcome !== "on-disk");
  return { ...done, emergency, tookMs, fencing, recorded, troubles };
}

type Done = Pick<PutBackReport, "outcome" | "emergency">;

/** What is to be done with this table, and why nothing else. */
async function decided(exit: EmergencyExit, order: PutBackOrder, state: TrafficState): Promise<Verdict> {
  const table = mustHaveWayBack(state.table, order);
  const notReady = await whyStableIsNotReady(table, state.endpoints, exit.health);
  return notReady === null || order.anyway ? { outcome: "put-back", notReady } : { outcome: "frozen", notReady };
}

interface Verdict {
  readonly outcome: Emergency["outcome"];
  readonly notReady: string | null;
}

async function withPlane(
  exit: EmergencyExit,
  order: PutBackOrder,
  id: string,
  verdict: Verdict,
  found: TrafficState,
): Promise<Done> {
  let state: TrafficState | null = found;
  for (let tries = TRIES; ; tries -= 1) {
    const table = mustHaveWayBack(state?.table ?? null, order);
    const done = doneIn(table);
    if (done !== null) return { outcome: done.id === id ? "put-back" : "already", emergency: done };
    if (verdict.outcome === "frozen" && table.emergency?.id === id)
      return { outcome: "frozen", emergency: table.emergency };
    if (tries === 0) throw notApplied(table, verdict.outcome, TRIES);
    const epoch = Math.max(state?.epoch ?? 0, table.epoch) + 1;
    const emergency = emergencyIn(table, circumstances(exit, order, verdict, { id, epoch }));
    await exit.traffic.write(emergencyTable(table, emergency), table.revision).catch(mayBeInForce);
    // Only what the plane itself says counts; somebody may have written in the same moment.
    state = await exit.traffic.read();
  }
}

/** Somebody was quicker, or the plane's disk is full: what is in force then, it says itself. */
function mayBeInForce(error: unknown): void {
  const code = error instanceof FaultError ? error.fault.code : "";
  if (!["revision-conflict", "stale-epoch", "table-not-saved", "traffic-unreachable"].includes(code)) throw error;
}

/** The plane answers nobody: its next process begins with all traffic on stable, and one that hangs is replaced. */
async function withoutPlane(exit: EmergencyExit, order: PutBackOrder, id: string, troubles: string[]): Promise<Done> {
  const left = await exit.lastResort.read();
  if (left === null) throw unreachable(troubles[0]);
  mustBeAsked(left.table, order);
  const silence = silenceOf(troubles);
  // What its table says of the traffic is true of nobody.
  if (left.table.stable === null || left.table.candidate === null) throw nobodyServed(left.table, silence);
  const { table } = left;
  const others = await Promise.all(exit.others.map((each) => each.epoch().catch(() => null)));
  const epoch = Math.max(left.epoch, table.epoch, ...others.map((each) => each ?? 0)) + 1;
  const notReady = await whyStableIsNotReady(table, {}, exit.health);
  if (notReady !== null && !order.anyway) throw notReadyWithoutPlane(table, notReady, silence);
  const verdict = { outcome: "put-back", notReady } as const;
  const before = doneIn(table);
  const emergency = before ?? emergencyIn(table, circumstances(exit, order, verdict, { id, epoch }));
  // Done before, and perhaps known to nothing but this table: it must not be written over.
  if (before === null) await exit.lastResort.write(emergencyTable(table, emergency));
  const whyNot = await exit.lastResort.startAnew();
  if (whyNot !== null) {
    troubles.push(whyNot);
    return { outcome: "on-disk", emergency };
  }
  try {
    const state = await exit.traffic.read();
    // It may have begun before the file was written.
    if (state !== null) return await withPlane(exit, order, id, verdict, state);
  } catch (error) {
    const { code, what } = faultOf(error, "traffic-unreachable", "The data plane does not answer.");
    if (code !== "traffic-unreachable") throw error;
    troubles.push(what);
  }
  return { outcome: "on-disk", emergency };
}

/** By which all traffic is on stable already; null: it is not. */
function doneIn({ emergency, share }: RoutingTable): Emergency | null {
  return emergency?.outcome === "put-back" && share === 0 ? emergency : null;
}

/** What is about to be done, as it is told everywhere. */
function circumstances(
  { clock }: EmergencyExit,
  { by, reason }: PutBackOrder,
  { outcome, notReady }: Verdict,
  { id, epoch }: Pick<EmergencyCircumstances, "id" | "epoch">,
): EmergencyCircumstances {
  const why = reason === undefined ? "" : `: ${reason}`;
  const sentence =
    outcome === "frozen"
      ? `${by} wanted everything back${why}, but ${notReady ?? "stable is not ready"}.`
      : `Put back at once by ${by}${why}.`;
  return { id, outcome, epoch, at: Math.round(clock.wall()), by, because: { kind: "person", sentence } };
}

async function record({ log, clock }: EmergencyExit, emergency: Emergency): Promise<true | Fault> {
  const late = new AbortController();
  const written = log.note(emergency).then(
    () => true as const,
    (error: unknown) => faultOf(error, "emergency-not-recorded", "The emergency file can't be written."),
  );
  // A disk that hangs must not keep the answer back.
  const isLate = clock.sleep(RECORD_MS, late.signal).then(
    (): Fault => ({ code: "emergency-not-recorded", what: "The disk does not answer." }),
    () => true as const,
  );
  const outcome = await Promise.race([written, isLate]);
  late.abort();
  return outcome;
}

const RECORD_MS = 2_000;
