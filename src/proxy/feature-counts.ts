import type { FeatureRow, SecondRow } from "../core/observation.ts";
import type { Counter } from "../core/traffic/counting.ts";
import type { CounterBits } from "./counter-filter.ts";
import { isBad, type Outcome } from "./outcome.ts";
import type { Side } from "./visitor-counts.ts";

interface OpenFeature {
  readonly name: string;
  /** Of one of the counters that are about its requests. */
  readonly bit: CounterBits;
  /** Whoever serves. */
  readonly isLasting: boolean;
  requests: number;
  bad: number;
  latency: Record<number, number>;
}

/** Counts the requests of features, every one of them, in the second that is open. */
export class FeatureCounts {
  /** Some are counted without a candidate too. */
  readonly hasLasting: boolean;
  readonly #open: Readonly<Record<Side, readonly OpenFeature[]>>;

  constructor(counters: readonly Counter[]) {
    const features = (): readonly OpenFeature[] => {
      const found = new Map<string, OpenFeature>();
      // Those first that are remembered, and of which there may be but a few.
      for (const isLasting of [true, false])
        for (const [index, { feature: name, lasting = false }] of counters.entries())
          if (name !== undefined && lasting === isLasting && !found.has(name))
            found.set(name, { name, bit: 1 << index, isLasting, requests: 0, bad: 0, latency: {} });
      return [...found.values()];
    };
    this.#open = { stable: features(), candidate: features() };
    this.hasLasting = this.#open.stable.some(({ isLasting }) => isLasting);
  }

  /** `bucket`: of its latency; −1: it was not answered where it counts. `isComparing`: there is a candidate. */
  count(side: Side, outcome: Outcome, bucket: number, counters: CounterBits, isComparing: boolean): void {
    for (const feature of this.#open[side]) {
      if ((counters & feature.bit) === 0 || !(isComparing || feature.isLasting)) continue;
      feature.requests += 1;
      if (isBad(outcome)) feature.bad += 1;
      if (bucket >= 0) feature.latency[bucket] = (feature.latency[bucket] ?? 0) + 1;
    }
  }

  /** What the row of the second gets; then all counts are back at none. */
  take(side: Side): Pick<SecondRow, "features"> {
    const asked = this.#open[side].filter(({ requests }) => requests > 0);
    if (asked.length === 0) return {};
    const features = asked.map(({ name, requests, bad, latency }): [string, FeatureRow] => [
      name,
      { requests, bad, latency },
    ]);
    this.forget(side);
    return { features: Object.fromEntries(features) };
  }

  /** Drops the counts of the open second. */
  forget(side: Side): void {
    for (const feature of this.#open[side]) {
      feature.requests = 0;
      feature.bad = 0;
      feature.latency = {};
    }
  }
}
