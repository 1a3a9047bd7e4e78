import type { Because, ReleaseEvent } from "./event.ts";
import { isEnded, type Release } from "./release.ts";
import type { Backend, RoutingTable } from "../traffic/routing.ts";
import type { Share } from "../traffic/share.ts";
import { type Duration, type Instant } from "../time/time.ts";

/**
 * What was done for safety's sake before the journal could be told: by `rollback --now`, or by an engine whose journal
 * refused. It lies in the data plane's own table and in the emergency file until an engine appends it, marked late.
 */
export interface Emergency {
  readonly format: 1;
  /** Unique: it gets into a journal once. */
  readonly id: string;
  /** `frozen`: stable could not take the traffic, so everything stays as it was and nobody who acted may change it. */
  readonly outcome: "put-back" | "frozen";
  readonly app: string;
  readonly environment: string;
  readonly release: number;
  readonly stable: string;
  readonly candidate: string;
  /** The share that the candidate had. */
  readonly fromShare: Share;
  /** Under which it was done: whoever has a lower one can't write any more. */
  readonly epoch: number;
  readonly at: Instant;
  /** From the decision until the plane's own answer said so; absent where nobody could write that down. */
  readonly tookMs?: Duration;
  /** null: the engine itself. */
  readonly by: string | null;
  readonly because: Because;
}

/** What is known of an emergency before anything is done about it, beside which release and which versions it is of. */
export type EmergencyCircumstances = Pick<Emergency, "id" | "outcome" | "epoch" | "at" | "by" | "because">;

/** What is done to the release that the data plane has, by its own table. */
export function emergencyIn(table: RoutingTable, circumstances: EmergencyCircumstances): Emergency {
  const { app, environment, release, stable, candidate, share: fromShare } = table;
  const versions = { stable: stable?.version ?? "", candidate: candidate?.version ?? "" };
  return { format: 1, app, environment, release, ...versions, fromShare, ...circumstances };
}

/** What is done to a release by the engine that acts on it. `fromShare`: the share that its candidate had. */
export function emergencyOf(release: Release, fromShare: Share, circumstances: EmergencyCircumstances): Emergency {
  const { id, app, environment, stable, candidate } = release;
  const versions = { stable: stable?.version ?? "", candidate: candidate.version };
  return { format: 1, app, environment, release: id, ...versions, fromShare, ...circumstances };
}

/**
 * The way back that a table carries with it: the same table with all traffic on stable, or, frozen, as it is, and for as
 * long as nobody else changes it. Says in the plane's own state that and why it was done.
 */
export function emergencyTable(table: RoutingTable, emergency: Emergency): RoutingTable {
  const next = { ...table, revision: table.revision + 1, epoch: emergency.epoch, emergency };
  if (emergency.outcome === "put-back") return { ...next, stable: undrained(table.stable), share: 0, lease: null };
  // Without this it would go to a stable version that can't serve as soon as nobody renews.
  return table.lease === null ? next : { ...next, lease: { ...table.lease, do: "hold" } };
}

/** Who is to take everything must not be kept from it by a drain that was begun before. */
function undrained(backend: Backend | null): Backend | null {
  if (backend === null) return null;
  return { ...backend, instances: backend.instances.map((each) => ({ ...each, draining: false })) };
}

/** The same without the mark: for whoever has written it into the journal. */
export function withoutEmergency(table: RoutingTable): RoutingTable {
  const { emergency: _, ...rest } = table;
  return rest;
}

/** Which of them this release's journal has not been told of yet. */
export function untold(release: Release, emergencies: readonly Emergency[]): readonly Emergency[] {
  return emergencies.filter(
    (each, index) =>
      isAbout(release, each) &&
      !release.emergencies.some(({ id }) => id === each.id) &&
      emergencies.findIndex(({ id }) => id === each.id) === index,
  );
}

/** Whether all of its traffic is on stable, and was so before its journal was told. */
export function isPutBackEarly(release: Release): boolean {
  return release.share === 0 && release.emergencies.some(({ outcome }) => outcome === "put-back");
}

/** Numbers begin anew after a lost journal: the versions must fit too. */
function isAbout(release: Release, emergency: Emergency): boolean {
  return (
    emergency.release === release.id &&
    emergency.app === release.app &&
    emergency.environment === release.environment &&
    emergency.candidate === release.candidate.version &&
    emergency.stable === release.stable?.version
  );
}

/** What the journal is told late; the rest of the rollback follows from it in the order of undoing. */
export function lateEvents(release: Release, emergency: Emergency): readonly ReleaseEvent[] {
  const noted: ReleaseEvent = { type: "emergency-noted-late", emergency };
  const goesBack =
    emergency.outcome === "put-back" && release.undo === null && (!isEnded(release) || release.state === "closed");
  return goesBack ? [{ type: "rollback-decided", because: emergency.because, by: emergency.by }, noted] : [noted];
}
