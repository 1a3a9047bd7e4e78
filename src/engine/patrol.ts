import type { InstanceSeen } from "../core/observation.ts";
import type { Release } from "../core/release/release.ts";
import { isRunning } from "../core/release/release.ts";
import type { EngineOptions, PatrolResult, Ports } from "./api.ts";
import { createHealthNews } from "./health-news.ts";
import type { World } from "./world.ts";

/** Health of production outside releases: every instance of what serves, in the plan's rhythm (default 5 minutes). */
export interface Patrol {
  /** `newest`: the newest release, which says what serves; null: none was ever released. */
  tick(newest: Release | null): Promise<void>;
  results(): readonly PatrolResult[];
}

export function createPatrol(ports: Ports, { patrol }: EngineOptions, world: World, stopped: AbortSignal): Patrol {
  const { clock, health } = ports;
  const news = createHealthNews(ports, stopped);
  let nextAt = Number.NEGATIVE_INFINITY;
  let results: readonly PatrolResult[] = [];

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

  const trouble = (): string | null => {
    const bad = results.find(({ ok }) => !ok);
    return bad === undefined ? null : `${bad.instance} does not answer as ready: ${bad.text}`;
  };

  return {
    tick: async (newest) => {
      if (!patrol || newest === null || isRunning(newest) || clock.monotonic() < nextAt) return;
      nextAt = clock.monotonic() + newest.plan.patrolMs;
      results = await look(newest).catch(() => results);
      // Whoever is slow to listen must not keep the engine from acting.
      void news.tell(newest, trouble());
    },
    results: () => (results.length > 0 ? results : seenAsPatrol(world)),
  };
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
