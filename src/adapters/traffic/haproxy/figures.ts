import type { ObservationBatch } from "../../../core/observation.ts";
import type { RoutingTable } from "../../../core/traffic/routing.ts";
import type { Instant } from "../../../core/time/time.ts";
import { ALL_COUNTERS, countersOf, type CountersOf } from "../../../proxy/counter-filter.ts";
import { Observations } from "../../../proxy/observations.ts";
import { CLIENT_GONE, FAILED, type Outcome, PASSED_ON } from "../../../proxy/outcome.ts";
import type { LoggedRequest } from "./log-line.ts";

/** Lines are fetched five times a second; a second counts as over when so much more has passed. */
const SETTLES_MS = 450;
/** As far back as the rows go. */
const OLDEST_MS = 600_000;

/**
 * Makes of logged requests what the embedded plane makes of its own: the same rows, the same buckets, the same counting
 * by visitor, by the same code. Its clock is that of the log lines, so that lines which waited in the ring come to lie
 * in their own seconds.
 */
export interface Figures {
  follow(table: RoutingTable): void;
  take(request: LoggedRequest): void;
  batch(since: number): ObservationBatch;
}

export function figuresOf(id: string, now: () => Instant): Figures {
  let clock = now() - OLDEST_MS;
  const observations = new Observations(id, () => clock);
  const versions = new Map<string, string>();
  let table: RoutingTable | null = null;
  let counters: CountersOf | null = null;
  let revision = 0;

  /** Which version served, or should have. */
  const versionIn = (slot: string): string | undefined => versions.get(slot);

  const count = (version: string | undefined, outcome: Outcome, request: LoggedRequest): void => {
    if (version === undefined || table === null) return;
    const { cohort, key, method, path, tookMs, answeredMs, isStream, status } = request;
    const visitor =
      cohort === null ? null : { cohort, key: key === null ? null : key | 0, isKnown: key !== null, newId: null };
    const bits = counters?.({ method, path }, {}) ?? ALL_COUNTERS;
    const ms = isStream || status === 101 ? Math.max(0, answeredMs) : tookMs;
    const tally = observations.tally(version);
    observations.count(tally, outcome, ms, method, path, {
      visitor,
      counters: bits,
      countedIn: table.counting?.release,
    });
    if (status === 101) observations.countWebSocket(tally, "opened");
  };

  return {
    follow(next) {
      if (table !== null && next.revision === table.revision && next.share === table.share) return;
      if (next.release !== table?.release) versions.clear();
      for (const side of [next.stable, next.candidate]) {
        if (side === null) continue;
        versions.set(side.slot, side.version);
        observations.tally(side.version);
      }
      table = next;
      counters = countersOf(next.counting);
      observations.follow(next);
    },
    take(request) {
      if (request.endedAt < now() - OLDEST_MS) return;
      clock = Math.max(clock, request.endedAt);
      // Of a release that is not known here it is not known which version was in which slot.
      if (table === null || request.release !== table.release || request.drawn === "pinned") return;
      if (request.revision !== revision) {
        if (revision !== 0) observations.markMixed();
        revision = request.revision;
      }
      const slot = request.backend.slice(request.backend.lastIndexOf(".") + 1);
      const served = versionIn(slot);
      if (request.drawn !== "" && request.drawn !== slot) count(versionIn(request.drawn), PASSED_ON, request);
      else if (request.retries > 0 && outcomeOf(request) !== FAILED) count(served, PASSED_ON, request);
      count(served, outcomeOf(request), request);
    },
    batch(since) {
      clock = Math.max(clock, now() - SETTLES_MS);
      return { ...observations.batch(since), at: now() };
    },
  };
}

/** What became of it. An answer of HAProxy's own in the place of the app's is none of the app's. */
export function outcomeOf({ status, end, server }: LoggedRequest): Outcome {
  const [by, phase] = end;
  if (by === "C" && phase !== "D" && phase !== "L" && phase !== "-") return CLIENT_GONE;
  if (status < 100 || server === "<NOSRV>") return FAILED;
  // Killed by Tidegate's own cut at the end of a drain, or by a person.
  if (by === "K") return status;
  const isOurs = by === "S" || by === "s" || by === "P" || by === "R" || by === "I" || by === "D" || by === "U";
  return isOurs && (status >= 500 || phase === "D") ? FAILED : status;
}
