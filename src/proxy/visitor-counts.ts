import type { Duration } from "../core/time/time.ts";
import type { Counting } from "../core/traffic/counting.ts";
import type { Visitor } from "./cohort.ts";
import { type CounterBits, filterKey } from "./counter-filter.ts";
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
 * Visitors that are remembered as bad, over all counters: half a megabyte for each of four. What is forgotten too early
 * counts again before its time, on whichever side it is: with so many bad visitors one more is no evidence. Each counter
 * has a memory of its own, because half of all requests are slower than the median: the many who are slow would push
 * out the few who fail.
 */
const MOST_REMEMBERED = 262_144;

/**
 * Counts requests by visitor for the counters of one release. A visitor is a number here, and is in memory only: a process
 * that takes over from another begins with an empty one, so that whoever was bad shortly before may count once more.
 */
export class VisitorCounts {
  readonly counting: Counting;

  readonly #onceSeconds: number;
  readonly #memories: readonly KeyMemory[];
  /** By counter and place in its memory: on which sides the visitor has been bad. */
  readonly #badOn: readonly Uint8Array[];
  /** By counter; null: it is about failures. */
  readonly #windows: readonly (LatencyWindow | null)[];
  /** One for all counters that are about the same requests, with the first of them. */
  readonly #distinct: readonly { readonly key: string; readonly window: LatencyWindow; readonly bit: CounterBits }[];
  /** By counter, milliseconds; NaN: not known, or none is needed. */
  readonly #limits: Readonly<Record<Side, Float64Array>>;
  readonly #sides: Readonly<Record<Side, SideCounts>>;
  #isComparing = false;

  /** `before` has counted on the same stable version, and knows its latencies already. */
  constructor(counting: Counting, before: VisitorCounts | null) {
    const { counters, onceMs } = counting;
    this.counting = counting;
    this.#onceSeconds = Math.ceil(onceMs / 1_000);
    const most = Math.min(65_536, Math.floor(MOST_REMEMBERED / Math.max(1, counters.length)));
    this.#memories = counters.map(() => new KeyMemory(most));
    this.#badOn = this.#memories.map(({ capacity }) => new Uint8Array(capacity));
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
    this.#setLimits();
  }

  /** Without a candidate there is nothing to compare with: then only what is slow on stable is learned. */
  compare(isOn: boolean): void {
    this.#isComparing = isOn;
    if (isOn) return;
    this.#sides.stable.forget();
    this.#sides.candidate.forget();
  }

  /** Counts a request that ended in the open second. `bucket`: of its latency; −1: it was not answered where it counts. */
  count(side: Side, outcome: Outcome, latencyMs: Duration, bucket: number, request: Countable, second: number): void {
    const { visitor, counters } = request;
    if (request.countedIn !== this.counting.release) return;
    if (side === "stable" && bucket >= 0) {
      for (const { window, bit } of this.#distinct) if ((counters & bit) !== 0) window.add(bucket);
    }
    if (!this.#isComparing || visitor === null) return;
    const counts = this.#sides[side];
    const limits = this.#limits[side];
    counts.see(visitor);
    for (let counter = 0; counter < this.#memories.length; counter += 1) {
      if ((counters & (1 << counter)) === 0) continue;
      const limit = limits[counter] as number;
      const isAboutFailures = this.#windows[counter] === null;
      if (!isAboutFailures && (bucket < 0 || Number.isNaN(limit))) continue;
      const memory = this.#memories[counter] as KeyMemory;
      const place = memory.find(visitor.key);
      if (place !== -1 && second - memory.usedAt(place) < this.#onceSeconds) continue;
      const wasBad = isAboutFailures ? isBad(outcome) : latencyMs > limit;
      counts.count(counter, visitor, wasBad);
      if (wasBad) this.#remember(counter, place, side, visitor.key, second);
    }
  }

  /** The fields of the row of a version whose second is over. null: nothing is compared. */
  take(side: Side): SideFields | null {
    return this.#isComparing ? this.#sides[side].take(this.counting.counters, this.#limits.stable) : null;
  }

  /** A second begins: with some of them, other limits. */
  begin(second: number): void {
    let isNew = false;
    for (const { window } of this.#distinct) isNew = window.begin(second) || isNew;
    if (isNew) this.#setLimits();
  }

  #remember(counter: number, found: number, side: Side, key: number, second: number): void {
    const memory = this.#memories[counter] as KeyMemory;
    const badOn = this.#badOn[counter] as Uint8Array;
    const place = found === -1 ? memory.claim(key, second) : found;
    if (found === -1) badOn[place] = 0;
    else memory.use(place, second);
    const flag = side === "stable" ? 1 : 2;
    if (((badOn[place] as number) & flag) !== 0) return;
    (badOn[place] as number) |= flag;
    this.#sides[side].countNewlyBad(counter);
  }

  #setLimits(): void {
    for (const [index, { bad }] of this.counting.counters.entries()) {
      if (bad.kind === "failed") continue;
      const limit = this.#windows[index]?.quantile(bad.quantile) ?? Number.NaN;
      this.#limits.stable[index] = limit;
      this.#limits.candidate[index] = limit * bad.tolerance;
    }
  }
}
