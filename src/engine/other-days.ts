import { withoutFullStop } from "../core/text/plain-text.ts";
import type { Remembered } from "../core/analysis/evidence/day-before.ts";
import { faultOf } from "../core/fault.ts";
import { type Duration, type Instant, SECOND } from "../core/time/time.ts";
import type { PastTraffic } from "../core/traffic/past-traffic.ts";
import type { Clock } from "../ports/clock.ts";
import type { Traffic } from "../ports/traffic.ts";

/** After a plane could not say it, it is asked again. */
const AGAIN_MS: Duration = 5 * SECOND;
/** Half hours; a step needs one or two of them at a time. */
const MOST_SPANS = 16;

/** Why a plane without figures of other days has none, as the end of a sentence. */
export const KEEPS_NOTHING = "this data plane keeps no figures of other days";

/** Of a process that was started by a Tidegate from before there were such figures. */
export const KEEPS_NOTHING_YET =
  "the data plane was started by an older Tidegate and keeps no figures of other days (tidegate proxy restart)";

export interface Span {
  readonly from: Instant;
  readonly to: Instant;
}

/** What the data plane remembers of other days, asked for once: what is over does not change. */
export interface OtherDays {
  /** What is known of them by now. The rest is asked for at the next look. */
  of(spans: readonly Span[]): Pick<Remembered, "spans" | "missing">;
  /** Asks for what was wanted. Never throws. */
  look(): Promise<void>;
}

export function otherDays(traffic: Traffic, clock: Clock): OtherDays {
  const known = new Map<string, PastTraffic>();
  const wanted = new Map<string, Span>();
  let missing: string | null = null;
  let askedAt = Number.NEGATIVE_INFINITY;
  const keyOf = ({ from, to }: Span): string => `${from}-${to}`;

  return {
    of: (spans) => {
      for (const span of spans) if (!known.has(keyOf(span))) wanted.set(keyOf(span), span);
      return { spans: spans.flatMap((span) => known.get(keyOf(span)) ?? []), missing };
    },
    look: async () => {
      if (wanted.size === 0) return;
      if (traffic.past === undefined) {
        missing = KEEPS_NOTHING;
        wanted.clear();
        return;
      }
      if (missing !== null && clock.monotonic() - askedAt < AGAIN_MS) return;
      askedAt = clock.monotonic();
      try {
        for (const [key, { from, to }] of wanted) {
          known.set(key, await traffic.past(from, to));
          wanted.delete(key);
        }
        missing = null;
      } catch (error) {
        const { code, what } = faultOf(error, "traffic-unreachable", "the data plane can't be asked for them");
        missing = code === "no-such-request" ? KEEPS_NOTHING_YET : withoutFullStop(what);
        wanted.clear();
      }
      for (const key of known.keys()) if (known.size > MOST_SPANS) known.delete(key);
    },
  };
}
