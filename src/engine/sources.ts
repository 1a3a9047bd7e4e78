import { type Guard, type GuardId, guardId } from "../core/plan/guard.ts";
import type { Reading, Source, SourceReading, Subject } from "../core/plan/source.ts";
import type { Placed } from "../core/release/event.ts";
import { currentStep, isEnded, type Release } from "../core/release/release.ts";
import { formatDuration, SECOND } from "../core/time/time.ts";
import { WHOLE } from "../core/traffic/share.ts";
import type { Ports } from "./api.ts";
import type { World } from "./world.ts";

/** Readings older than this are forgotten, as rows are. */
const KEEP_SECONDS = 15 * 60;
/** What an adapter gets beyond its source's time-out to say so itself. */
const GRACE_MS = SECOND;

/** Asks the sources of the guards of the step that runs, each in its own rhythm. The loop never waits for an answer. */
export interface Sources {
  /** Begins what is due. */
  look(release: Release): void;
  /** By guard, oldest first. */
  readings(): Readonly<Record<GuardId, readonly SourceReading[]>>;
  stop(): Promise<void>;
}

/** One guard that is asked for, in one try of one step. */
interface Asking {
  /** The second in which it was met: what is asked in it may still be of before the step. */
  readonly metIn: number;
  dueAt: number;
  underWay: Promise<void> | null;
}

/** For one release. */
export function createSources({ clock, metrics }: Ports, world: World): Sources {
  const stopping = new AbortController();
  let place = "";
  let asked = new Map<GuardId, Asking>();
  let readings: Readonly<Record<GuardId, readonly SourceReading[]>> = {};

  const ask = async (source: Source, subject: Subject): Promise<Reading> => {
    const over = new AbortController();
    const stop = (): void => over.abort();
    stopping.signal.addEventListener("abort", stop, { once: true });
    const { timeoutMs } = source;
    const silent: Reading = { kind: "down", why: `no answer within ${formatDuration(timeoutMs)}` };
    try {
      return await Promise.race([
        metrics.ask(source, subject, over.signal),
        // Whatever an adapter does: a source that hangs is one that is away.
        clock.sleep(timeoutMs + GRACE_MS, over.signal).then(() => silent),
      ]);
    } catch {
      return { kind: "down", why: "it could not be asked" };
    } finally {
      stopping.signal.removeEventListener("abort", stop);
      over.abort();
    }
  };

  const askBoth = async (guard: Guard & { readonly source: Source }, release: Release): Promise<void> => {
    const { source } = guard;
    const [candidate, stable] = await Promise.all([
      ask(source, subjectOf(release, release.candidate, source)),
      isStableAsked(release, source) && release.stable !== null
        ? ask(source, subjectOf(release, release.stable, source))
        : null,
    ]);
    if (stopping.signal.aborted) return;
    const second = world.secondAgo(0);
    const id = guardId(guard);
    const kept = (readings[id] ?? []).filter((each) => each.second >= second - KEEP_SECONDS);
    readings = { ...readings, [id]: [...kept, { second, candidate, stable }] };
  };

  return {
    look(release) {
      const current = currentStep(release);
      if (current === null || !isWatched(release) || !runs(release, world)) return;
      const { step, progress } = current;
      const key = `${step.id}/${progress.attempt}`;
      if (place !== key) asked = new Map();
      place = key;
      for (const guard of step.guards) {
        const { source } = guard;
        if (source === undefined) continue;
        const mine = asked.get(guardId(guard)) ?? { metIn: world.secondAgo(0), dueAt: 0, underWay: null };
        asked.set(guardId(guard), mine);
        if (mine.underWay !== null || clock.monotonic() < mine.dueAt || world.secondAgo(0) <= mine.metIn) continue;
        mine.dueAt = clock.monotonic() + source.everyMs;
        mine.underWay = askBoth({ ...guard, source }, release).finally(() => (mine.underWay = null));
      }
    },
    readings: () => readings,
    async stop() {
      stopping.abort();
      await Promise.all([...asked.values()].flatMap(({ underWay }) => (underWay === null ? [] : [underWay])));
    },
  };
}

/** As the judge sees it: of a shift from the moment at which its share is in force. */
function isWatched(release: Release): boolean {
  const current = currentStep(release);
  if (isEnded(release) || release.undo !== null || current?.progress.state !== "running") return false;
  return current.step.kind !== "shift" || current.progress.readyAt !== null;
}

function runs({ candidate }: Release, world: World): boolean {
  return world.instances().some(({ version, slot }) => version === candidate.version && slot === candidate.slot);
}

/** While it has a part of the traffic its figure is worth something beside the candidate's. */
function isStableAsked({ share }: Release, { isByVersion }: Source): boolean {
  return isByVersion && share > 0 && share < WHOLE;
}

function subjectOf({ app, environment }: Release, { version, slot }: Placed, { service }: Source): Subject {
  return { version, slot, service, app, environment };
}
