import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crc32 } from "node:zlib";
import { usualCounting } from "../support/counting.ts";
import { cohortOf, isInCandidate } from "../../src/core/traffic/share.ts";
import type { Counter } from "../../src/core/traffic/counting.ts";
import { CLIENT_GONE, FAILED } from "../../src/proxy/outcome.ts";
import { BOTH, counted } from "./counted-by-hand.ts";

const COUNTING = { counting: usualCounting(7) };
const ALONE = { ...COUNTING, stable: BOTH.stable, candidate: null, share: 0 };
const SHARED = { ...COUNTING, ...BOTH };

const isDrawn = (visitor: string, share = BOTH.share): boolean => isInCandidate(cohortOf(crc32(visitor)), 0, share);
const NAMES = Array.from({ length: 400 }, (_, i) => `visitor ${i}`);
/** Visitors of stable and of the candidate, at half of the traffic. */
const STABLE = NAMES.filter((name) => !isDrawn(name));
const CANDIDATE = NAMES.filter((name) => isDrawn(name));
const [anna = "", bert = ""] = STABLE;
const [carl = ""] = CANDIDATE;

/** A world in which 100 ms are usual on stable. */
function usual(table: Parameters<typeof counted>[0] = ALONE) {
  const world = counted(table);
  for (let i = 0; i < 1_000; i += 1) world.ask("v1", "many", 200, { ms: 100 });
  const speeds = () => [...world.observations.visitors.speeds()];
  /** Of the one visitor with figures of now. */
  const only = () => {
    const [first, ...others] = speeds();
    assert.deepEqual(others, []);
    return first;
  };
  return { ...world, speeds, only };
}

const isNear = (actual: number | undefined, expected: number): void =>
  assert.ok(Math.abs((actual ?? Number.NaN) - expected) < 0.02, `${actual} is not about ${expected}`);

describe("a visitor's speed", () => {
  it("is kept from before the share and since, as logarithms less what is usual on stable", () => {
    const { ask, follow, only } = usual();
    ask("v1", anna, 200, { ms: 200, times: 3 });
    follow(SHARED);
    ask("v1", anna, 200, { ms: 400, times: 2 });
    const speed = only();
    assert.equal(speed?.isCandidate, false);
    assert.equal(speed?.before.n, 3);
    isNear(speed?.before.sum, 3 * Math.log(2));
    assert.equal(speed?.now.n, 2);
    isNear(speed?.now.sum, 2 * Math.log(4));
  });

  it("is the candidate's for those who were drawn for it, against what is usual on stable", () => {
    const { ask, follow, only } = usual();
    ask("v1", carl, 200, { ms: 100 });
    follow(SHARED);
    ask("v2", carl, 200, { ms: 300, times: 500 });
    const speed = only();
    assert.deepEqual([speed?.isCandidate, speed?.before.n, speed?.now.n], [true, 1, 500]);
    isNear((speed?.now.sum ?? 0) / 500, Math.log(3));
  });

  it("is relative to the route: who looks at slow pages is not slow", () => {
    const { ask, follow, only } = usual();
    for (let i = 0; i < 100; i += 1) ask("v1", "many", 200, { ms: 1_000, target: `/report/${i}` });
    follow(SHARED);
    ask("v1", anna, 200, { ms: 1_000, target: "/report/7777" });
    isNear(only()?.now.sum, 0);
  });

  it("of before is of the time before the release gave any share", () => {
    const { ask, follow, only } = usual();
    const still = STABLE.find((name) => !isDrawn(name, 7_000)) ?? "";
    ask("v1", still, 200, { times: 2 });
    follow(SHARED);
    ask("v1", still, 200, { times: 5 });
    follow({ share: 7_000 });
    ask("v1", still, 200, { times: 3 });
    assert.deepEqual([only()?.before.n, only()?.now.n], [2, 3]);
  });

  it("is not told of those who have not come since, nor while the traffic is not shared", () => {
    const { ask, follow, speeds } = usual();
    ask("v1", anna);
    assert.deepEqual(speeds(), []);
    follow(SHARED);
    assert.deepEqual(speeds(), []);
    ask("v1", anna);
    assert.equal(speeds().length, 1);
    follow({ share: 0 });
    ask("v1", anna);
    assert.deepEqual(speeds(), []);
  });

  it("is not made of requests on another side than the visitor's, of unanswered ones, or of many behind an address", () => {
    const { ask, speeds } = usual(SHARED);
    ask("v1", carl);
    ask("v2", bert);
    ask("v1", bert, FAILED);
    ask("v1", bert, CLIENT_GONE);
    ask("v1", bert, 200, { isKnown: false });
    const before = speeds().length;
    ask("v1", bert);
    assert.equal(speeds().length, before + 1);
  });

  it("fades: two hundred requests count, older ones less and less", () => {
    const { ask, follow, only } = usual();
    ask("v1", anna, 200, { ms: 100, times: 500 });
    follow(SHARED);
    ask("v1", anna);
    const n = only()?.before.n ?? 0;
    assert.ok(n > 100 && n <= 200, String(n));
  });

  it("is told of a bounded number of visitors, on either side as many as the share says", () => {
    const { ask, follow, speeds } = usual();
    follow({ ...SHARED, share: 2_000 });
    for (let i = 0; i < 60_000; i += 1) ask(isDrawn(`passer-by ${i}`, 2_000) ? "v2" : "v1", `passer-by ${i}`);
    const told = speeds();
    assert.equal(told.length, 10_000);
    const candidates = told.filter(({ isCandidate }) => isCandidate).length;
    assert.ok(Math.abs(candidates - 2_000) < 160, `${candidates} of 10000`);
  });
});

describe("the candidate's row", () => {
  it("says 10, 15, 22 … seconds after a share whether visitors' own speed has changed, and in no other second", () => {
    const { ask, follow, pass } = usual();
    for (const name of NAMES) ask("v1", name, 200, { ms: 100, times: 5 });
    pass();
    follow(SHARED);
    const told: number[] = [];
    for (let second = 1; second <= 45; second += 1) {
      for (const name of STABLE) ask("v1", name, 200, { ms: 100 });
      for (const name of CANDIDATE) ask("v2", name, 200, { ms: 200 });
      const { v1, v2 } = pass();
      assert.equal(v1?.visitors, undefined);
      const { visitors } = v2 ?? {};
      if (visitors === undefined) continue;
      told.push(second);
      assert.deepEqual([visitors.candidates, visitors.visitors], [CANDIDATE.length, NAMES.length]);
      isNear(visitors.slower ?? undefined, 2);
      assert.ok(visitors.logEvidence > 5, String(visitors.logEvidence));
    }
    assert.deepEqual(told, [10, 15, 22, 32]);
  });

  it("begins again with another share", () => {
    const { ask, follow, pass } = usual();
    pass(10);
    follow(SHARED);
    const told: number[] = [];
    for (let second = 1; second <= 24; second += 1) {
      if (second === 13) follow({ share: 6_000 });
      ask("v2", carl);
      if (pass().v2?.visitors !== undefined) told.push(second);
    }
    assert.deepEqual(told, [10, 22]);
  });

  it("is no evidence where the difference is noise, and waits until it is known what stable takes", () => {
    const noise = (leastMs: number): readonly number[] => {
      const counters = COUNTING.counting.counters.map((counter): Counter =>
        counter.bad.kind === "slower" ? { ...counter, bad: { ...counter.bad, leastMs } } : counter,
      );
      const { ask, pass } = counted({ ...SHARED, counting: { ...COUNTING.counting, counters } });
      const evidence: number[] = [];
      for (let second = 1; second <= 40; second += 1) {
        for (const name of STABLE) ask("v1", name, 200, { ms: 10 });
        for (const name of CANDIDATE) ask("v2", name, 200, { ms: 14 });
        const { visitors } = pass().v2 ?? {};
        if (visitors !== undefined) evidence.push(visitors.logEvidence);
      }
      return evidence;
    };
    assert.ok(noise(25).every((log) => log <= 0));
    assert.ok((noise(1).at(-1) ?? 0) > 5);
    const { ask, pass } = counted(SHARED);
    ask("v2", carl);
    ask("v1", anna);
    assert.equal(pass(30).v2?.visitors, undefined);
  });

  it("says nothing of it where nobody asks how slow the candidate is", () => {
    const { ask, pass } = usual({ ...SHARED, counting: { ...COUNTING.counting, counters: [] } });
    ask("v2", carl);
    pass(30);
    ask("v2", carl);
    assert.equal(pass().v2?.visitors, undefined);
  });
});
