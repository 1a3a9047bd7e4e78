import { isDeepStrictEqual } from "node:util";
import {
  FIRST_MOMENT_SECONDS,
  nextMoment,
  type VisitorShift,
  type VisitorSpeed,
  visitorShift,
} from "../core/analysis/evidence/visitor-shift.ts";
import type { SecondRow } from "../core/observation.ts";
import type { Duration } from "../core/time/time.ts";
import { comparedWith, type RoutingTable } from "../core/traffic/routing.ts";
import { isAnswered, type Outcome } from "./outcome.ts";
import { type Countable, type Side, VisitorCounts } from "./visitor-counts.ts";
import { VisitorSpeeds } from "./visitor-speeds.ts";

/** What is known of visitors for the comparison of versions; nothing, while no table asks for it. */
export class Visitors {
  #counts: VisitorCounts | null = null;
  #speeds: VisitorSpeeds | null = null;
  /** What the candidate is compared with: latencies of another are no measure of it. */
  #compared: string | null = null;
  #sharedSince = 0;
  #nextMoment = FIRST_MOMENT_SECONDS;

  /** Another table is in force. Counting goes on through its changes of share, and begins anew with another release. */
  follow(table: RoutingTable, second: number): void {
    const { counting, candidate } = table;
    const compared = comparedWith(table);
    const isSameStable = compared === this.#compared;
    this.#compared = compared;
    if (counting === undefined) {
      this.#counts = null;
      this.#speeds = null;
      return;
    }
    if (!isSameStable || !isDeepStrictEqual(counting, this.#counts?.counting)) {
      this.#counts = new VisitorCounts(counting, isSameStable ? this.#counts : null);
      this.#counts.begin(second);
    }
    this.#counts?.compare(candidate !== null);
    this.#speeds ??= new VisitorSpeeds();
    if (!this.#speeds.follow(table)) return;
    this.#sharedSince = second;
    this.#nextMoment = FIRST_MOMENT_SECONDS;
  }

  /** Counts a request that ended in the open second. `bucket`: of its latency; −1: it was answered elsewhere. */
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

  /** Takes down how long it took, if the app answered it. */
  time(
    side: Side | null,
    outcome: Outcome,
    latencyMs: Duration,
    route: string,
    { visitor }: Countable,
    second: number,
  ): void {
    if (side !== null && visitor !== null && isAnswered(outcome))
      this.#speeds?.add(side, visitor, latencyMs, route, second);
  }

  /** How quick the app has been for each visitor who has come since the share was given. */
  speeds(): Iterable<VisitorSpeed> {
    return this.#speeds?.visitors() ?? [];
  }

  /** What the row of a version gets whose second is over. */
  fieldsOf(side: Side, second: number): Partial<SecondRow> {
    const shift = side === "candidate" ? this.#shiftAt(second) : null;
    return { ...this.#counts?.take(side), ...(shift === null ? {} : { visitors: shift }) };
  }

  begin(second: number): void {
    this.#counts?.begin(second);
  }

  /** At its moments: whether each visitor's own speed has changed. */
  #shiftAt(second: number): VisitorShift | null {
    const share = this.#speeds?.share ?? null;
    const elapsed = second + 1 - this.#sharedSince;
    if (share === null || elapsed < this.#nextMoment) return null;
    const tolerance = this.#counts?.toleratedSlower() ?? null;
    if (tolerance === null) return null;
    while (this.#nextMoment <= elapsed) this.#nextMoment = nextMoment(this.#nextMoment);
    return visitorShift(this.speeds(), share, tolerance);
  }
}
