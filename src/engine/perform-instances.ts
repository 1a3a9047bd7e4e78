import type { Effect, Observed } from "../core/release/effect.ts";
import type { Placed } from "../core/release/event.ts";
import { FaultError, faultOf } from "../core/fault.ts";
import type { InstanceSeen, ProbeAnswer } from "../core/observation.ts";
import type { Service } from "../core/plan/service.ts";
import { routed } from "../core/decide/recipe.ts";
import { formatDuration } from "../core/time/time.ts";
import { drainEndpoints, introduce, withdrawTwin } from "./perform-traffic.ts";
import { openDoors } from "./front-doors.ts";
import type { Stage } from "./perform.ts";

export async function prepareVersion(stage: Stage, version: string): Promise<Observed> {
  const { directory, tookMs, built } = await stage.ports.runtime.prepare(
    version,
    stage.release.plan.services,
    stage.signal,
  );
  return { directory, tookMs, built };
}

/** Starts what is not running yet, waits until each instance was seen ready, and tells the data plane where they are. */
export async function startServices(stage: Stage, effect: Extract<Effect, { kind: "start" }>): Promise<Observed> {
  const { release, ports, signal } = stage;
  const services = release.plan.services.filter(({ name }) => effect.services.includes(name));
  const placed =
    effect.slot === release.candidate.slot && effect.version === release.candidate.version
      ? release.candidate
      : release.stable;
  if (placed?.adopted !== undefined) {
    const { version, slot, services } = effect;
    await ports.runtime.resume({ version, slot, services });
    return { adopted: placed.adopted };
  }
  if (routed(release).length > 0) await openDoors(ports, release);
  const { directory } = await ports.runtime.prepare(effect.version, release.plan.services, signal);
  const started: InstanceSeen[] = [];
  for (const service of services) {
    for (let index = 0; index < service.replicas; index += 1) {
      signal.throwIfAborted();
      started.push(
        await ports.runtime.start({
          app: release.app,
          environment: release.environment,
          service,
          version: effect.version,
          slot: effect.slot,
          index,
          role: release.stable === null ? "active" : "inactive",
          directory,
          secrets: stage.options.secrets,
        }),
      );
    }
  }
  // The last look may have seen an earlier life of the same instance, ended or ready.
  await stage.world.freshInstances();
  await untilReady(stage, services, started);
  // The twin comes into the table with its part of the traffic, and not before.
  if (effect.slot !== "twin" && services.some(({ routes }) => routes.length > 0)) await introduce(stage);
  return { instances: started.map(({ id, address }) => ({ id, address: address ?? null })) };
}

async function untilReady(stage: Stage, services: readonly Service[], started: readonly InstanceSeen[]): Promise<void> {
  const { clock, runtime } = stage.ports;
  const begun = clock.monotonic();
  for (;;) {
    const seen = stage.world.health();
    const waiting = started.filter(({ id }) => seen[id]?.ready !== true);
    if (waiting.length === 0) return;
    for (const before of waiting) {
      const now = stage.world.instances().find(({ id }) => id === before.id);
      if (now !== undefined && hasCrashed(before, now)) throw new FaultError(await runtime.explain(before.id));
    }
    const bound = Math.max(...services.map(({ startMs }) => startMs));
    if (clock.monotonic() - begun > bound)
      throw new FaultError(await notReadyFault(stage, services, waiting[0], bound));
    await clock.sleep(50, stage.signal);
  }
}

/** One that ran already may have crashed in an earlier life: only what happened since it was asked for counts. */
function hasCrashed(before: InstanceSeen, now: InstanceSeen): boolean {
  return (
    now.restarts > before.restarts || now.state === "exited" || (now.state === "backoff" && before.state !== "backoff")
  );
}

async function notReadyFault(
  stage: Stage,
  services: readonly Service[],
  instance: InstanceSeen | undefined,
  bound: number,
): Promise<FaultError["fault"]> {
  if (instance === undefined) return { code: "instance-not-ready", what: "An instance did not get ready." };
  const { last, depends } = stage.world.health()[instance.id] ?? {};
  const path = services.find(({ name }) => name === instance.service)?.health?.ready;
  const explained = await stage.ports.runtime
    .explain(instance.id)
    .catch((error: unknown) => faultOf(error, "instance-not-ready", `${instance.id} did not get ready.`));
  return {
    ...explained,
    where: explained.where ?? instance.address ?? instance.id,
    detail: [
      `${path === undefined ? "" : `asked for ${path}: `}not ready within ${formatDuration(bound)}; last answer: ${last === undefined ? "no answer yet" : inWords(last)}`,
      ...(depends === undefined || depends.ok ? [] : [`what it depends on answers: ${inWords(depends)}`]),
      ...(explained.detail ?? []),
    ],
  };
}

function inWords({ status, tookMs, text }: ProbeAnswer): string {
  return status === undefined ? text : `${status} after ${Math.round(tookMs)}ms: ${text}`;
}

/** Drains and stops; confirmed only when the runtime no longer lists any of them as living. */
export async function stopServices(stage: Stage, effect: Extract<Effect, { kind: "stop" }>): Promise<Observed> {
  const { runtime } = stage.ports;
  const mine = (instances: readonly InstanceSeen[]): readonly InstanceSeen[] =>
    instances.filter(
      ({ version, slot, service, state }) =>
        version === effect.version && slot === effect.slot && effect.services.includes(service) && state !== "exited",
    );
  const living = mine(await stage.world.freshInstances());
  const serviceOf = ({ service }: InstanceSeen): Service | undefined =>
    stage.release.plan.services.find(({ name }) => name === service);
  let cut = 0;
  const routedOnes = living.filter(({ address }) => address !== undefined);
  if (effect.drain && routedOnes.length > 0) {
    cut = await drainEndpoints(
      stage,
      routedOnes.map(({ id }) => id),
      Math.max(...routedOnes.map((each) => serviceOf(each)?.drainMs ?? 0)),
    );
  }
  // While it drained a rollback may have been decided that needs just these.
  stage.signal.throwIfAborted();
  const outcomes = await Promise.all(living.map((each) => runtime.stop(each.id, serviceOf(each)?.stopMs ?? 10_000)));
  const leftRunning = outcomes.flatMap((outcome) => outcome.leftRunning ?? []);
  const killed = living.flatMap(({ id }, index) => (outcomes[index]?.wasKilled === true ? [id] : []));
  if (effect.slot === "twin") await withdrawTwin(stage);
  const left = mine(await stage.world.freshInstances()).filter(({ adopted }) => !adopted);
  if (left.length > 0)
    throw new FaultError({
      code: "instance-not-stopped",
      what: `${left.map(({ id }) => id).join(", ")} still run${left.length === 1 ? "s" : ""} after it was stopped.`,
    });
  return {
    stopped: living.map(({ id }) => id),
    cutAtDeadline: cut,
    ...(leftRunning.length === 0 ? {} : { leftRunning }),
    ...(killed.length === 0 ? {} : { killed }),
  };
}

export async function pruneVersions(stage: Stage, keep: number): Promise<Observed> {
  const { candidate, stable } = stage.release;
  const inUse = [candidate, stable].filter((placed): placed is Placed => placed !== null).map(({ version }) => version);
  const removed = await stage.ports.runtime.prune(keep, inUse);
  return { removed };
}
