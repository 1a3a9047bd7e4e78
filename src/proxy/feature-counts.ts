import type { FeatureRow, SecondRow } from "../core/observation.ts";
import type { Counter } from "../core/traffic/counting.ts";
import type { CounterBits } from "./counter-filter.ts";
import { isBad, type Outcome } from "./outcome.ts";
import type { Side } from "./visitor-counts.ts";

interface OpenFeature {
  readonly name: string;
  /** Of one of the counters that are about its requests. */
  readonly bit: CounterBits;
  requests: number;
  bad: number;
  latency: Record<number, number>;
}

/** Counts the requests of features, every one of them, in the second that is open. */
export class FeatureCounts {
  readonly #open: Readonly<Record<Side, readonly OpenFeature[]>>;

  constructor(counters: readonly Counter[]) {
    const features = (): readonly OpenFeature[] => {
      const bits = new Map<string, CounterBits>();
      for (const [index, { feature }] of counters.entries())
        if (feature !== undefined && !bits.has(feature)) bits.set(feature, 1 << index);
      return [...bits].map(([name, bit]) => ({ name, bit, requests: 0, bad: 0, latency: {} }));
    };
    this.#open = { stable: features(), candidate: features() };
  }

  /** `bucket`: of its latency; −1: it was not answered where it counts. */
  count(side: Side, outcome: Outcome, bucket: number, counters: CounterBits): void {
    for (const feature of this.#open[side]) {
      if ((counters & feature.bit) === 0) continue;
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
