import { toleratedFactor } from "../core/analysis/evidence/slow-limit.ts";
import type { Duration } from "../core/time/time.ts";
import type { SecondRow } from "../core/observation.ts";
import type { Counting } from "../core/traffic/counting.ts";
import type { Visitor } from "./cohort.ts";
import { type CounterBits, filterKey } from "./counter-filter.ts";
import { FeatureCounts } from "./feature-counts.ts";
import { KeyMemory } from "./key-memory.ts";
import { LatencyWindow } from "./latency-window.ts";
import { isBad, type Outcome } from "./outcome.ts";
import { SideCounts, type SideFields } from "./side-counts.ts";

/** What a request must bring to be counted by visitors. */
export interface Countable {
  /** null: nobody knows, or nobody asks. */
  readonly visitor: Visitor | null;
  readonly counters: CounterBits;
  /** The release whose counters those are. */
  readonly countedIn: number | undefined;
}

export type Side = "stable" | "candidate";

/**
 * Numbers that are kept of bad visitors, 4 MB of them: with four counters those of 131 072 visitors. Who is forgotten too
 * early counts again before their time, on whichever side they are: with so many bad visitors one more is no evidence.
 */
const MOST_NUMBERS = 2 ** 20;

/** Half of all requests are slower than the median: by so much later than the slow the few who fail are forgotten. */
const FAILED_LATER_SECONDS = 3_600;

/**
 * Counts requests by visitor for the counters of one release. A visitor is a number here, and is in memory only: a process
 * that takes over from another begins with an empty one, so that whoever was bad shortly before may count once more.
 */
export class VisitorCounts {
  readonly counting: Counting;

  readonly #onceSeconds: number;
  readonly #memory: KeyMemory;
  /**
   * By place: for each counter the second in which the visitor was last bad and that counted, 0 for never; then for each
   * side the counters for which they have been bad on it, as bits.
   */
  readonly #known: Uint32Array;
  /** Numbers of a place. */
  readonly #stride: number;
  /** By counter; null: it is about failures. */
  readonly #windows: readonly (LatencyWindow | null)[];
  /** One for all counters that are about the same requests, with the first of them. */
  readonly #distinct: readonly { readonly key: string; readonly window: LatencyWindow; readonly bit: CounterBits }[];
  /** By counter, milliseconds; NaN: not known, or none is needed. */
  readonly #limits: Readonly<Record<Side, Float64Array>>;
  readonly #sides: Readonly<Record<Side, SideCounts>>;
  readonly #features: FeatureCounts;
  #isComparing = false;

  /** `before` has counted on the same stable version, and knows its latencies already. */
  constructor(counting: Counting, before: VisitorCounts | null) {
    const { counters, onceMs } = counting;
    this.counting = counting;
    this.#onceSeconds = Math.ceil(onceMs / 1_000);
    this.#stride = counters.length + 2;
    this.#memory = new KeyMemory(MOST_NUMBERS / (this.#stride + 2));
    this.#known = new Uint32Array(this.#memory.capacity * this.#stride);
    const distinct = new Map<string, { key: string; window: LatencyWindow; bit: CounterBits }>();
    this.#windows = counters.map((counter, index) => {
      if (counter.bad.kind === "failed") return null;
      const key = filterKey(counter);
      const known = distinct.get(key);
      if (known !== undefined) return known.window;
      const learned = before === null ? undefined : before.#distinct.find((each) => each.key === key);
      const window = learned?.window ?? new LatencyWindow();
      distinct.set(key, { key, window, bit: 1 << index });
      return window;
    });
    this.#distinct = [...distinct.values()];
    const unknown = (): Float64Array => new Float64Array(counters.length).fill(Number.NaN);
    this.#limits = { stable: unknown(), candidate: unknown() };
    this.#sides = {
      stable: new SideCounts(counters.length, true),
      candidate: new SideCounts(counters.length, false),
    };
    this.#features = new FeatureCounts(counters);
    this.#setLimits();
  }

  /** Without a candidate there is nothing to compare with: then only what is slow on stable is learned. */
  compare(isOn: boolean): void {
    this.#isComparing = isOn;
    if (isOn) return;
    for (const side of ["stable", "candidate"] as const) {
      this.#sides[side].forget();
      this.#features.forget(side);
    }
  }

  /** Counts a request that ended in the open second. `bucket`: of its latency; −1: it was not answered where it counts. */
  count(side: Side, outcome: Outcome, latencyMs: Duration, bucket: number, request: Countable, second: number): void {
    const { visitor, counters } = request;
    if (request.countedIn !== this.counting.release) return;
    if (side === "stable" && bucket >= 0) {
      for (const { window, bit } of this.#distinct) if ((counters & bit) !== 0) window.add(bucket);
    }
    if (this.#isComparing || this.#features.hasLasting)
      this.#features.count(side, outcome, bucket, counters, this.#isComparing);
    if (!this.#isComparing || visitor === null) return;
    const counts = this.#sides[side];
    const limits = this.#limits[side];
    counts.see(visitor);
    const { key } = visitor;
    let place = key === null ? -1 : this.#memory.find(key);
    for (let counter = 0; counter < limits.length; counter += 1) {
      if ((counters & (1 << counter)) === 0) continue;
      const limit = limits[counter] as number;
      const isAboutFailures = this.#windows[counter] === null;
      if (!isAboutFailures && (bucket < 0 || Number.isNaN(limit))) continue;
      if (place !== -1) {
        const lastAt = this.#known[place * this.#stride + counter] as number;
        if (lastAt !== 0 && second - lastAt < this.#onceSeconds) continue;
      }
      const wasBad = isAboutFailures ? isBad(outcome) : latencyMs > limit;
      counts.count(counter, visitor, wasBad);
      if (!wasBad) continue;
      if (key === null) counts.countNewlyBad(counter);
      else place = this.#remember(counter, place, side, key, second);
    }
  }

  /**
   * So many times as long as stable the candidate may take, as it is asked first of all requests. null: nobody asks how slow it
   * is, or it is not known what stable takes.
   */
  toleratedSlower(): number | null {
    for (const [index, { bad, only }] of this.counting.counters.entries()) {
      if (bad.kind !== "slower" || only !== undefined) continue;
      const limit = this.#limits.stable[index] as number;
      return Number.isNaN(limit) ? null : toleratedFactor(limit, bad.tolerance, bad.leastMs ?? 0);
    }
    return null;
  }

  /** The fields of the row of a version whose second is over. null: nothing is compared. */
  take(side: Side): Partial<SideFields & Pick<SecondRow, "features">> | null {
    if (!this.#isComparing) return this.#features.hasLasting ? this.#features.take(side) : null;
    return {
      ...this.#sides[side].take(this.counting.counters, this.#limits.stable),
      ...this.#features.take(side),
    };
  }

  /** A second begins: with some of them, other limits. */
  begin(second: number): void {
    let isNew = false;
    for (const { window } of this.#distinct) isNew = window.begin(second) || isNew;
    if (isNew) this.#setLimits();
  }

  /** Answers the visitor's place. */
  #remember(counter: number, found: number, side: Side, key: number, second: number): number {
    const rank = this.#windows[counter] === null ? second + FAILED_LATER_SECONDS : second;
    const place = found === -1 ? this.#memory.claim(key, rank) : found;
    const at = place * this.#stride;
    if (found === -1) this.#known.fill(0, at, at + this.#stride);
    else this.#memory.raise(place, rank);
    this.#known[at + counter] = second;
    const badOn = at + this.#stride - (side === "stable" ? 2 : 1);
    const bit = 1 << counter;
    if (((this.#known[badOn] as number) & bit) === 0) this.#sides[side].countNewlyBad(counter);
    (this.#known[badOn] as number) |= bit;
    return place;
  }

  #setLimits(): void {
    for (const [index, { bad }] of this.counting.counters.entries()) {
      if (bad.kind === "failed") continue;
      const limit = this.#windows[index]?.quantile(bad.quantile) ?? Number.NaN;
      this.#limits.stable[index] = limit;
      this.#limits.candidate[index] = Math.max(limit * bad.tolerance, limit + (bad.leastMs ?? 0));
    }
  }
}
