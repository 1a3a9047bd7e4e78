import type { VisitorSpeed } from "../core/analysis/evidence/visitor-shift.ts";
import type { Duration } from "../core/time/time.ts";
import type { RoutingTable } from "../core/traffic/routing.ts";
import { type Cohort, cohortOf, isInCandidate, isInTwin, twinShare, WHOLE } from "../core/traffic/share.ts";
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
const BEFORE_N = 0;
const BEFORE_SUM = 1;
const NOW_N = 2;
const NOW_SUM = 3;
const FIGURES = 4;

const SHORTEST_MS: Duration = 0.01;

/** Two versions share the traffic. */
interface Shared {
  readonly release: number;
  readonly candidate: string;
  readonly offset: number;
  readonly share: number;
  /** Of the twin, which takes stable's place then. null: there is none. */
  readonly twinShare: number | null;
}

/**
 * How quick the app is for each visitor: on stable while nobody had the candidate, and since the share was given on the
 * version that serves them. What stable's visitors were like at a share before this one is not added to what they were
 * like before: nothing like it is known of the candidate's, and a visitor's side could be told by that. Latencies as
 * logarithms, less what is usual for their route on stable: who looks at other pages than before is not slower by that. Of
 * visitors with a key of their own alone: behind an address there may be many.
 *
 * In memory only, by numbers. A process that takes over from another begins with nobody known.
 */
export class VisitorSpeeds {
  readonly #memory = new KeyMemory(MOST_VISITORS);
  /** By place: BEFORE_N … NOW_SUM. Side by side, because one look into memory is what a request pays for most. */
  readonly #figures = new Float64Array(this.#memory.capacity * FIGURES);
  #stable: string | null = null;
  #routes = new RouteMeans();
  #shared: Shared | null = null;

  /** The candidate's part of what is compared, 0 … 1; null: there are not two versions that have some. */
  get share(): number | null {
    if (this.#shared === null) return null;
    const { share, twinShare: besides } = this.#shared;
    return share / (besides === null ? WHOLE : share + besides);
  }

  /** Another table is in force. Answers whether a share begins with it, or ends. */
  follow({ release, offset, stable, candidate, twin, share }: RoutingTable): boolean {
    if ((stable?.version ?? null) !== this.#stable) {
      this.#stable = stable?.version ?? null;
      // Another version, other latencies. Who is slower than others is so with any.
      this.#routes = new RouteMeans();
    }
    const isShared = stable !== null && candidate !== null && share > 0 && share < WHOLE;
    const shared: Shared | null = isShared
      ? {
          release,
          candidate: candidate.version,
          offset,
          share,
          twinShare: twin === undefined ? null : twinShare(share),
        }
      : null;
    if (isSame(shared, this.#shared)) return false;
    this.#shared = shared;
    for (let at = 0; at < this.#figures.length; at += FIGURES) {
      this.#figures[at + NOW_N] = 0;
      this.#figures[at + NOW_SUM] = 0;
    }
    return true;
  }

  /** A request that was answered. */
  add(side: Side, { cohort, key, isKnown }: Visitor, latencyMs: Duration, route: string, second: number): void {
    if (key === null || !isKnown) return;
    const ln = Math.log(Math.max(SHORTEST_MS, latencyMs));
    const usual = side === "stable" ? this.#routes.pass(route, ln) : this.#routes.of(route);
    if (usual === null) return;
    const shared = this.#shared;
    if (shared === null) {
      if (side === "stable") this.#addBefore(this.#figuresOf(key, second), ln - usual);
      return;
    }
    // It began before the share, or stable stood in for the candidate: not the side that was drawn for the visitor now.
    if (sideOf(cohort, shared) !== side) return;
    const at = this.#figuresOf(key, second);
    (this.#figures[at + NOW_N] as number) += 1;
    (this.#figures[at + NOW_SUM] as number) += ln - usual;
  }

  /** Visitors who have come since the share was given. By place, which has to do with no side: the same ones at each look. */
  *visitors(): Iterable<VisitorSpeed> {
    const shared = this.#shared;
    if (shared === null) return;
    const figures = this.#figures;
    const of = (n: number, sum: number): VisitorSpeed["now"] => ({
      n: figures[n] as number,
      sum: figures[sum] as number,
    });
    let told = 0;
    for (let place = 0; place < this.#memory.capacity && told < MOST_TOLD; place += 1) {
      const at = place * FIGURES;
      if (figures[at + NOW_N] === 0) continue;
      told += 1;
      yield {
        isCandidate: sideOf(cohortOf(this.#memory.keyAt(place)), shared) === "candidate",
        before: of(at + BEFORE_N, at + BEFORE_SUM),
        now: of(at + NOW_N, at + NOW_SUM),
      };
    }
  }

  #addBefore(at: number, ln: number): void {
    const figures = this.#figures;
    (figures[at + BEFORE_N] as number) += 1;
    (figures[at + BEFORE_SUM] as number) += ln;
    if ((figures[at + BEFORE_N] as number) <= MOST_BEFORE) return;
    (figures[at + BEFORE_N] as number) /= 2;
    (figures[at + BEFORE_SUM] as number) /= 2;
  }

  /** Where the figures of a visitor begin. */
  #figuresOf(key: number, second: number): number {
    const known = this.#memory.find(key);
    if (known !== -1) {
      this.#memory.raise(known, second);
      return known * FIGURES;
    }
    const at = this.#memory.claim(key, second) * FIGURES;
    this.#figures.fill(0, at, at + FIGURES);
    return at;
  }
}

function isSame(a: Shared | null, b: Shared | null): boolean {
  if (a === null || b === null) return a === b;
  return (
    a.release === b.release &&
    a.candidate === b.candidate &&
    a.offset === b.offset &&
    a.share === b.share &&
    a.twinShare === b.twinShare
  );
}

/** The side that is drawn for a cohort; null: it is not among those that are compared. */
function sideOf(cohort: Cohort, { offset, share, twinShare: besides }: Shared): Side | null {
  if (isInCandidate(cohort, offset, share)) return "candidate";
  return besides === null || isInTwin(cohort, offset, share) ? "stable" : null;
}
