import { faultOf, FaultError, type Fault } from "../core/fault.ts";
import { replay } from "../core/evolve.ts";
import { currentStep, isEnded, isRunning, type Release } from "../core/release.ts";
import type { Service } from "../core/plan.ts";
import { type Status, statusOf } from "../core/status.ts";
import { MINUTE, SECOND } from "../core/time.ts";
import type { Request } from "../ports/journal.ts";
import type { Engine, EngineOptions, EngineStart, Ports, ReleaseRequest, RequestAnswer, RequestBody } from "./api.ts";
import { createPatrol } from "./patrol.ts";
import { runRelease, type RunningRelease } from "./running-release.ts";
import { mustBeFree, placeBefore, planRelease } from "./start-release.ts";
import { createWorld } from "./world.ts";

export const USUAL_PACE = { busyMs: 200, idleMs: SECOND } as const;
/** How long a newer release waits for the standby of the one before it to be retired, or for that one to be undone. */
const MAKE_ROOM_MS = 10 * MINUTE;

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
  const epoch = await journal.raiseEpoch();
  await claim(ports, epoch);
  const listeners = new Set<(release: number) => void>();
  const running = new Map<number, RunningRelease>();
  const stopped = new AbortController();
  let wake = new AbortController();
  let isPoked = false;
  const poke = (): void => {
    isPoked = true;
    wake.abort();
  };
  const world = createWorld(ports, poke);
  const patrol = createPatrol(ports, options, world);

  const adopt = (release: Release, seq: number): RunningRelease => {
    const mine = runRelease({
      ports,
      options,
      world,
      epoch,
      release,
      seq,
      changed: () => {
        for (const listener of listeners) listener(release.id);
        poke();
      },
    });
    running.set(release.id, mine);
    return mine;
  };

  const load = async (id: number): Promise<{ readonly release: Release; readonly seq: number } | null> => {
    const events = await journal.read(id);
    const release = replay(events);
    return release === null ? null : { release, seq: events.length };
  };

  /** Newest first: as the engine has them in hand, else from the journal. */
  const history = async (app: string, environment: string): Promise<readonly Release[]> => {
    const found: Release[] = [];
    for (const id of await journal.releases({ app, environment })) {
      const release = running.get(id)?.state() ?? (await load(id))?.release;
      if (release !== undefined) found.push(release);
      // Older ones can't tell more about what serves than one that held the place.
      if (release !== undefined && (release.state === "live" || release.state === "closed") && found.length >= 2) break;
    }
    return found;
  };

  const inHand = async (id: number): Promise<RunningRelease> => {
    const mine = running.get(id);
    if (mine !== undefined) return mine;
    const loaded = await load(id);
    if (loaded === null)
      throw new FaultError({
        code: "release-unknown",
        what: `There is no release ${id}.`,
        fix: "tidegate status lists the newest",
      });
    return adopt(loaded.release, loaded.seq);
  };

  const until = async (isSo: () => boolean, what: string): Promise<void> => {
    const begun = clock.monotonic();
    while (!isSo()) {
      if (stopped.signal.aborted) throw new FaultError({ code: "engine-stopped", what: "The engine stopped." });
      if (clock.monotonic() - begun > MAKE_ROOM_MS) throw new FaultError({ code: "no-room", what });
      await clock.sleep(100, stopped.signal);
    }
  };

  /** Undoes what runs, or retires the standby that is in the way, before a newer release begins. */
  const makeRoom = async (
    releases: readonly Release[],
    supersede: boolean,
    next: number,
    by: string,
  ): Promise<readonly Release[]> => {
    const [newest] = releases;
    if (newest === undefined) return releases;
    if (isRunning(newest) && supersede) {
      const older = await inHand(newest.id);
      await older.command({ kind: "rollback", superseded: true }, by, `release ${next} supersedes it`);
      await until(() => isEnded(older.state()), `Release ${newest.id} could not be undone in time.`);
      mustBeFree(older.state());
      return [older.state(), ...releases.slice(1)];
    }
    mustBeFree(newest);
    const holder = releases.find(({ state }) => state === "live" || state === "closed");
    if (holder !== undefined && !holder.standbyRetired) {
      const older = await inHand(holder.id);
      await older.command({ kind: "retire-early", for: next }, by, undefined);
      await until(
        () => older.state().standbyRetired,
        `The standby of release ${holder.id} could not be retired in time.`,
      );
    }
    return releases;
  };

  const startRelease = async (request: ReleaseRequest, by: string): Promise<RequestAnswer> => {
    const { app, environment } = request.plan;
    const [last = 0] = await journal.releases();
    const id = last + 1;
    const releases = await history(app, environment);
    if (!request.supersede) mustBeFree(releases[0]);
    // Refused before anything is undone or retired for it.
    await ports.runtime.resolve(request.version);
    const before = placeBefore(await makeRoom(releases, request.supersede, id, by));
    const event = await planRelease(ports, { id, request, by, before });
    const at = { wall: Math.round(clock.wall()), watched: 0 };
    const stored = await journal.append(
      id,
      0,
      [
        { event, at },
        { event: { type: "engine-took-over", epoch, awayMs: 0 }, at },
      ],
      epoch,
    );
    const release = replay(stored);
    if (release === null) throw new Error("A planned release replays.");
    await claim(ports, epoch);
    adopt(release, stored.length);
    poke();
    const from = release.stable === null ? "the first version" : `beside ${release.stable.label}`;
    return { kind: "accepted", release: id, sentence: `Release ${id}: ${release.candidate.label}, ${from}.` };
  };

  const takeCommand = async (
    body: Extract<RequestBody, { kind: "command" }>,
    id: number | null,
    by: string,
  ): Promise<RequestAnswer> => {
    const [newest] = await journal.releases();
    const target = id ?? newest;
    if (target === undefined)
      throw new FaultError({ code: "release-unknown", what: "There is no release yet.", fix: "tidegate release" });
    const mine = await inHand(target);
    if (body.command.kind === "rollback") await mustBeNewest(journal, mine.state());
    const answer = await mine.command(body.command, by, body.reason);
    return answer.kind === "refused" ? answer : { kind: answer.kind, release: target, sentence: answer.sentence };
  };

  const answerRequest = async ({
    body,
    release,
    by,
  }: Pick<Request, "body" | "release" | "by">): Promise<RequestAnswer> => {
    try {
      const asked = body as RequestBody;
      return asked.kind === "release" ? await startRelease(asked, by) : await takeCommand(asked, release, by);
    } catch (error) {
      return { kind: "refused", fault: faultOf(error, "request-failed", "The request could not be carried out.") };
    }
  };

  const taken = new Set<number>();
  let starting: Promise<unknown> = Promise.resolve();
  const takeRequests = async (): Promise<void> => {
    for (const request of await journal.openRequests()) {
      if (taken.has(request.id)) continue;
      taken.add(request.id);
      const reply = async (): Promise<void> => journal.answer(request.id, await answerRequest(request));
      // A new release may wait long for room; commands must not wait behind it, but releases wait for each other.
      if ((request.body as RequestBody).kind === "release")
        starting = starting.then(reply, reply).catch(() => undefined);
      else await reply();
    }
  };

  /** The newest release, which says what serves; kept here because the patrol outlives its running. */
  let newest: Release | null = null;

  const services = (): readonly Service[] => {
    const byName = new Map<string, Service>();
    for (const each of running.values())
      for (const service of each.state().plan.services) byName.set(service.name, service);
    return [...byName.values()];
  };

  const tick = async (): Promise<void> => {
    if (needsTheWorld(running)) await world.look(services());
    await takeRequests();
    for (const [id, each] of running) {
      await each.tick();
      if (id >= (newest?.id ?? 0)) newest = each.state();
      if (isEnded(each.state()) && each.isSettled()) running.delete(id);
    }
    await patrol.tick(newest);
  };

  const loop = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      try {
        await tick();
      } catch (error) {
        lastFault = faultOf(error, "engine", "The engine could not go on.");
      }
      wake = new AbortController();
      // A poke during the look would be lost by a sleep that begins after it.
      const pause = isPoked ? 0 : isBusy(running) ? pace.busyMs : pace.idleMs;
      isPoked = false;
      await clock.sleep(pause, AbortSignal.any([wake.signal, stopped.signal])).catch(() => undefined);
    }
  };
  let lastFault: Fault | null = null;

  await resumeAll(ports, epoch, load, adopt);
  const [newestId] = await journal.releases();
  if (newestId !== undefined) newest = (await load(newestId))?.release ?? null;
  const looping = loop();

  const status = async (id: number): Promise<Status | null> => {
    const mine = running.get(id);
    if (mine !== undefined) return withFault(mine.status(), lastFault);
    const release = (await load(id))?.release;
    return release === undefined
      ? null
      : statusOf(release, { wall: clock.wall(), watched: release.lastAt.watched }, null);
  };

  return {
    epoch,
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
        const mine = running.get(id);
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
      for (const each of running.values()) await each.abandon();
      await looping;
      await lock[Symbol.asyncDispose]();
    },
  };
}

function withFault(status: Status, fault: Fault | null): Status {
  return status.fault === null && fault !== null ? { ...status, fault } : status;
}

/** From now on data plane and runtime refuse whoever acted before. Those that do not run yet are claimed when they do. */
async function claim(ports: Ports, epoch: number): Promise<void> {
  for (const outside of [ports.traffic, ports.runtime]) {
    try {
      await outside.claim(epoch);
    } catch (error) {
      if (error instanceof FaultError && error.fault.code === "stale-epoch") throw error;
    }
  }
}

/** Takes over every release that has not ended; what was under way counts as interrupted. */
async function resumeAll(
  { journal, clock }: Ports,
  epoch: number,
  load: (id: number) => Promise<{ readonly release: Release; readonly seq: number } | null>,
  adopt: (release: Release, seq: number) => RunningRelease,
): Promise<void> {
  for (const id of await journal.releases()) {
    const loaded = await load(id);
    if (loaded === null || isEnded(loaded.release)) continue;
    const at = { wall: Math.round(clock.wall()), watched: loaded.release.lastAt.watched };
    const awayMs = Math.max(0, at.wall - loaded.release.lastAt.wall);
    const stored = await journal.append(
      id,
      loaded.seq,
      [{ event: { type: "engine-took-over", epoch, awayMs }, at }],
      epoch,
    );
    const release = replay([...(await journal.read(id))]);
    if (release !== null) adopt(release, loaded.seq + stored.length);
  }
}

/** What only waits for a date needs no look at the outside; the patrol takes care of what serves. */
function needsTheWorld(running: ReadonlyMap<number, RunningRelease>): boolean {
  return [...running.values()].some((each) => {
    const state = each.state();
    return !each.isSettled() || (!isEnded(state) && currentStep(state)?.progress.state === "running");
  });
}

function isBusy(running: ReadonlyMap<number, RunningRelease>): boolean {
  return [...running.values()].some((each) => isRunning(each.state()) || !each.isSettled());
}

async function mustBeNewest(journal: Ports["journal"], release: Release): Promise<void> {
  const [newest] = await journal.releases({ app: release.app, environment: release.environment });
  if (newest === undefined || newest === release.id) return;
  const later = replay(await journal.read(newest));
  if (later === null || later.state === "rolled-back") return;
  throw new FaultError({
    code: "release-followed",
    what: `Release ${release.id} was followed by release ${newest} (${later.candidate.label}), so it can't be rolled back any more.`,
    fix: `tidegate rollback ${newest}`,
  });
}
