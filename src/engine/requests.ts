import { faultOf, FaultError } from "../core/fault.ts";
import { replay } from "../core/evolve.ts";
import { isEnded, isRunning, type Release } from "../core/release.ts";
import { MINUTE } from "../core/time.ts";
import type { Request } from "../ports/journal.ts";
import type { Ports, ReleaseRequest, RequestAnswer, RequestBody } from "./api.ts";
import type { Hands } from "./hands.ts";
import { mustBeFree, placeBefore, planRelease } from "./start-release.ts";

/** How long a newer release waits for the standby of the one before it to be retired, or for that one to be undone. */
const MAKE_ROOM_MS = 10 * MINUTE;

export interface RequestsInput {
  readonly ports: Ports;
  readonly hands: Hands;
  readonly epoch: number;
  /** Claims data plane and runtime, which may have been started only now. */
  readonly claim: () => Promise<void>;
  readonly poke: () => void;
  readonly stopped: AbortSignal;
}

/** Answers what people ask through the journal, each request once. The result looks for new ones. */
export function createRequests({ ports, hands, epoch, claim, poke, stopped }: RequestsInput): () => Promise<void> {
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
    const [newest] = releases;
    if (newest === undefined) return releases;
    if (isRunning(newest) && supersede) {
      const older = await hands.take(newest.id);
      await older.command({ kind: "rollback", superseded: true }, by, `release ${next} supersedes it`);
      await until(() => isEnded(older.state()), `Release ${newest.id} could not be undone in time.`);
      mustBeFree(older.state());
      return [older.state(), ...releases.slice(1)];
    }
    mustBeFree(newest);
    const holder = releases.find(({ state }) => state === "live" || state === "closed");
    if (holder !== undefined && !holder.standbyRetired) {
      const older = await hands.take(holder.id);
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
    const releases = await hands.history(app, environment);
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
    await claim();
    hands.adopt(release, stored.length);
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
    const mine = await hands.take(target);
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

  return takeRequests;
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
