import type { Happened } from "../../core/release/event.ts";
import { FaultError } from "../../core/fault.ts";
import { EVENT_FORMAT } from "../../core/release/upcast.ts";
import type { Journal, Request, StoredEvent } from "../../ports/journal.ts";
import { chain } from "./chain.ts";
import { staleEpoch } from "./stale-epoch.ts";

/** A journal for tests: the same promises, nothing kept. */
export interface MemoryJournal extends Journal {
  /** Makes the next append fail. */
  failNext(fault: { readonly code: string; readonly what: string }): void;
  /** Makes every append fail as a full disk does, until it is told otherwise. */
  setRefusing(refusing: boolean): void;
}

export function createMemoryJournal(): MemoryJournal {
  const streams = new Map<number, StoredEvent[]>();
  const settled = new Map<number, number>();
  const requests: (Request & { answer: unknown })[] = [];
  let epoch = 0;
  let isHeld = false;
  let isRefusing = false;
  let failing: { readonly code: string; readonly what: string } | null = null;

  const refuseStale = (asked: number): void => {
    if (asked < epoch) throw staleEpoch(asked, epoch);
  };

  const append = (release: number, after: number, events: readonly Happened[], by: number): readonly StoredEvent[] => {
    if (failing !== null) {
      const fault = failing;
      failing = null;
      throw new FaultError(fault);
    }
    if (isRefusing) throw new FaultError({ code: "journal-unavailable", what: "The disk is full." });
    refuseStale(by);
    const stream = streams.get(release) ?? [];
    if (stream.length !== after)
      throw new FaultError({
        code: "journal-conflict",
        what: `Release ${release} has ${stream.length} events where ${after} were expected: somebody else appended.`,
      });
    let hash = stream.at(-1)?.hash ?? "";
    const stored = events.map(({ event, at }, index): StoredEvent => {
      const seq = after + 1 + index;
      hash = chain(hash, release, seq, EVENT_FORMAT, at.wall, at.watched, by, JSON.stringify(event));
      return { release, seq, epoch: by, at, event: structuredClone(event), hash };
    });
    streams.set(release, [...stream, ...stored]);
    return stored;
  };

  return {
    failNext: (fault) => {
      failing = fault;
    },
    setRefusing: (refusing) => void (isRefusing = refusing),
    releases: (of) =>
      Promise.resolve(
        [...streams]
          .filter(
            ([, [first]]) =>
              of === undefined ||
              (first?.event.type === "planned" &&
                first.event.app === of.app &&
                first.event.environment === of.environment),
          )
          .map(([release]) => release)
          .sort((a, b) => b - a),
      ),
    open: () =>
      Promise.resolve(
        [...streams]
          .filter(([release, events]) => (settled.get(release) ?? 0) < events.length)
          .map(([release]) => release)
          .sort((a, b) => b - a),
      ),
    settle: (release, seq) => {
      settled.set(release, seq);
      return Promise.resolve();
    },
    read: (release, from = 1) => Promise.resolve((streams.get(release) ?? []).filter(({ seq }) => seq >= from)),
    append: (release, after, events, by) => new Promise((resolve) => resolve(append(release, after, events, by))),
    ask: (request) => {
      requests.push({ ...request, id: requests.length + 1, answer: null });
      return Promise.resolve(requests.length);
    },
    openRequests: () => Promise.resolve(requests.filter(({ answer }) => answer === null)),
    answer: async (id, answer, by) => {
      refuseStale(by);
      const request = requests[id - 1];
      if (request?.answer === null) request.answer = answer;
    },
    answerTo: (id) => Promise.resolve(requests[id - 1]?.answer ?? null),
    raiseEpoch: (above = 0) => Promise.resolve((epoch = Math.max(epoch, above) + 1)),
    epoch: () => Promise.resolve(epoch),
    takeActorLock: () => {
      if (isHeld) return Promise.resolve(null);
      isHeld = true;
      return Promise.resolve({
        [Symbol.asyncDispose]: () => {
          isHeld = false;
          return Promise.resolve();
        },
      });
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
