import type { InstanceSeen } from "../core/observation.ts";
import type { Release } from "../core/release/release.ts";
import type { NotifyTarget } from "../core/plan/plan.ts";
import { isRunning } from "../core/release/release.ts";
import type { EngineOptions, PatrolResult, Ports } from "./api.ts";
import type { World } from "./world.ts";

/** Health of production outside releases: every instance of what serves, in the plan's rhythm (default 5 minutes). */
export interface Patrol {
  /** `newest`: the newest release, which says what serves; null: none was ever released. */
  tick(newest: Release | null): Promise<void>;
  results(): readonly PatrolResult[];
}

export function createPatrol(
  { clock, health, notifier }: Ports,
  { patrol }: EngineOptions,
  world: World,
  stopped: AbortSignal,
): Patrol {
  let nextAt = Number.NEGATIVE_INFINITY;
  let results: readonly PatrolResult[] = [];
  let wasBad = false;

  const look = async (release: Release): Promise<readonly PatrolResult[]> => {
    const serving = release.state === "rolled-back" ? release.stable : release.candidate;
    const instances = (await world.freshInstances()).filter(
      ({ version, slot, state }) => version === serving?.version && slot === serving.slot && state !== "exited",
    );
    if (instances.length === 0 && serving !== null) {
      return [{ instance: serving.label, service: "", ok: false, atMs: clock.wall(), text: "no instance of it runs" }];
    }
    return Promise.all(instances.map((instance) => ask(release, instance)));
  };

  const ask = async (release: Release, instance: InstanceSeen): Promise<PatrolResult> => {
    const service = release.plan.services.find(({ name }) => name === instance.service);
    const answer =
      instance.address === undefined
        ? { ok: instance.state === "running", at: clock.wall(), text: `its process is ${instance.state}`, tookMs: 0 }
        : service?.health === undefined
          ? await health.tcp(instance.address, 5_000)
          : await health.http(`http://${instance.address}${service.health.ready}`, service.health.timeoutMs);
    return { instance: instance.id, service: instance.service, ok: answer.ok, atMs: answer.at, text: answer.text };
  };

  const tell = async (release: Release): Promise<void> => {
    const bad = results.filter(({ ok }) => !ok);
    if (bad.length > 0 === wasBad) return;
    wasBad = bad.length > 0;
    const first = bad[0];
    const sentence =
      first === undefined
        ? "Every instance answers as ready again."
        : `${first.instance} does not answer as ready: ${first.text}`;
    const message = {
      topic: wasBad ? ("needs-person" as const) : ("announcement" as const),
      title: `${release.app} ${release.environment} health`,
      sentence,
      command: "tidegate status",
    };
    await Promise.allSettled(
      whomToTell(release).map((target) =>
        notifier.deliver(
          message,
          target,
          { app: release.app, environment: release.environment, release: release.id },
          stopped,
        ),
      ),
    );
  };

  return {
    tick: async (newest) => {
      if (!patrol || newest === null || isRunning(newest) || clock.monotonic() < nextAt) return;
      nextAt = clock.monotonic() + newest.plan.patrolMs;
      results = await look(newest).catch(() => results);
      // Whoever is slow to listen must not keep the engine from acting.
      void tell(newest);
    },
    results: () => (results.length > 0 ? results : seenAsPatrol(world)),
  };
}

/** Beside those whom the plan names, whoever reads what the engine says. */
function whomToTell({ plan }: Release): readonly NotifyTarget[] {
  const named = plan.notify.filter(({ kind }) => kind !== "terminal");
  return [{ kind: "terminal" }, ...named];
}

/** While a release runs, its own probes say more than any patrol. */
function seenAsPatrol(world: World): readonly PatrolResult[] {
  const health = world.health();
  return world.instances().flatMap(({ id, service }) => {
    const seen = health[id];
    return seen?.last === undefined
      ? []
      : [{ instance: id, service, ok: seen.ready, atMs: seen.last.at, text: seen.last.text }];
  });
}
