import { replay } from "../core/release/evolve.ts";
import { type Fault, FaultError } from "../core/fault.ts";
import type { Service } from "../core/plan/service.ts";
import { currentStep, isEnded, isRunning, type Release } from "../core/release/release.ts";
import type { EngineOptions, Ports } from "./api.ts";
import { runRelease, type RunningRelease } from "./running-release.ts";
import type { World } from "./world.ts";

/** The releases that the engine has in hand; the rest lies in the journal. */
export interface Hands {
  get(id: number): RunningRelease | undefined;
  all(): readonly RunningRelease[];
  /**
   * Works with a release, taken from the journal where it is not in hand yet; it is not let go of meanwhile.
   * Faults: release-unknown.
   */
  holding<T>(id: number, work: (mine: RunningRelease) => Promise<T>): Promise<T>;
  adopt(release: Release, seq: number): RunningRelease;
  /** It has ended: the journal alone keeps it from now on, unless somebody works with it. */
  letGo(id: number): Promise<void>;
  load(id: number): Promise<{ readonly release: Release; readonly seq: number } | null>;
  /** Of one app and environment, newest first, as far back as they say what serves. */
  history(app: string, environment: string): Promise<readonly Release[]>;
  services(): readonly Service[];
  /** What only waits for a date needs no look at the outside; the patrol takes care of what serves. */
  needTheWorld(): boolean;
  areBusy(): boolean;
}

export interface HandsInput {
  readonly ports: Ports;
  readonly options: EngineOptions;
  readonly world: World;
  readonly epoch: number;
  readonly changed: (release: number) => void;
  /** Data plane or runtime refused: somebody with a higher epoch acts. */
  readonly refused: (fault: Fault) => void;
}

export function createHands({ ports, options, world, epoch, changed, refused }: HandsInput): Hands {
  const running = new Map<number, RunningRelease>();
  /** By id: how many work with it. */
  const held = new Map<number, number>();

  const adopt: Hands["adopt"] = (release, seq) => {
    const mine = runRelease({
      ports,
      options,
      world,
      epoch,
      release,
      seq,
      otherRuns: () => {
        const other = [...running.values()]
          .map((each) => each.state())
          .find((each) => each.id !== release.id && isRunning(each));
        return other?.id ?? null;
      },
      changed: () => changed(release.id),
      refused,
    });
    running.set(release.id, mine);
    return mine;
  };

  const load: Hands["load"] = async (id) => {
    const events = await ports.journal.read(id);
    const release = replay(events);
    if (release !== null) options.meet?.(release.plan);
    return release === null ? null : { release, seq: events.length };
  };

  const take = async (id: number): Promise<RunningRelease> => {
    const loaded = running.has(id) ? null : await load(id);
    // Somebody else may have been quicker: two of one release would write past each other.
    const mine = running.get(id);
    if (mine !== undefined) return mine;
    if (loaded !== null) return adopt(loaded.release, loaded.seq);
    throw new FaultError({
      code: "release-unknown",
      what: `There is no release ${id}.`,
      fix: "tidegate status lists the newest",
    });
  };

  return {
    get: (id) => running.get(id),
    all: () => [...running.values()],
    holding: async (id, work) => {
      held.set(id, (held.get(id) ?? 0) + 1);
      try {
        return await work(await take(id));
      } finally {
        held.set(id, (held.get(id) ?? 1) - 1);
      }
    },
    adopt,
    letGo: async (id) => {
      if ((held.get(id) ?? 0) > 0) return;
      const mine = running.get(id);
      running.delete(id);
      held.delete(id);
      if (mine !== undefined) await ports.journal.settle(id, mine.seq());
    },
    load,
    history: async (app, environment) => {
      const found: Release[] = [];
      for (const id of await ports.journal.releases({ app, environment })) {
        const release = running.get(id)?.state() ?? (await load(id))?.release;
        if (release === undefined) continue;
        found.push(release);
        // Older ones can't tell more about what serves than one that held the place.
        if ((release.state === "live" || release.state === "closed") && found.length >= 2) break;
      }
      return found;
    },
    services: () => {
      const byName = new Map<string, Service>();
      for (const each of running.values())
        for (const service of each.state().plan.services) byName.set(service.name, service);
      return [...byName.values()];
    },
    needTheWorld: () =>
      [...running.values()].some((each) => {
        const state = each.state();
        return !each.isSettled() || (!isEnded(state) && currentStep(state)?.progress.state === "running");
      }),
    areBusy: () => [...running.values()].some((each) => isRunning(each.state()) || !each.isSettled()),
  };
}
