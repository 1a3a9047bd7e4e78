import { BUCKET_COUNT, type Buckets } from "../core/analysis/histogram.ts";
import type { SecondRow } from "../core/observation.ts";
import { DAY, HOUR, type Instant, MINUTE, SECOND } from "../core/time/time.ts";
import type { PastSums, PastTraffic } from "../core/traffic/past-traffic.ts";
import type { Side } from "./visitor-counts.ts";

/** What was counted in one minute, or of older ones in ten. Plain JSON, and lines of it may be added up. */
export interface MinuteSum {
  /** When it began. */
  readonly at: Instant;
  /** Seconds of it in which somebody counted. */
  readonly seconds: number;
  /** Of all versions. */
  readonly requests: number;
  readonly stable?: KeptSums;
  readonly features?: Readonly<Record<string, KeptSums>>;
}

/** Absent is none. */
interface KeptSums {
  readonly requests: number;
  readonly bad?: number;
  readonly opened?: number;
  readonly failed?: number;
  /** Bucket, count, bucket, count: a third of what an object takes. */
  readonly latency?: Uint32Array | readonly number[];
}

/** A day, and what a step may be late. */
const KEPT_BY_MINUTE_MS = 26 * HOUR;
/** A week, and the same. Half hours are asked for, so the sums of ten minutes are fine enough. */
export const KEPT_MS = 7 * DAY + 2 * HOUR;
const OLDER = 10 * MINUTE;

/** So many buckets of 1 % width are kept as one. */
const WIDER = 4;

/** Of more nothing is kept, so that a plan with many of them does not fill the memory. */
const MOST_FEATURES = 5;

/** Sums by minute of what a plane has counted: some 2 600 of them at most, of a kilobyte or less. */
export class MinuteSums {
  /** In the order of time. */
  readonly #sums = new Map<Instant, MinuteSum>();

  /** The sum of what is there already and this. `now`: where older ones are to be kept by ten minutes. */
  add(more: MinuteSum, now: Instant = Number.NEGATIVE_INFINITY): void {
    const at = more.at < now - KEPT_BY_MINUTE_MS ? Math.floor(more.at / OLDER) * OLDER : more.at;
    const known = this.#sums.get(at) ?? { at, seconds: 0, requests: 0 };
    this.#sums.set(at, joined(known, more));
  }

  all(): readonly MinuteSum[] {
    return [...this.#sums.values()];
  }

  /** Makes ten minutes of those that are more than a day old, and forgets those of more than a week. */
  age(now: Instant): void {
    for (const [at, sum] of this.#sums) {
      if (at < now - KEPT_MS) this.#sums.delete(at);
      else if (at < now - KEPT_BY_MINUTE_MS && at % OLDER !== 0) {
        this.#sums.delete(at);
        this.add(sum, now);
      }
    }
  }

  /** All that began from one moment to another. */
  between(from: Instant, to: Instant): PastTraffic {
    const mine = [...this.#sums.values()].filter(({ at }) => at >= from && at < to);
    const names = new Set(mine.flatMap(({ features }) => Object.keys(features ?? {})));
    const seconds = mine.reduce((sum, each) => sum + each.seconds, 0);
    return {
      from,
      to,
      countedMs: Math.min(to - from, seconds * SECOND),
      requests: mine.reduce((sum, { requests }) => sum + requests, 0),
      stable: summed(mine.map(({ stable }) => stable)),
      features: Object.fromEntries(
        [...names].map((name) => [name, summed(mine.map(({ features }) => features?.[name]))]),
      ),
    };
  }
}

/** What a row of a second is for its minute; `side`: the part of its version when the second was over. */
export function sumOf(row: SecondRow, side: Side | null, at: Instant): MinuteSum {
  const { requests, status, latency, webSockets, features = {} } = row;
  const all = { at, seconds: 0, requests };
  // In a second in which a share changes nobody knows who served what.
  if (side !== "stable" || row.mixed) return all;
  const stable = kept({ requests, bad: status.server + status.failed, latency: wider(latency), webSockets });
  const parts = Object.entries(features)
    .slice(0, MOST_FEATURES)
    .map(([name, part]): [string, KeptSums] => [
      name,
      kept({ requests: part.requests, bad: part.bad, latency: wider(part.latency), webSockets: NO_SOCKETS }),
    ]);
  return { ...all, stable, ...(parts.length === 0 ? {} : { features: Object.fromEntries(parts) }) };
}

const NO_SOCKETS: PastSums["webSockets"] = { opened: 0, failed: 0 };

function joined(one: MinuteSum, other: MinuteSum): MinuteSum {
  const names = new Set([...Object.keys(one.features ?? {}), ...Object.keys(other.features ?? {})]);
  const features = [...names].map((name): [string, KeptSums] => [
    name,
    kept(summed([one.features?.[name], other.features?.[name]])),
  ]);
  return {
    at: one.at,
    seconds: one.seconds + other.seconds,
    requests: one.requests + other.requests,
    ...(one.stable === undefined && other.stable === undefined
      ? {}
      : { stable: kept(summed([one.stable, other.stable])) }),
    ...(names.size === 0 ? {} : { features: Object.fromEntries(features) }),
  };
}

function summed(parts: readonly (KeptSums | undefined)[]): PastSums {
  const sum = { requests: 0, bad: 0, opened: 0, failed: 0 };
  const latency: Record<number, number> = {};
  for (const part of parts) {
    if (part === undefined) continue;
    sum.requests += part.requests;
    sum.bad += part.bad ?? 0;
    sum.opened += part.opened ?? 0;
    sum.failed += part.failed ?? 0;
    const pairs = part.latency ?? [];
    for (let index = 0; index + 1 < pairs.length; index += 2) {
      const bucket = pairs[index] ?? 0;
      latency[bucket] = (latency[bucket] ?? 0) + (pairs[index + 1] ?? 0);
    }
  }
  const { requests, bad, opened, failed } = sum;
  return { requests, bad, latency, webSockets: { opened, failed } };
}

function kept({ requests, bad, latency, webSockets: { opened, failed } }: PastSums): KeptSums {
  const pairs = Uint32Array.from(Object.entries(latency).flatMap(([bucket, count]) => [Number(bucket), count]));
  return {
    requests,
    ...(bad === 0 ? {} : { bad }),
    ...(opened === 0 ? {} : { opened }),
    ...(failed === 0 ? {} : { failed }),
    ...(pairs.length === 0 ? {} : { latency: pairs }),
  };
}

/** Each bucket is kept as the last of its four, so that what is above an edge is exact there. */
function wider(latency: Buckets): Buckets {
  const sum: Record<number, number> = {};
  for (const [bucket, count] of Object.entries(latency)) {
    const last = Math.min(BUCKET_COUNT - 1, Math.ceil(Number(bucket) / WIDER) * WIDER);
    sum[last] = (sum[last] ?? 0) + count;
  }
  return sum;
}
