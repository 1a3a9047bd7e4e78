import { createMemoryEmergencyLog } from "../../../src/adapters/emergency/memory.ts";
import { staleEpoch } from "../../../src/adapters/journal/stale-epoch.ts";
import { chain } from "../../../src/adapters/journal/chain.ts";
import type { Happened } from "../../../src/core/release/event.ts";
import { evolve } from "../../../src/core/release/evolve.ts";
import { FaultError } from "../../../src/core/fault.ts";
import type { Release } from "../../../src/core/release/release.ts";
import { EVENT_FORMAT, type StoredBody, upcast } from "../../../src/core/release/upcast.ts";
import type { RequestAnswer, RequestBody } from "../../../src/engine/api.ts";
import type { EmergencyLog } from "../../../src/ports/emergency-log.ts";
import type { Journal, NewRequest, Request, StoredEvent } from "../../../src/ports/journal.ts";
import type { Ground } from "./ground.ts";
import type { EngineProcess, Wire } from "./wire.ts";

/** The state folder's journal: what is in it outlives every process. Events lie in it as text, as in any database. */
export interface Store {
  /** As one engine's process has it open. */
  open(process: EngineProcess, wire: Wire): Journal;
  /** The emergency file beside the journal. */
  emergencies(process: EngineProcess, wire: Wire): EmergencyLog;
  /** As anybody reads it who does not act. */
  read(release: number): readonly StoredEvent[];
  releases(): readonly number[];
  /** What the journal says of a release; null for an unknown one. */
  release(id: number): Release | null;
  /** As the command line writes it. Faults: journal-unavailable. */
  ask(request: NewRequest): number;
  answerTo(request: number): RequestAnswer | null;
  openRequests(): readonly Request[];
  epoch(): number;
  /** Gives the lock up in its name: its process has died, or whoever guards the lock believes so. */
  free(process: EngineProcess): void;
  holder(): EngineProcess | null;
}

export function createStore(ground: Ground): Store {
  const streams = new Map<number, readonly StoredEvent[]>();
  const requests: (Omit<Request, "body"> & { readonly body: string; answer: string | null })[] = [];
  let epoch = 0;
  let holder: EngineProcess | null = null;
  const settled = new Map<number, number>();
  const emergencyFile = createMemoryEmergencyLog();

  const read = (release: number, from = 1): readonly StoredEvent[] => (streams.get(release) ?? []).slice(from - 1);

  const refuseStale = (by: number): void => {
    if (by < epoch) throw staleEpoch(by, epoch);
  };

  const append = (release: number, after: number, events: readonly Happened[], by: number): readonly StoredEvent[] => {
    refuseStale(by);
    const before = streams.get(release) ?? [];
    if (before.length !== after)
      throw new FaultError({
        code: "journal-conflict",
        what: `Release ${release} has ${before.length} events where ${after} were expected.`,
      });
    let hash = before.at(-1)?.hash ?? "";
    const stored = events.map(({ event, at }, index): StoredEvent => {
      const seq = after + 1 + index;
      const text = JSON.stringify(event);
      const wall = Math.round(at.wall);
      const watched = Math.round(at.watched);
      hash = chain(hash, release, seq, EVENT_FORMAT, wall, watched, by, text);
      // What comes back was text in between: what is no JSON is lost, here as there.
      const body = upcast(EVENT_FORMAT, JSON.parse(text) as StoredBody);
      return { release, seq, epoch: by, at: { wall, watched }, hash, event: body };
    });
    streams.set(release, [...before, ...stored]);
    return stored;
  };

  const replayed = new Map<number, { readonly seq: number; readonly release: Release }>();
  /** Only what is new since the last time is replayed. */
  const release = (id: number): Release | null => {
    const known = replayed.get(id);
    let state = known?.release ?? null;
    for (const stored of read(id, (known?.seq ?? 0) + 1)) state = evolve(state, stored);
    if (state !== null) replayed.set(id, { seq: streams.get(id)?.length ?? 0, release: state });
    return state;
  };

  const releases = (of?: { readonly app: string; readonly environment: string }): readonly number[] =>
    [...streams]
      .filter(([, [first]]) => {
        if (of === undefined || first?.event.type !== "planned") return true;
        return first.event.app === of.app && first.event.environment === of.environment;
      })
      .map(([release]) => release)
      .sort((a, b) => b - a);

  const openRequests = (): readonly Request[] =>
    requests.flatMap(({ answer, body, ...request }) =>
      answer === null ? [{ ...request, body: JSON.parse(body) as unknown }] : [],
    );

  const answerTo = (request: number): RequestAnswer | null => {
    const answer = requests[request - 1]?.answer ?? null;
    return answer === null ? null : (JSON.parse(answer) as RequestAnswer);
  };

  const ask = ({ release, body, by, at }: NewRequest): number => {
    const id = requests.length + 1;
    requests.push({ id, release, body: JSON.stringify(body), by, at, answer: null });
    ground.tell({ kind: "asked", request: id, body: body as RequestBody, release, person: by });
    return id;
  };

  const refused =
    (process: EngineProcess, method: string) =>
    (error: unknown): never => {
      ground.tell({
        kind: "store-refused",
        by: process.id,
        method,
        code: error instanceof FaultError ? error.fault.code : String(error),
      });
      throw error as Error;
    };

  return {
    read,
    releases,
    release,
    ask: (request) => {
      if (ground.troubles.trip("store").refused)
        throw new FaultError({ code: "journal-unavailable", what: "The disk is full." });
      return ask(request);
    },
    answerTo,
    openRequests,
    holder: () => holder,
    epoch: () => epoch,
    emergencies: (process, wire) => {
      const local = <T>(method: string, work: () => Promise<T>): Promise<T> =>
        wire.remote(
          process,
          { place: "file", method: `emergencies.${method}`, changes: true, unreachable: "emergency-not-recorded" },
          work,
        );
      return {
        note: (emergency) => local("note", () => emergencyFile.note(emergency)),
        pending: () => local("pending", () => emergencyFile.pending()),
        forget: (id) => local("forget", () => emergencyFile.forget(id)),
      };
    },
    free: (process) => {
      if (holder === process) holder = null;
    },
    open: (process, wire) => {
      const local = <T>(method: string, changes: boolean, work: () => T): Promise<T> =>
        wire.local(
          process,
          { place: "store", method: `journal.${method}`, changes, unreachable: "journal-unavailable" },
          work,
        );
      return {
        releases: (of) => local("releases", false, () => releases(of)),
        open: () =>
          local("open", false, () =>
            releases().filter((id) => (settled.get(id) ?? 0) < (streams.get(id)?.length ?? 0)),
          ),
        settle: (release, seq) => local("settle", true, () => void settled.set(release, seq)),
        read: (release, from) => local("read", false, () => read(release, from)),
        append: (release, after, events, by) => {
          process.appending += 1;
          return local("append", true, () => {
            const stored = append(release, after, events, by);
            process.isOwed = false;
            ground.tell({ kind: "appended", by: process.id, release, events: stored });
            return stored;
          })
            .catch((error: unknown) => {
              process.isOwed = true;
              return refused(process, "append")(error);
            })
            .finally(() => (process.appending -= 1));
        },
        ask: (request) => local("ask", true, () => ask(request)),
        openRequests: () => local("openRequests", false, openRequests),
        answer: (id, answer, by) =>
          local("answer", true, () => {
            refuseStale(by);
            const request = requests[id - 1];
            if (request === undefined || request.answer !== null) return;
            request.answer = JSON.stringify(answer);
            ground.tell({ kind: "answered", by: process.id, request: id, answer: answer as RequestAnswer });
          }).catch(refused(process, "answer")),
        answerTo: (id) => local("answerTo", false, () => answerTo(id)),
        raiseEpoch: (above = 0) => local("raiseEpoch", true, () => (epoch = Math.max(epoch, above) + 1)),
        epoch: () => local("epoch", false, () => epoch),
        takeActorLock: () =>
          local("takeActorLock", true, () => {
            if (holder !== null) return null;
            holder = process;
            return {
              [Symbol.asyncDispose]: () => {
                if (holder === process) holder = null;
                return Promise.resolve();
              },
            };
          }),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      };
    },
  };
}
