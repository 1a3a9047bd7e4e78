import type { SecondRow } from "../core/observation.ts";
import { COHORT_GROUPS, type Counter, groupOf } from "../core/traffic/counting.ts";
import type { Visitor } from "./cohort.ts";

/** New visitors of a version that are told apart. Whoever asks wants to know whether there are dozens. */
const MOST_SEEN = 4_096;

export type SideFields = Pick<SecondRow, "counted" | "newVisitors" | "cohorts">;

/** What the counters have counted of one version in the second that is open, and who has been seen on it in the release. */
export class SideCounts {
  readonly #requests: Uint32Array;
  readonly #bad: Uint32Array;
  readonly #newlyBad: Uint32Array;
  /** By counter and group: requests, bad. null: this side's groups are not asked for. */
  readonly #groups: Uint32Array | null;
  readonly #seen = new Set<number>();
  #newVisitors = 0;

  constructor(counters: number, hasGroups: boolean) {
    this.#requests = new Uint32Array(counters);
    this.#bad = new Uint32Array(counters);
    this.#newlyBad = new Uint32Array(counters);
    this.#groups = hasGroups ? new Uint32Array(counters * COHORT_GROUPS * 2) : null;
  }

  see({ key }: Visitor): void {
    if (key !== null) {
      if (this.#seen.size >= MOST_SEEN || this.#seen.has(key)) return;
      this.#seen.add(key);
    }
    this.#newVisitors += 1;
  }

  count(counter: number, { cohort }: Visitor, isBad: boolean): void {
    (this.#requests[counter] as number) += 1;
    if (isBad) (this.#bad[counter] as number) += 1;
    if (this.#groups === null) return;
    const at = (counter * COHORT_GROUPS + groupOf(cohort)) * 2;
    (this.#groups[at] as number) += 1;
    if (isBad) (this.#groups[at + 1] as number) += 1;
  }

  countNewlyBad(counter: number): void {
    (this.#newlyBad[counter] as number) += 1;
  }

  /** What the row of the second gets; then all counts are back at none. `limits`: NaN for a counter that did not count. */
  take(counters: readonly Counter[], limits: Float64Array): SideFields {
    const told = counters.flatMap(({ id, bad }, index) =>
      bad.kind === "slower" && Number.isNaN(limits[index]) ? [] : [{ id, bad, index }],
    );
    const fields: SideFields = {
      counted: Object.fromEntries(
        told.map(({ id, bad, index }) => [
          id,
          {
            requests: this.#requests[index] as number,
            bad: this.#bad[index] as number,
            newlyBad: this.#newlyBad[index] as number,
            ...(bad.kind === "slower" ? { limitMs: limits[index] as number } : {}),
          },
        ]),
      ),
      newVisitors: this.#newVisitors,
      ...(this.#groups === null
        ? {}
        : { cohorts: Object.fromEntries(told.map(({ id, index }) => [id, this.#groupsOf(index)])) }),
    };
    this.forget();
    return fields;
  }

  /** Drops the counts of the open second, and knows who was seen. */
  forget(): void {
    this.#newVisitors = 0;
    for (const counts of [this.#requests, this.#bad, this.#newlyBad, this.#groups]) counts?.fill(0);
  }

  #groupsOf(counter: number): Record<number, readonly [number, number]> {
    const groups: Record<number, readonly [number, number]> = {};
    for (let group = 0; group < COHORT_GROUPS; group += 1) {
      const at = (counter * COHORT_GROUPS + group) * 2;
      const requests = this.#groups?.[at] ?? 0;
      if (requests > 0) groups[group] = [requests, this.#groups?.[at + 1] ?? 0];
    }
    return groups;
  }
}
