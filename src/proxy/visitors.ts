import { isDeepStrictEqual } from "node:util";
import type { SecondRow } from "../core/observation.ts";
import type { Duration } from "../core/time/time.ts";
import type { RoutingTable } from "../core/traffic/routing.ts";
import type { Outcome } from "./outcome.ts";
import { type Countable, type Side, VisitorCounts } from "./visitor-counts.ts";

/** What is known of visitors for the comparison of versions; nothing, while no table asks for it. */
export class Visitors {
  #counts: VisitorCounts | null = null;
  #stable: string | null = null;

  /** Another table is in force. Counting goes on through its changes of share, and begins anew with another release. */
  follow({ counting, stable, candidate }: RoutingTable, second: number): void {
    const isSameStable = stable?.version === this.#stable;
    this.#stable = stable?.version ?? null;
    if (counting === undefined) {
      this.#counts = null;
      return;
    }
    if (!isSameStable || !isDeepStrictEqual(counting, this.#counts?.counting)) {
      this.#counts = new VisitorCounts(counting, isSameStable ? this.#counts : null);
      this.#counts.begin(second);
    }
    this.#counts?.compare(candidate !== null);
  }

  /** Counts a request that ended in the open second with an answer, or without any. */
  count(
    side: Side | null,
    outcome: Outcome,
    latencyMs: Duration,
    bucket: number,
    request: Countable,
    second: number,
  ): void {
    if (side !== null) this.#counts?.count(side, outcome, latencyMs, bucket, request, second);
  }

  /** Counts a request that was answered elsewhere than where it counts. */
  countUnanswered(side: Side | null, outcome: Outcome, request: Countable, second: number): void {
    if (side !== null) this.#counts?.count(side, outcome, 0, -1, request, second);
  }

  /** What the row of a version gets whose second is over. */
  fieldsOf(side: Side): Partial<SecondRow> | null {
    return this.#counts?.take(side) ?? null;
  }

  begin(second: number): void {
    this.#counts?.begin(second);
  }
}
