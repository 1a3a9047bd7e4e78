import type { NeedsReady } from "./ingredient.ts";
import type { Emergency } from "../release/emergency.ts";
import type { Placed } from "../release/event.ts";
import type { Verdict } from "../plan/guard.ts";
import type { HealthSeen, InstanceSeen } from "../observation.ts";
import type { Health, Service } from "../plan/service.ts";
import type { Release } from "../release/release.ts";
import { twinOf } from "../release/twin.ts";
import type { Share } from "../traffic/share.ts";
import { type Instant, SECOND } from "../time/time.ts";

/** What the ports saw, all that `decide` knows of the world. */
export interface Seen {
  readonly verdicts: readonly Verdict[];
  /** The same guards on stable's own figures: is it an incident of the environment? */
  readonly stableVerdicts: readonly Verdict[];
  readonly instances: readonly InstanceSeen[];
  readonly health: Readonly<Record<string, HealthSeen>>;
  /** null: the data plane can't be asked. */
  readonly traffic: TrafficSeen | null;
  /** Of several load balancers those that can't be asked, a sentence for each. Absent: it is one, or all answer. */
  readonly away?: readonly string[];
  /** Is the `window` step's window open? With when it opens next; null where no such step is due. */
  readonly window: { readonly open: boolean; readonly sentence: string } | null;
  /** Another release that runs now; null: none does. */
  readonly otherRuns: number | null;
  /** Of the data plane's table and the emergency file, of any release. */
  readonly emergencies: readonly Emergency[];
}

/** The data plane's table, as it is read back. */
export interface TrafficSeen {
  readonly stable: string | null;
  readonly candidate: string | null;
  /** In force now. */
  readonly share: Share;
  /** Stable's twin is in the table. */
  readonly hasTwin?: true;
  /** The plane went back to stable by itself, because no engine renewed the lease. */
  readonly returnedByItself: boolean;
  /** Instances to which the plane sends nobody for a while, after failures in a row. */
  readonly ejected: readonly string[];
}

/** Before the first look. */
export const NOTHING_SEEN: Seen = {
  verdicts: [],
  stableVerdicts: [],
  instances: [],
  health: {},
  traffic: null,
  window: null,
  otherRuns: null,
  emergencies: [],
};

/** The window within which an instance must have been seen ready to get weight (I1). */
export function readyWindow(health: Health | undefined): number {
  return health === undefined ? 5 * SECOND : health.fall * health.everyMs + health.timeoutMs;
}

/** The part of it by which readiness is told. */
export type SeenInstances = Pick<Seen, "instances" | "health" | "traffic">;

/** Whether a version may get traffic. */
export interface Readiness {
  readonly ready: boolean;
  /** Why not, in a sentence: "web-green-1 was last seen ready 14s ago". */
  readonly sentence: string;
}

/** Whether what an ingredient needs may get traffic: stable, the candidate, or the candidate and stable's twin. */
export function areReady(release: Release, needed: NeedsReady, seen: Seen, now: Instant): boolean {
  if (needed !== "candidate and twin") return readiness(release, needed, seen, now).ready;
  return (["candidate", "twin"] as const).every((of) => readiness(release, of, seen, now).ready);
}

/** Whether every routed instance of a version, as many as the plan says, was seen ready within its window. */
export function readiness(
  release: Release,
  of: "candidate" | "stable" | "twin",
  seen: SeenInstances,
  now: Instant,
): Readiness {
  const placed = of === "candidate" ? release.candidate : of === "twin" ? twinOf(release) : release.stable;
  if (placed === null) return { ready: false, sentence: "there is no stable version" };
  for (const service of release.plan.services) {
    if (service.routes.length === 0) continue;
    const mine = instancesOf(seen, placed, service.name);
    const wanted = placed.adopted === undefined ? service.replicas : 1;
    if (mine.length < wanted)
      return { ready: false, sentence: `${mine.length} of ${wanted} instances of ${service.name} run` };
    for (const instance of mine) {
      const problem = notReady(service, instance, seen, now) ?? (of === "stable" ? null : setAside(instance, seen));
      if (problem !== null) return { ready: false, sentence: problem };
    }
  }
  return { ready: true, sentence: "every instance is ready" };
}

/** The living instances of a service in a version's slot. */
export function instancesOf(seen: Pick<Seen, "instances">, placed: Placed, service: string): readonly InstanceSeen[] {
  return seen.instances.filter(
    (each) =>
      each.service === service &&
      each.slot === placed.slot &&
      each.version === placed.version &&
      each.state !== "exited",
  );
}

function notReady(service: Service, { id, lastExit }: InstanceSeen, seen: SeenInstances, now: Instant): string | null {
  const health = seen.health[id];
  // What is known of health is the new process's own: the one before it may have served well until it ended.
  if (health?.readyAt === undefined)
    return lastExit === undefined ? `${id} was never seen ready` : `${id} ended${exitInWords(lastExit)}`;
  if (health.ready && Math.abs(now - health.readyAt) <= readyWindow(service.health)) return null;
  const answer =
    health.last === undefined
      ? ""
      : health.last.status === undefined
        ? `: ${health.last.text}`
        : `: it answers ${health.last.status}`;
  return `${id} is not ready${answer}`;
}

/** What it would be given goes elsewhere, and counts against it. Of stable the plane never sets the last one aside. */
function setAside({ id }: InstanceSeen, { traffic }: SeenInstances): string | null {
  return traffic?.ejected.includes(id) === true
    ? `${id} is set aside by the data plane, after failures in a row`
    : null;
}

/** Nothing where no keeper was there to be told. */
function exitInWords({ code, signal }: NonNullable<InstanceSeen["lastExit"]>): string {
  if (signal !== null) return ` with ${signal}`;
  return code === null ? "" : ` with code ${code}`;
}
