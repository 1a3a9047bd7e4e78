import { setTimeout as delay } from "node:timers/promises";
import { type Duration, MINUTE, SECOND } from "../../core/time/time.ts";
import type { Traffic } from "../../ports/traffic.ts";

/** The requests of one version, as the data plane counts them. */
export interface VersionCount {
  readonly requests: number;
  /** Answered with 5xx by the version itself. */
  readonly errors: number;
  /** No client got an answer of the version's. */
  readonly failed: number;
}

/** What the data plane of a rehearsal has counted of each version, from its beginning on. Disposing of it ends the counting. */
export interface CountedByVersion extends Disposable {
  /** Once `isWhole` holds of it, or a few seconds later: the newest second can be read only when it is over. */
  whole(isWhole: (counts: Counts) => boolean): Promise<Counts>;
}

export type Counts = ReadonlyMap<string, VersionCount>;

/** A plane keeps ten minutes, and a rehearsal may take hours. */
const LOOK_EVERY_MS: Duration = MINUTE;
const WHOLE_WITHIN_MS: Duration = 4 * SECOND;
const AGAIN_MS = 200;

/** `plane`: made when it is first asked. */
export function countByVersion(plane: () => Promise<Traffic>): CountedByVersion {
  const counts = new Map<string, VersionCount>();
  const cursor = { proxy: "", next: 0 };
  let traffic: Promise<Traffic> | null = null;

  const look = async (): Promise<void> => {
    traffic ??= plane();
    for (const asked = await traffic; ;) {
      const batch = await asked.observations(cursor.next);
      // Another process, whose sequence is its own: the rows are those of a reader who has read nothing.
      if (batch.proxy !== cursor.proxy && cursor.next > 0) {
        Object.assign(cursor, { proxy: batch.proxy, next: 0 });
        continue;
      }
      Object.assign(cursor, { proxy: batch.proxy, next: batch.next });
      for (const { version, requests, status, passedOn = 0 } of batch.rows) {
        const before = counts.get(version) ?? { requests: 0, errors: 0, failed: 0 };
        counts.set(version, {
          requests: before.requests + requests - passedOn,
          errors: before.errors + status.server,
          failed: before.failed + status.failed - passedOn,
        });
      }
      if (batch.rows.length === 0) return;
    }
  };
  let looking: Promise<void> = Promise.resolve();
  // One after the other, and a plane that can't be asked now has its rows still when it can.
  const lookOnce = (): Promise<void> => (looking = looking.then(look).catch(() => undefined));
  const timer = setInterval(() => void lookOnce(), LOOK_EVERY_MS);
  timer.unref();
  return {
    whole: async (isWhole) => {
      for (const until = performance.now() + WHOLE_WITHIN_MS; ; await delay(AGAIN_MS)) {
        await lookOnce();
        if (isWhole(counts) || performance.now() > until) return counts;
      }
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
