import type { VisitorSpeed } from "../core/analysis/visitor-shift.ts";
import type { Duration } from "../core/time/time.ts";
import type { RoutingTable } from "../core/traffic/routing.ts";
import { cohortOf, isInCandidate, WHOLE } from "../core/traffic/share.ts";
import type { Visitor } from "./cohort.ts";
import { KeyMemory } from "./key-memory.ts";
import { RouteMeans } from "./route-means.ts";
import type { Side } from "./visitor-counts.ts";

/** Two megabytes of numbers. Who has not come for the longest time is forgotten first. */
const MOST_VISITORS = 50_000;
/** Who is told of at once: a drawn lot of the others, and enough to tell two per cent. All would hold requests up. */
const MOST_TOLD = 10_000;
/** With more requests all of them count for half, so that what a visitor was like long ago fades. */
const MOST_BEFORE = 200;
const SHORTEST_MS: Duration = 0.01;

/** Two versions share the traffic. */
interface Shared {
  readonly release: number;
  readonly candidate: string;
  readonly offset: number;
  readonly share: number;
}

/**
 * How quick the app is for each visitor: on stable while nobody had the candidate, and since the share was given on the
 * version that serves them. What stable's visitors were like at a share before this one is not added to what they were
 * like before: nothing like it is known of the candidate's, and a visitor's side could be told by that. Latencies as logarithms, less what is usual for their route on stable: who looks at other pages than before is
 * not slower by that. Of visitors with a key of their own alone: behind an address there may be many.
 *
 * In memory only, by numbers. A process that takes over from another begins with nobody known.
 */
export class VisitorSpeeds {
  readonly #memory = new KeyMemory(MOST_VISITORS);
  readonly #beforeN = new Float32Array(this.#memory.capacity);
  readonly #beforeSum = new Float64Array(this.#memory.capacity);
  readonly #nowN = new Float32Array(this.#memory.capacity);
  readonly #nowSum = new Float64Array(this.#memory.capacity);
  #stable: string | null = null;
  #routes = new RouteMeans();
  #shared: Shared | null = null;

  /** The candidate's part of the traffic, 0 … 1; null: there are not two versions that have some. */
  get share(): number | null {
    return this.#shared === null ? null : this.#shared.share / WHOLE;
  }

  /** Another table is in force. Answers whether a share begins with it, or ends. */
  follow({ release, offset, stable, candidate, share }: RoutingTable): boolean {
    if ((stable?.version ?? null) !== this.#stable) {
      this.#stable = stable?.version ?? null;
      // Another version, other latencies. Who is slower than others is so with any.
      this.#routes = new RouteMeans();
    }
    const isShared = stable !== null && candidate !== null && share > 0 && share < WHOLE;
    const shared: Shared | null = isShared ? { release, candidate: candidate.version, offset, share } : null;
    if (isSame(shared, this.#shared)) return false;
    this.#shared = shared;
    this.#nowN.fill(0);
    this.#nowSum.fill(0);
    return true;
  }

  /** A request that was answered. */
  add(side: Side, { cohort, key, isKnown }: Visitor, latencyMs: Duration, route: string, second: number): void {
    if (!isKnown) return;
    const ln = Math.log(Math.max(SHORTEST_MS, latencyMs));
    const usual = side === "stable" ? this.#routes.pass(route, ln) : this.#routes.of(route);
    if (usual === null) return;
    const shared = this.#shared;
    if (shared === null) {
      if (side === "stable") this.#addBefore(this.#placeOf(key, second), ln - usual);
      return;
    }
    // It began before the share, or stable stood in for the candidate: not the side that was drawn for the visitor now.
    if (isInCandidate(cohort, shared.offset, shared.share) !== (side === "candidate")) return;
    const place = this.#placeOf(key, second);
    (this.#nowN[place] as number) += 1;
    (this.#nowSum[place] as number) += ln - usual;
  }

  /** Visitors who have come since the share was given. By place, which has to do with no side: the same ones at each look. */
  *visitors(): Iterable<VisitorSpeed> {
    const shared = this.#shared;
    if (shared === null) return;
    let told = 0;
    for (let place = 0; place < this.#memory.capacity && told < MOST_TOLD; place += 1) {
      const n = this.#nowN[place] as number;
      if (n === 0) continue;
      told += 1;
      yield {
        isCandidate: this.#isCandidate(place, shared),
        before: { n: this.#beforeN[place] as number, sum: this.#beforeSum[place] as number },
        now: { n, sum: this.#nowSum[place] as number },
      };
    }
  }

  #isCandidate(place: number, { offset, share }: Shared): boolean {
    return isInCandidate(cohortOf(this.#memory.keyAt(place)), offset, share);
  }

  #addBefore(place: number, ln: number): void {
    (this.#beforeN[place] as number) += 1;
    (this.#beforeSum[place] as number) += ln;
    if ((this.#beforeN[place] as number) <= MOST_BEFORE) return;
    (this.#beforeN[place] as number) /= 2;
    (this.#beforeSum[place] as number) /= 2;
  }

  #placeOf(key: number, second: number): number {
    const known = this.#memory.find(key);
    if (known !== -1) {
      this.#memory.use(known, second);
      return known;
    }
    const place = this.#memory.claim(key, second);
    this.#beforeN[place] = this.#beforeSum[place] = this.#nowN[place] = this.#nowSum[place] = 0;
    return place;
  }
}

function isSame(a: Shared | null, b: Shared | null): boolean {
  if (a === null || b === null) return a === b;
  return a.release === b.release && a.candidate === b.candidate && a.offset === b.offset && a.share === b.share;
}
