import { faultOf, FaultError } from "../core/fault.ts";
import type { EventOf } from "../core/release/event.ts";
import { replay } from "../core/release/evolve.ts";
import { isEnded, isRunning, type Release } from "../core/release/release.ts";
import { MINUTE } from "../core/time/time.ts";
import type { Request } from "../ports/journal.ts";
import type { EngineOptions, Ports, ReleaseRequest, RequestAnswer, RequestBody } from "./api.ts";
import type { Hands } from "./hands.ts";
import { lastPutBack, mustNotBeKnownBad } from "./known-bad.ts";
import { mustBeFree, placeBefore, planRelease } from "./start-release.ts";
import { mustBePlaceOf } from "./whose-place.ts";

/** How long a newer release waits for the standby of the one before it to be retired, or for that one to be undone. */
const MAKE_ROOM_MS = 10 * MINUTE;

/** Releases that can have begun between a request and its second try. */
const LOOK_BACK = 10;

const JOURNAL_REFUSES: ReadonlySet<string> = new Set([
  "journal-unavailable",
  "journal-gone",
  "actor-lock-gone",
  "journal-conflict",
  "stale-epoch",
]);

export interface RequestsInput {
  readonly ports: Ports;
  readonly options: Pick<EngineOptions, "meet">;
  readonly hands: Hands;
  readonly epoch: number;
  /** Claims data plane and runtime, which may have been started only now. */
  readonly claim: () => Promise<void>;
  readonly poke: () => void;
  readonly stopped: AbortSignal;
}

/** Answers what people ask through the journal, each request once. */
export interface Requests {
  /** Looks for new ones. */
  take(): Promise<void>;
  /** Resolves when none is being carried out any more; one that the stop interrupted stays open for whoever acts next. */
  ended(): Promise<void>;
}

export function createRequests({ ports, options, hands, epoch, claim, poke, stopped }: RequestsInput): Requests {
  const { journal, clock } = ports;

  const until = async (isSo: () => boolean, what: string): Promise<void> => {
    const begun = clock.monotonic();
    while (!isSo()) {
      if (stopped.aborted) throw new FaultError({ code: "engine-stopped", what: "The engine stopped." });
      if (clock.monotonic() - begun > MAKE_ROOM_MS) throw new FaultError({ code: "no-room", what });
      await clock.sleep(100, stopped);
    }
  };

  /** Undoes what runs, or retires the standby that is in the way, before a newer release begins. */
  const makeRoom = async (
    releases: readonly Release[],
    supersede: boolean,
    next: number,
    by: string,
  ): Promise<readonly Release[]> => {
    const running = releases.find(isRunning);
    if (running !== undefined && supersede) {
      return await hands.holding(running.id, async (older) => {
        await older.command({ kind: "rollback", superseded: true }, by, `release ${next} supersedes it`);
        await until(() => isEnded(older.state()), `Release ${running.id} could not be undone in time.`);
        mustBeFree([older.state()]);
        return releases.map((each) => (each.id === running.id ? older.state() : each));
      });
    }
    mustBeFree(releases);
    const holder = releases.find(({ state }) => state === "live" || state === "closed");
    // One that is still watched must know that its place is taken, whether there is a standby to retire or not.
    if (holder !== undefined && (holder.state === "live" || !holder.standbyRetired)) {
      await hands.holding(holder.id, async (older) => {
        await older.command({ kind: "retire-early", for: next }, by, undefined);
        await until(
          () => older.state().standbyRetired || older.state().undo !== null,
          `The standby of release ${holder.id} could not be retired in time.`,
        );
      });
    }
    return releases;
  };

  const startRelease = async (request: ReleaseRequest, by: string, asked: number): Promise<RequestAnswer> => {
    options.meet?.(request.plan);
    const { app, environment } = request.plan;
    await mustBePlaceOf(ports, { app, environment });
    const ids = await journal.releases();
    const begun = await begunBy(asked, ids);
    if (begun !== null) return begun;
    const [last = 0] = ids;
    const id = last + 1;
    const releases = await hands.history(app, environment);
    if (!request.supersede) mustBeFree(releases);
    // Refused before anything is undone or retired for it.
    const wanted = await ports.runtime.resolve(request.version, request.plan.services);
    if (request.unlessPutBack === true)
      mustNotBeKnownBad(await lastPutBack(journal, { app, environment }, wanted.version));
    const before = placeBefore(await makeRoom(releases, request.supersede, id, by));
    const event = { ...(await planRelease(ports, { id, request, by, before })), request: asked };
    // Meanwhile somebody may have rolled back what serves, or this engine may have been told to stop.
    mustBeFree(await hands.history(app, environment));
    stopped.throwIfAborted();
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
    await claim();
    hands.adopt(release, stored.length);
    poke();
    return accepted(event);
  };

  /**
   * An engine that died before it could answer may have begun the release all the same, or this one, when the journal
   * said no to what it had written.
   */
  const begunBy = async (asked: number, newestFirst: readonly number[]): Promise<RequestAnswer | null> => {
    for (const id of newestFirst.slice(0, LOOK_BACK)) {
      const [first] = await journal.read(id);
      if (first?.event.type !== "planned" || first.event.request !== asked) continue;
      await hands.holding(id, async () => poke());
      return accepted(first.event);
    }
    return null;
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
    return await hands.holding(target, async (mine) => {
      if (body.command.kind === "rollback") await mustBeNewest(journal, mine.state());
      const answer = await mine.command(body.command, by, body.reason);
      return answer.kind === "refused" ? answer : { kind: answer.kind, release: target, sentence: answer.sentence };
    });
  };

  const answerRequest = async ({ id, body, release, by }: Request): Promise<RequestAnswer> => {
    try {
      const asked = body as RequestBody;
      return asked.kind === "release" ? await startRelease(asked, by, id) : await takeCommand(asked, release, by);
    } catch (error) {
      return { kind: "refused", fault: faultOf(error, "request-failed", "The request could not be carried out.") };
    }
  };

  /** What could not be written yet, by request: it is neither done again nor forgotten. */
  const unwritten = new Map<number, RequestAnswer>();

  const reply = async (request: Request): Promise<void> => {
    const answer = unwritten.get(request.id) ?? (await answerRequest(request));
    // What could not be done because this engine stops is for the next one to do.
    if (answer.kind === "refused" && stopped.aborted) return;
    if (answer.kind === "refused" && JOURNAL_REFUSES.has(answer.fault.code)) {
      // Nobody can say now whether it was done: it stays open, and is taken up again when the journal answers.
      taken.delete(request.id);
      return;
    }
    unwritten.set(request.id, answer);
    try {
      await journal.answer(request.id, answer, epoch);
      unwritten.delete(request.id);
    } catch (error) {
      taken.delete(request.id);
      throw error;
    }
  };

  const taken = new Set<number>();
  let starting: Promise<void> = Promise.resolve();
  return {
    take: async () => {
      for (const request of await journal.openRequests()) {
        if (stopped.aborted) return;
        if (taken.has(request.id)) continue;
        taken.add(request.id);
        // A new release may wait long for room; commands must not wait behind it, but releases wait for each other.
        if ((request.body as RequestBody).kind === "release")
          starting = starting.then(() => reply(request)).catch(() => undefined);
        else await reply(request);
      }
    },
    ended: () => starting,
  };
}

function accepted({ release, stable, candidate }: EventOf<"planned">): RequestAnswer {
  const from = stable === null ? "the first version" : `beside ${stable.label}`;
  return { kind: "accepted", release, sentence: `Release ${release}: ${candidate.label}, ${from}.` };
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
