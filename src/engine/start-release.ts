import { createHash } from "node:crypto";
import { canonicalJson } from "../core/text/canonical-json.ts";
import type { EventOf, Placed } from "../core/release/event.ts";
import { FaultError } from "../core/fault.ts";
import type { InstanceSeen } from "../core/observation.ts";
import { otherSlot } from "../core/observation.ts";
import type { Plan } from "../core/plan/plan.ts";
import type { Service } from "../core/plan/service.ts";
import { WHOLE } from "../core/traffic/share.ts";
import { shortVersion } from "../core/text/short-version.ts";
import { NO_TWIN_OF_ADOPTED } from "../core/release/twin.ts";
import { isRunning, type Release } from "../core/release/release.ts";
import { openDoors } from "./front-doors.ts";
import type { ReleaseRequest, Ports } from "./api.ts";

/** What serves now, by the journal of the earlier releases. */
export function placeBefore(newestFirst: readonly Release[]): Placed | null {
  let left: Placed | null | undefined;
  for (const { state, stable, candidate } of newestFirst) {
    if (state === "live" || state === "closed") return left === undefined ? candidate : left;
    // One that brought what a later one went back to can have been put back itself, after that one.
    if (
      state === "rolled-back" &&
      (left === undefined || (left?.version === candidate.version && left.slot === candidate.slot))
    )
      left = stable;
  }
  return left ?? null;
}

/** A release can begin when none before it runs, and the newest does not wait to be mended. Throws FaultError. */
export function mustBeFree(newestFirst: readonly Release[]): void {
  const [newest] = newestFirst;
  if (newest?.state === "failed") {
    throw new FaultError({
      code: "release-failed",
      what: `Release ${newest.id} failed and nobody has mended it yet: ${newest.fault?.what ?? ""}`,
      fix: `tidegate status ${newest.id} ; then: tidegate retry ${newest.id}`,
    });
  }
  const running = newestFirst.find(isRunning);
  if (running === undefined) return;
  throw new FaultError({
    code: "release-running",
    what: `Release ${running.id} (${running.candidate.label}) of ${running.app} in ${running.environment} is ${running.undo === null ? "still running" : "being rolled back"}.`,
    fix: `tidegate status ${running.id} ; to undo it first and then begin: tidegate release --supersede`,
  });
}

export interface Planning {
  readonly id: number;
  readonly request: ReleaseRequest;
  readonly by: string;
  /** What serves by the journal, or null. */
  readonly before: Placed | null;
}

/**
 * Looks at the world and writes down what the release is: which version beside which, in which slot. Nothing is
 * changed outside but the taking over of a running instance. Throws FaultError.
 */
export async function planRelease(ports: Ports, { id, request, by, before }: Planning): Promise<EventOf<"planned">> {
  const { plan } = request;
  const wanted = await ports.runtime.resolve(request.version, plan.services);
  const stable =
    request.adopt === undefined
      ? await stillServing(ports, plan, before)
      : await takeOver(ports, plan, before, request.adopt);
  if (stable !== null && stable.version === wanted.version) {
    throw new FaultError({
      code: "version-serves-already",
      what: `${wanted.label} serves already, so there is nothing to release.`,
      fix: "commit a change, or name another version: tidegate release V",
    });
  }
  // To compare with stable itself instead would be another comparison than the one that the plan promises.
  if (plan.twin === true && stable?.adopted !== undefined) throw new FaultError(NO_TWIN_OF_ADOPTED);
  const candidate: Placed = {
    version: wanted.version,
    label: wanted.label,
    slot: stable === null ? "blue" : otherSlot(stable.slot),
  };
  if (plan.services.some(({ routes }) => routes.length > 0))
    await openDoors(ports, { id, app: plan.app, environment: plan.environment, plan, stable });
  return {
    type: "planned",
    release: id,
    app: plan.app,
    environment: plan.environment,
    stable,
    candidate,
    offset: offsetOf(id),
    plan,
    planHash: createHash("sha256").update(canonicalJson(plan)).digest("hex"),
    by,
    ...(request.reason === undefined ? {} : { reason: request.reason }),
  };
}

/** Spreads the releases' canaries evenly over all visitors (multiples of the golden ratio). */
function offsetOf(release: number): number {
  return (release * 6_181) % 10_000;
}

/** After `down` or a reboot the journal's stable version may not run any more: then the place is empty. */
async function stillServing(ports: Ports, plan: Plan, before: Placed | null): Promise<Placed | null> {
  const instances = (await ports.runtime.instances()).filter(({ state }) => state !== "exited");
  if (before === null) return servingAnyway(ports, instances);
  const runs = instances.some(({ version, slot }) => version === before.version && slot === before.slot);
  if (runs || plan.services.length === 0) return before;
  return null;
}

/**
 * A journal that was lost knows of nothing, and yet there may be customers: the data plane and the runtime say of whom.
 * Where a release was lost with it, what all of them had got is what serves.
 */
export async function servingAnyway(
  ports: Pick<Ports, "traffic" | "runtime">,
  instances: readonly InstanceSeen[],
): Promise<Placed | null> {
  const table = (await ports.traffic.read())?.table ?? null;
  const serving = (table?.share === WHOLE ? table.candidate : table?.stable) ?? null;
  const instance = instances.find(({ id }) => serving?.instances.some((each) => each.id === id) === true);
  if (serving === null || instance === undefined) return null;
  const { version, slot, adopted, address } = instance;
  const label = await ports.runtime.resolve(version).then(
    (known) => known.label,
    () => shortVersion(version),
  );
  return { version, label, slot, ...(adopted && address !== undefined ? { adopted: address } : {}) };
}

async function takeOver(ports: Ports, plan: Plan, before: Placed | null, address: string): Promise<Placed> {
  const serving = await stillServing(ports, plan, before);
  if (serving !== null && serving.adopted !== address) {
    throw new FaultError({
      code: "nothing-to-adopt",
      what: `${serving.label} serves already under Tidegate, so nothing needs to be taken over.`,
      fix: "release without --adopt",
    });
  }
  const service = plan.services.find(({ routes }) => routes.length > 0);
  if (service === undefined)
    throw new FaultError({
      code: "no-routed-service",
      what: "No service of the plan has a route, so there is no traffic to take over.",
    });
  await mustAnswer(ports, service, address);
  const version = `adopted-${address.replaceAll(/[^A-Za-z0-9.]/g, "-")}`;
  const placed: Placed = { version, label: `adopted ${address}`, slot: "blue", adopted: address };
  const adopted: InstanceSeen = await ports.runtime.adopt({
    app: plan.app,
    environment: plan.environment,
    service: service.name,
    address,
    version,
    slot: "blue",
  });
  await mustTakeAll(ports, plan, { ...placed, slot: adopted.slot });
  return { ...placed, slot: adopted.slot };
}

/** Whoever asks for a service of which nobody was taken over would get no answer until all of the traffic is the candidate's. */
async function mustTakeAll(ports: Ports, plan: Plan, { version, adopted }: Placed): Promise<void> {
  const all = await ports.runtime.instances();
  const without = plan.services.find(
    ({ name, routes }) =>
      routes.length > 0 &&
      !all.some((each) => each.version === version && each.service === name && each.address !== undefined),
  );
  if (without === undefined) return;
  const { name } = without;
  throw new FaultError({
    code: "adopted-in-part",
    what: `${name} has a route, and nothing that takes its requests can be taken over with ${adopted}: whoever asks for it would get no answer.`,
    where: `services.${name}`,
    fix: `let ${name} run in the same compose project, on a port that can be reached from here; or leave it out of the plan file for this release`,
  });
}

async function mustAnswer(ports: Ports, { health }: Service, address: string): Promise<void> {
  const answer =
    health === undefined
      ? await ports.health.tcp(address, 2_000)
      : await ports.health.http(`http://${address}${health.ready}`, health.timeoutMs);
  if (answer.ok) return;
  throw new FaultError({
    code: "adopted-not-ready",
    what: `What runs at ${address} does not answer as ready, so it can't be taken over as stable.`,
    where: health === undefined ? address : `http://${address}${health.ready}`,
    cause: answer.status === undefined ? answer.text : `${answer.status}: ${answer.text}`,
  });
}
