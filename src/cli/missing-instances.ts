import type { InstanceSeen } from "../core/observation.ts";
import type { Service } from "../core/plan/service.ts";
import type { Status } from "../core/status/status.ts";

/** A service of which fewer instances run than its release has started. */
export interface MissingInstances {
  readonly service: string;
  readonly running: number;
  readonly wanted: number;
}

/**
 * What of the version that serves by this release does not run: somebody stopped it, and nobody acts. Empty while the release
 * is still at work, where it gave the traffic back (how many ran before it is not known), and of what was taken over.
 */
export function missingInstances(
  { state, candidate }: Pick<Status, "state" | "candidate">,
  services: readonly Service[],
  instances: readonly InstanceSeen[],
): readonly MissingInstances[] {
  if (state !== "live" && state !== "closed") return [];
  const own = instances.filter(({ version, slot }) => version === candidate.version && slot !== "twin");
  if (own.length === 0 || own.some(({ adopted }) => adopted)) return [];
  return services.flatMap(({ name, replicas }) => {
    const running = own.filter(({ service, state: its }) => service === name && its !== "exited").length;
    return running < replicas ? [{ service: name, running, wanted: replicas }] : [];
  });
}

/** `1 of 2 instances of web run`. */
export function missingWords({ service, running, wanted }: MissingInstances): string {
  return `${running} of ${wanted} ${wanted === 1 ? "instance" : "instances"} of ${service} ${running === 1 ? "runs" : "run"}`;
}

export const START_MISSING = "tidegate serve";
