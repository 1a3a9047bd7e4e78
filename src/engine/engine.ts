import { faultOf, FaultError, type Fault } from "../core/fault.ts";
import { isEnded, type Release } from "../core/release/release.ts";
import { type Status, statusOf } from "../core/status/status.ts";
import { SECOND } from "../core/time/time.ts";
import type { Engine, EngineOptions, EngineStart, Ports, RequestAnswer } from "./api.ts";
import { createBringBack } from "./bring-back.ts";
import { claim, claimedEpoch, mustBeNewest } from "./epoch.ts";
import { createHands } from "./hands.ts";
import { createPatrol } from "./patrol.ts";
import { createRequests } from "./requests.ts";
import { takeOverAll } from "./take-over.ts";
import { createWorld } from "./world.ts";

/** Why a sleep ends early; one for all, because it happens several times a second. */
const POKED = new Error("there is something to look at");

/** Somebody else acts, or nobody could read any more what this one does. */
const ENDS_ACTING: ReadonlySet<string> = new Set(["stale-epoch", "journal-gone", "actor-lock-gone"]);

const USUAL_PACE = { busyMs: 200, idleMs: SECOND } as const;

/**
 * The one actor of a state folder: takes the lock, raises the epoch, replays what is not ended, and goes on with it.
 * Faults: journal-unavailable, journal-newer, stale-epoch.
 */
export async function createEngine(ports: Ports, options: EngineOptions): Promise<EngineStart> {
  const lock = await ports.journal.takeActorLock();
  if (lock === null) return { kind: "another-acts" };
  try {
    return { kind: "acting", engine: await act(ports, options, lock) };
  } catch (error) {
    await lock[Symbol.asyncDispose]();
    throw error;
  }
}

async function act(ports: Ports, options: EngineOptions, lock: AsyncDisposable): Promise<Engine> {
  const { journal, clock } = ports;
  const pace = options.pace ?? USUAL_PACE;
  const listeners = new Set<(release: number) => void>();
  const stopped = new AbortController();
  let wake = new AbortController();
  let isPoked = false;
  const poke = (): void => {
    isPoked = true;
    wake.abort(POKED);
  };
  stopped.signal.addEventListener("abort", poke, { once: true });
  const world = createWorld(ports, poke);
  await world.lookWhoActs();
  const known = world.emergencies().map((each) => each.epoch);
  const claimed = await claimedEpoch(ports, Math.max(0, world.traffic()?.epoch ?? 0, ...known));
  const { epoch } = claimed;
  let { unclaimed } = claimed;
  const bringBack = createBringBack({ ports, options, world, epoch, stopped: stopped.signal });
  const patrol = createPatrol(ports, options, world, stopped.signal);

  const hands = createHands({
    ports,
    options,
    world,
    epoch,
    changed: (release) => {
      for (const listener of listeners) listener(release);
      poke();
    },
    refused: (fault) => {
      refusal = fault;
      poke();
    },
  });
  /** Somebody with a higher epoch acts, as data plane or runtime tells. */
  let refusal: Fault | null = null;
  let fenced: Fault | null = null;
  const fencing = Promise.withResolvers<Fault>();
  const requests = createRequests({
    ports,
    options,
    hands,
    epoch,
    claim: async () => void (unclaimed = await claim(epoch, [ports.traffic, ports.runtime])),
    poke,
    stopped: stopped.signal,
  });

  /** The newest release, which says what serves; kept here because the patrol outlives its running. */
  let newest: Release | null = null;

  const tick = async (): Promise<Fault | null> => {
    await (hands.needTheWorld() ? world.look(hands.services()) : world.lookWhoActs());
    mustBeNewest(epoch, world.traffic(), refusal);
    // One that could not be asked at first would still obey whoever acted before.
    if (unclaimed.length > 0 && hands.needTheWorld()) unclaimed = await claim(epoch, unclaimed);
    const lost = await bringBack.tick([
      ...hands.all().map((each) => each.state()),
      ...(newest === null ? [] : [newest]),
    ]);
    // Whoever can't be read to must be watched all the same.
    const trouble = await requests.take().then(
      () => null,
      (error: unknown) => faultOf(error, "engine", "The engine can't read what it is asked."),
    );
    for (const each of hands.all()) {
      await each.tick();
      const state = each.state();
      if (state.id >= (newest?.id ?? 0)) newest = state;
      if (isEnded(state) && each.isSettled()) await hands.letGo(state.id);
    }
    await patrol.tick(newest);
    return trouble ?? lost;
  };

  const loop = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      try {
        lastFault = await tick();
      } catch (error) {
        lastFault = faultOf(error, "engine", "The engine could not go on.");
      }
      if (lastFault !== null && ENDS_ACTING.has(lastFault.code)) return await stopActing(lastFault);
      wake = new AbortController();
      // A poke during the look would be lost by a sleep that begins after it.
      const pause = isPoked ? 0 : hands.areBusy() ? pace.busyMs : pace.idleMs;
      isPoked = false;
      if (!stopped.signal.aborted) await clock.sleep(pause, wake.signal).catch(() => undefined);
    }
  };
  let lastFault: Fault | null = null;

  /** Lets go of everything, as after a crash: whoever acts next finds it in the journal. */
  const stopActing = async (because: Fault): Promise<void> => {
    fenced = because;
    stopped.abort(new Error(because.what));
    for (const each of hands.all()) await each.abandon();
    await requests.ended();
    await letGoOfLock();
    fencing.resolve(because);
    for (const each of hands.all()) for (const listener of listeners) listener(each.state().id);
  };
  const letGoOfLock = once(() => lock[Symbol.asyncDispose]());

  await takeOverAll(ports, epoch, hands, world.emergencies());
  const [newestId] = await journal.releases();
  if (newestId !== undefined) newest = (await hands.load(newestId))?.release ?? null;
  // What a reboot ended is missed by nobody else while no release runs.
  await world.freshInstances().catch(() => []);
  const looping = loop();

  const status = async (id: number): Promise<Status | null> => {
    const mine = hands.get(id);
    if (mine !== undefined) return withFault(mine.status(), lastFault);
    const release = (await hands.load(id))?.release;
    return release === undefined
      ? null
      : statusOf(release, { wall: clock.wall(), watched: release.lastAt.watched }, null);
  };

  return {
    epoch,
    fenced: () => fenced,
    untilFenced: fencing.promise,
    ask: async (body, release, by) => {
      const id = await journal.ask({ release, body, by, at: Math.round(clock.wall()) });
      poke();
      for (;;) {
        const answer = (await journal.answerTo(id)) as RequestAnswer | null;
        if (answer !== null) return answer;
        if (stopped.signal.aborted)
          throw new FaultError({ code: "engine-stopped", what: "The engine stopped before it answered." });
        await clock.sleep(20);
      }
    },
    poke,
    status,
    releases: () => journal.releases(),
    onChange: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    patrol: () => patrol.results(),
    untilSettled: async (id) => {
      for (;;) {
        const mine = hands.get(id);
        if (mine === undefined || mine.isSettled()) {
          const now = await status(id);
          if (now === null) throw new FaultError({ code: "release-unknown", what: `There is no release ${id}.` });
          return now;
        }
        await clock.sleep(50, stopped.signal);
      }
    },
    [Symbol.asyncDispose]: async () => {
      stopped.abort(new Error("the engine stops"));
      await Promise.all(hands.all().map((each) => each.abandon()));
      await looping;
      await requests.ended();
      await letGoOfLock();
    },
  };
}

function once(work: () => PromiseLike<void>): () => Promise<void> {
  let done: Promise<void> | null = null;
  return () => (done ??= Promise.resolve(work()));
}

function withFault(status: Status, fault: Fault | null): Status {
  return status.fault === null && fault !== null ? { ...status, fault } : status;
}
