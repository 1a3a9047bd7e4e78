import { readFileSync } from "node:fs";
import { chain } from "../../src/adapters/journal/chain.ts";
import { EVENT_FORMAT, type StoredBody, upcast } from "../../src/core/release/upcast.ts";
import type { StoredEvent } from "../../src/ports/journal.ts";

/** A line of a recorded journal: an event exactly as its version of Tidegate wrote it. */
interface Line {
  readonly release: number;
  readonly seq: number;
  readonly format: number;
  readonly wall: number;
  readonly watched: number;
  readonly epoch: number;
  readonly body: StoredBody;
  readonly hash: string;
}

/** The events as lines of JSON, in today's format. */
export function recorded(events: readonly StoredEvent[]): string {
  return events
    .map(({ release, seq, at, epoch, event, hash }) => {
      const body = event as unknown as StoredBody;
      return JSON.stringify({ release, seq, format: EVENT_FORMAT, ...at, epoch, body, hash } satisfies Line);
    })
    .join("\n")
    .concat("\n");
}

/** The events of a recorded journal in today's shape. Throws where its hash chain is broken. */
export function readRecorded(file: URL): readonly StoredEvent[] {
  let before = "";
  return readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((text) => {
      const { release, seq, format, wall, watched, epoch, body, hash } = JSON.parse(text) as Line;
      before = chain(before, release, seq, format, wall, watched, epoch, JSON.stringify(body));
      if (before !== hash) throw new Error(`The chain breaks at event ${seq} of ${file.pathname}.`);
      return { release, seq, epoch, at: { wall, watched }, event: upcast(format, body), hash };
    });
}
