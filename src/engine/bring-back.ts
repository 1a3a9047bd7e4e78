import { faultOf, type Fault } from "../core/fault.ts";
import type { InstanceSeen } from "../core/observation.ts";
import type { Release } from "../core/release/release.ts";
import { needsTwin, twinOf } from "../core/release/twin.ts";
import { SECOND } from "../core/time/time.ts";
import type { EngineOptions, Ports } from "./api.ts";
import { followAddresses } from "./perform-traffic.ts";
import type { World } from "./world.ts";

const AGAIN_AFTER_MS = 5 * SECOND;

/**
 * Starts again what should run and was lost together with its keeper: after a reboot, or when everything was killed at once.
 * A keeper does so by itself where no secrets are needed; those it never writes down.
 */
export interface BringBack {
  /** `releases`: those that may know how it was started. Answers why something could not be brought back, or null. */
  tick(releases: readonly Release[]): Promise<Fault | null>;
}

export interface BringBackInput {
  readonly ports: Ports;
  readonly options: Pick<EngineOptions, "secrets">;
  readonly world: World;
  readonly epoch: number;
  readonly stopped: AbortSignal;
}

export function createBringBack({ ports, options, world, epoch, stopped }: BringBackInput): BringBack {
  let nextAt = Number.NEGATIVE_INFINITY;
  let trouble: Fault | null = null;

  const start = async (lost: InstanceSeen, release: Release): Promise<void> => {
    const service = release.plan.services.find(({ name }) => name === lost.service);
    if (service === undefined) return;
    const { directory } = await ports.runtime.prepare(lost.version, release.plan.services, stopped);
    for (let index = 0; index < service.replicas; index += 1) {
      await ports.runtime.start({
        app: release.app,
        environment: release.environment,
        service,
        version: lost.version,
        slot: lost.slot,
        index,
        role: release.candidate.version === lost.version && release.share === 0 ? "inactive" : "active",
        directory,
        secrets: options.secrets,
      });
    }
  };

  const bringBack = async (lost: readonly InstanceSeen[], releases: readonly Release[]): Promise<void> => {
    const done = new Set<string>();
    const isStable = ({ version }: InstanceSeen): boolean => releases.some(({ stable }) => stable?.version === version);
    // First what most of the traffic waits for.
    for (const each of lost.toSorted((a, b) => Number(isStable(b)) - Number(isStable(a)))) {
      const what = `${each.service} ${each.version} ${each.slot}`;
      const release = releases.find((one) => knows(one, each));
      if (release === undefined || done.has(what)) continue;
      done.add(what);
      await start(each, release);
    }
    await world.freshInstances();
    await followAddresses(world, epoch, stopped);
  };

  return {
    tick: async (releases) => {
      const lost = world.instances().filter(({ isLost }) => isLost === true);
      if (lost.length === 0) trouble = null;
      if (lost.length === 0 || ports.clock.monotonic() < nextAt) return trouble;
      nextAt = ports.clock.monotonic() + AGAIN_AFTER_MS;
      try {
        await bringBack(lost, releases);
        trouble = null;
      } catch (error) {
        trouble = faultOf(error, "instance-lost", `${lost[0]?.id} ended with its keeper and can't be started again.`);
      }
      return trouble;
    },
  };
}

function knows(release: Release, { version, slot, service }: InstanceSeen): boolean {
  const { candidate, stable, plan } = release;
  const places = [candidate, stable, needsTwin(release) ? twinOf(release) : null];
  return (
    places.some((placed) => placed?.version === version && placed.slot === slot) &&
    plan.services.some(({ name }) => name === service)
  );
}
