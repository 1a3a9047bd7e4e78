import { ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { createRandom, type Random } from "../../../src/core/analysis/statistics/random.ts";
import {
  shiftEvidence,
  shiftMoments,
  visitorShift,
  type VisitorSpeed,
} from "../../../src/core/analysis/evidence/visitor-shift.ts";

const PLANNED = 20 * 60;
const MOMENTS = shiftMoments(PLANNED);

describe("the change of each visitor's own speed", () => {
  it("finds a candidate that is 30 % slower at 100 requests a second in most steps of 20 minutes", () => {
    const caught = seeds(20).filter((seed) => run({ seed, slower: 1.3 }) !== null);
    ok(caught.length >= 18, `${caught.length} of 20`);
  });

  it("finds one that is twice as slow without having known anybody before", () => {
    const caught = seeds(20).filter((seed) => run({ seed, slower: 2, before: 0 }) !== null);
    ok(caught.length >= 19, `${caught.length} of 20`);
  });

  it("rolls back no healthy one of forty, nor one that is as much slower as is tolerated", () => {
    for (const slower of [1, 1.15]) {
      const caught = seeds(40).filter((seed) => run({ seed, slower }) !== null);
      ok(caught.length <= 1, `${caught.length} of 40 at ${slower}`);
    }
  });

  it("has a mean of at most 1 at each moment when versions make no difference, whoever the visitors are", () => {
    const random = createRandom(7);
    const visitors = Array.from({ length: 60 }, () => ({
      before: { n: 3, sum: 3 * 4 * random.next() },
      now: { n: 2, sum: 2 * 8 * random.next() ** 4 },
    }));
    let sum = 0;
    const tries = 4_000;
    for (let i = 0; i < tries; i += 1) {
      const speeds = visitors.map((visitor) => ({ ...visitor, isCandidate: random.next() < 0.2 }));
      sum += Math.exp(visitorShift(speeds, 0.2, 1).logEvidence);
    }
    ok(sum / tries < 1.1, `mean ${sum / tries}`);
  });

  it("says nothing of nobody", () => {
    ok(visitorShift([], 0.05, 1).logEvidence === 0);
    ok(shiftEvidence([], 5) === Number.NEGATIVE_INFINITY);
  });
});

interface Run {
  readonly seed: number;
  readonly slower: number;
  /** Requests of each visitor before the release, on the average. */
  readonly before?: number;
}

/** The moment at which the evidence was enough, or null. */
function run({ seed, slower, before = 30 }: Run): number | null {
  const random = createRandom(seed);
  const share = 0.05;
  const visitors = Array.from({ length: 4_000 }, () => ({
    isCandidate: random.next() < share,
    speed: random.normal(),
    activity: Math.exp(random.normal() - 0.5),
    before: { n: 0, sum: 0 },
    now: { n: 0, sum: 0 },
  }));
  for (const visitor of visitors) add(visitor.before, random.poisson(before * visitor.activity), visitor.speed, random);
  const found: number[] = [];
  let from = 0;
  for (const at of MOMENTS) {
    for (const visitor of visitors) {
      const requests = random.poisson((((at - from) * 100) / visitors.length) * visitor.activity);
      add(visitor.now, requests, visitor.speed + (visitor.isCandidate ? Math.log(slower) : 0), random);
    }
    from = at;
    found.push(visitorShift(visitors satisfies readonly VisitorSpeed[], share, 1.15).logEvidence);
    if (shiftEvidence(found, MOMENTS.length) >= Math.log(100)) return at;
  }
  return null;
}

function add(into: { n: number; sum: number }, requests: number, mean: number, random: Random): void {
  if (requests === 0) return;
  into.n += requests;
  into.sum += requests * mean + Math.sqrt(requests) * 0.7 * random.normal();
}

function seeds(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}
