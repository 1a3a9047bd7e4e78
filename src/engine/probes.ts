import { currentStep, isEnded, type Release } from "../core/release/release.ts";
import type { Placed } from "../core/release/event.ts";
import { twinOf } from "../core/release/twin.ts";
import type { ProbeRound } from "../core/analysis/evidence/probes.ts";
import type { SmokeFlow, SmokeOutcome } from "../core/smoke/smoke.ts";
import type { Target } from "../ports/tasks.ts";
import type { Ports } from "./api.ts";
import type { World } from "./world.ts";

/** Rounds older than this were long counted. */
const KEEP_SECONDS = 15 * 60;

/** Tells the plan's flows to both versions in its rhythm while a share of the traffic is judged. */
export interface Probes {
  /** Begins the round that is due. */
  look(release: Release): void;
  /** Oldest first. */
  rounds(): readonly ProbeRound[];
  /** Stops; resolves when the flows under way have cleaned up after themselves. */
  stop(): Promise<void>;
}

/** For one release, which may have no probes. */
export function createProbes({ clock, smoke }: Ports, world: World): Probes {
  const stopping = new AbortController();
  let rounds: readonly ProbeRound[] = [];
  let begunAt = Number.NEGATIVE_INFINITY;
  let count = 0;
  let underWay: Promise<void> | null = null;

  const round = async (flows: readonly SmokeFlow[], candidate: Target, stable: Target): Promise<void> => {
    const pairs: ProbeRound["pairs"][number][] = [];
    for (const flow of flows) {
      // At the same time, so that both meet the same moment; who is asked first by a millisecond changes.
      const tell = (target: Target): Promise<SmokeOutcome> => smoke.run([flow], target, stopping.signal);
      const [one, other] = count % 2 === 0 ? [candidate, stable] : [stable, candidate];
      const told = await Promise.all([tell(one), tell(other)]);
      if (stopping.signal.aborted) return;
      const [mine, theirs] = count % 2 === 0 ? told : told.toReversed();
      const [ours] = mine?.flows ?? [];
      const [beside] = theirs?.flows ?? [];
      if (ours !== undefined && beside !== undefined)
        pairs.push({
          candidate: { passed: ours.passed, tookMs: ours.tookMs },
          stable: { passed: beside.passed, tookMs: beside.tookMs },
        });
    }
    const second = world.secondAgo(0);
    rounds = [...rounds.filter((each) => each.second >= second - KEEP_SECONDS), { second, pairs }];
  };

  return {
    look(release) {
      const { probes } = release.plan;
      if (probes === undefined || underWay !== null || !isJudged(release)) return;
      if (clock.monotonic() - begunAt < probes.everyMs) return;
      const candidate = targetOf(release.candidate, world, count);
      // Fresh instances are compared with fresh ones, here as among visitors.
      const beside = (release.hasTwin ? twinOf(release) : null) ?? release.stable;
      const stable = beside === null ? null : targetOf(beside, world, count);
      if (candidate === null || stable === null) return;
      begunAt = clock.monotonic();
      count += 1;
      // A runner says of an app what it does, and throws of itself alone: then this round tells nothing.
      underWay = round(probes.flows, candidate, stable)
        .catch(() => undefined)
        .finally(() => (underWay = null));
    },
    rounds: () => rounds,
    async stop() {
      stopping.abort();
      await underWay;
    },
  };
}

/** Whether a share is in force that a step judges. At 100 % stable still stands by, until it is retired. */
function isJudged(release: Release): boolean {
  const current = currentStep(release);
  return (
    !isEnded(release) &&
    release.undo === null &&
    release.share > 0 &&
    current?.step.kind === "shift" &&
    current.progress.state === "running" &&
    current.progress.readyAt !== null
  );
}

/** One instance of each service, another one each time; null: none has an address. */
function targetOf({ version, slot }: Placed, world: World, turn: number): Target | null {
  const addresses = Map.groupBy(
    world
      .instances()
      .filter((one) => one.version === version && one.slot === slot && one.state === "running" && one.address),
    ({ service }) => service,
  );
  if (addresses.size === 0) return null;
  return {
    baseUrls: Object.fromEntries(
      [...addresses].map(([service, all]) => [service, `http://${all[turn % all.length]?.address ?? ""}`]),
    ),
    headers: {},
    version,
    insecureTls: false,
  };
}
