import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crc32 } from "node:zlib";
import * as fc from "fast-check";
import { bucketOf, upperEdge } from "../../src/core/analysis/histogram.ts";
import type { SecondRow } from "../../src/core/observation.ts";
import type { Counter, Counting } from "../../src/core/traffic/counting.ts";
import { usualCounting } from "../support/counting.ts";
import { countersOf } from "../../src/proxy/counter-filter.ts";
import { KeyMemory } from "../../src/proxy/key-memory.ts";
import { CLIENT_GONE, FAILED, PASSED_ON } from "../../src/proxy/outcome.ts";
import type { RequestHead } from "../../src/proxy/request-head.ts";
import { BOTH, counted } from "./counted-by-hand.ts";
import { backend } from "./plane-under-test.ts";

const ERRORS: Counter = { id: "errors", bad: { kind: "failed" } };
const MEDIAN: Counter = { id: "p50", bad: { kind: "slower", quantile: 0.5, tolerance: 1.15 } };

const counting = (changes: Partial<Counting> = {}): Counting => ({
  release: 7,
  onceMs: 600_000,
  counters: [ERRORS],
  ...changes,
});

const TABLE = { ...BOTH, counting: counting() };

const errorsOf = (row: SecondRow | undefined) => row?.counted?.errors;

describe("a visitor's bad request", () => {
  it("counts once in ten minutes, and until then none of their requests count", () => {
    const { ask, pass } = counted(TABLE);
    ask("v2", "anna", 200, { times: 3 });
    ask("v2", "anna", 500, { times: 4 });
    ask("v2", "anna", 200, { times: 5 });
    assert.deepEqual(errorsOf(pass().v2), { requests: 4, bad: 1, newlyBad: 1 });
    pass(598);
    ask("v2", "anna");
    ask("v2", "bert");
    assert.deepEqual(errorsOf(pass().v2), { requests: 1, bad: 0, newlyBad: 0 });
    ask("v2", "anna", FAILED, { times: 2 });
    assert.deepEqual(
      errorsOf(pass().v2),
      { requests: 1, bad: 1, newlyBad: 0 },
      "after ten minutes, and not for the first time",
    );
  });

  it("keeps the visitor from counting on the other side too", () => {
    const { ask, pass } = counted(TABLE);
    ask("v2", "anna", 500);
    ask("v1", "anna", 500);
    ask("v1", "bert", 200);
    const rows = pass();
    assert.deepEqual(errorsOf(rows.v2), { requests: 1, bad: 1, newlyBad: 1 });
    assert.deepEqual(errorsOf(rows.v1), { requests: 1, bad: 0, newlyBad: 0 });
  });

  it("is the first on either version by itself", () => {
    const { ask, pass } = counted(TABLE);
    ask("v1", "anna", 500);
    pass(600);
    ask("v2", "anna", 500);
    assert.deepEqual(errorsOf(pass(600).v2), { requests: 1, bad: 1, newlyBad: 1 });
    ask("v2", "anna", 500);
    assert.deepEqual(errorsOf(pass().v2), { requests: 1, bad: 1, newlyBad: 0 });
  });

  it("is one that got no answer, a 5xx, or was passed on; not one whose client went away", () => {
    const { ask, pass } = counted(TABLE);
    for (const outcome of [FAILED, 500, 503, PASSED_ON]) ask("v2", `bad ${outcome}`, outcome);
    for (const outcome of [200, 304, 404, CLIENT_GONE]) ask("v2", `good ${outcome}`, outcome);
    const { v2 } = pass();
    assert.deepEqual(errorsOf(v2), { requests: 8, bad: 4, newlyBad: 4 });
    assert.equal((v2?.status.failed ?? 0) + (v2?.status.server ?? 0), 4, "as the row has it");
  });

  it("is forgotten with its release", () => {
    const { ask, pass, follow } = counted(TABLE);
    ask("v2", "anna", 500);
    pass();
    follow({ counting: counting({ release: 8 }) });
    ask("v2", "anna", 500);
    const { v2 } = pass();
    assert.deepEqual(errorsOf(v2), { requests: 1, bad: 1, newlyBad: 1 });
    assert.equal(v2?.newVisitors, 1);
  });

  it("is remembered through another share of the same release", () => {
    const { ask, pass, follow } = counted(TABLE);
    ask("v2", "anna", 500);
    pass();
    follow({ share: 9_000 });
    ask("v2", "anna", 500);
    assert.deepEqual(errorsOf(pass().v2), { requests: 0, bad: 0, newlyBad: 0 });
  });

  it("counts for each counter by itself", () => {
    const { ask, pass } = counted({ ...BOTH, counting: counting({ counters: [ERRORS, { ...ERRORS, id: "again" }] }) });
    ask("v2", "anna", 500, { counters: 0b01 });
    ask("v2", "anna", 500);
    assert.deepEqual(pass().v2?.counted, {
      errors: { requests: 1, bad: 1, newlyBad: 1 },
      again: { requests: 1, bad: 1, newlyBad: 1 },
    });
  });
});

describe("slower than stable", () => {
  const table = { ...BOTH, counting: counting({ counters: [MEDIAN] }) };

  /** Hundred requests of stable, as many of 10 ms as of 20 ms, and the block of ten seconds ends. */
  function withLimit(world = counted(table)) {
    for (let i = 0; i < 50; i += 1) {
      world.ask("v1", `quick ${i}`, 200, { ms: 10 });
      world.ask("v1", `slow ${i}`, 200, { ms: 20 });
    }
    return { ...world, before: world.pass(10) };
  }

  const LIMIT = upperEdge(bucketOf(10));

  it("is not counted before it is known what is slow: no entry, rather than a zero", () => {
    const { before } = withLimit();
    assert.deepEqual(before.v1?.counted, {});
    assert.equal(before.v1?.newVisitors, 100);
  });

  it("is what takes longer than stable's quantile of the minute before, told with the row", () => {
    const { ask, pass } = withLimit();
    ask("v1", "anna", 200, { ms: 10 });
    ask("v1", "bert", 200, { ms: LIMIT + 0.01 });
    assert.deepEqual(pass().v1?.counted, { p50: { requests: 2, bad: 1, newlyBad: 1, limitMs: LIMIT } });
  });

  it("is tolerated on the candidate up to the tolerance", () => {
    const { ask, pass } = withLimit();
    ask("v2", "anna", 200, { ms: LIMIT * 1.15 - 0.01 });
    ask("v2", "bert", 200, { ms: LIMIT * 1.15 + 0.01 });
    assert.deepEqual(pass().v2?.counted, { p50: { requests: 2, bad: 1, newlyBad: 1, limitMs: LIMIT } });
  });

  it("does not change within ten seconds, and follows stable after them", () => {
    const { ask, pass } = withLimit();
    for (let i = 0; i < 400; i += 1) ask("v1", `other ${i}`, 200, { ms: 40 });
    assert.equal(pass(9).v1?.counted?.p50?.limitMs, LIMIT);
    ask("v1", "anna");
    assert.equal(pass().v1?.counted?.p50?.limitMs, LIMIT);
    ask("v1", "bert");
    assert.equal(pass().v1?.counted?.p50?.limitMs, upperEdge(bucketOf(40)));
  });

  it("is not known any more when stable has had too few requests for a minute", () => {
    const { ask, pass } = withLimit();
    pass(51);
    ask("v2", "anna");
    assert.equal(pass().v2?.counted?.p50?.limitMs, LIMIT);
    pass(8);
    ask("v2", "bert");
    assert.deepEqual(pass().v2?.counted, {});
  });

  it("is not what was never answered there", () => {
    const { ask, pass } = withLimit();
    ask("v2", "anna", PASSED_ON, { ms: 3_000 });
    const { v2 } = pass();
    assert.deepEqual(v2?.counted, { p50: { requests: 0, bad: 0, newlyBad: 0, limitMs: LIMIT } });
  });

  it("is known from before the candidate came, and from the release before", () => {
    const { ask, pass, follow } = withLimit(counted({ ...table, candidate: null, share: 0 }));
    follow({ ...table, counting: counting({ release: 8, counters: [MEDIAN] }) });
    ask("v2", "anna");
    assert.deepEqual(pass().v2?.counted, { p50: { requests: 1, bad: 0, newlyBad: 0, limitMs: LIMIT } });
  });

  it("is not judged by the latencies of another version", () => {
    const { ask, pass, follow } = withLimit();
    follow({ stable: backend("v2"), candidate: backend("v3") });
    ask("v3", "anna");
    assert.deepEqual(pass().v3?.counted, {});
  });
});

describe("counters of some requests", () => {
  const head = (method: string, path: string): RequestHead => ({
    method,
    path,
    routeHost: "",
    headers: [],
    hasBody: false,
    isSecure: false,
  });

  it("are those whose method, path and header are as said", () => {
    const only = (filter: NonNullable<Counter["only"]>): Counter => ({
      ...ERRORS,
      id: JSON.stringify(filter),
      only: filter,
    });
    const bits = countersOf(
      counting({
        counters: [
          ERRORS,
          only({ method: "post" }),
          only({ path: "/api/" }),
          only({ method: "POST", path: "/api", header: { name: "X-Plan", value: "gold" } }),
        ],
      }),
    );
    assert.equal(bits?.(head("GET", "/"), {}), 0b0001);
    assert.equal(bits?.(head("POST", "/apis"), {}), 0b0011);
    assert.equal(bits?.(head("GET", "/api"), {}), 0b0101);
    assert.equal(bits?.(head("GET", "/api?x"), { "x-plan": "gold" }), 0b0101);
    assert.equal(bits?.(head("POST", "/api/x"), { "x-plan": "tin" }), 0b0111);
    assert.equal(bits?.(head("POST", "/api/x"), { "x-plan": "gold" }), 0b1111);
    assert.equal(countersOf(counting()), null, "nothing to look at");
    assert.equal(countersOf(undefined), null);
  });

  it("have a limit of their own: of the same requests on stable", () => {
    const cart: Counter = { ...MEDIAN, id: "cart", only: { path: "/cart" } };
    const { ask, pass } = counted({ ...BOTH, counting: counting({ counters: [MEDIAN, cart] }) });
    for (let i = 0; i < 100; i += 1) {
      ask("v1", `home ${i}`, 200, { ms: 10, counters: 0b01, times: 3 });
      ask("v1", `cart ${i}`, 200, { ms: 50, counters: 0b11 });
    }
    pass(10);
    ask("v2", "anna");
    const { v2 } = pass();
    assert.equal(v2?.counted?.p50?.limitMs, upperEdge(bucketOf(10)));
    assert.equal(v2?.counted?.cart?.limitMs, upperEdge(bucketOf(50)));
  });
});

describe("features", () => {
  const CART: Counter = { ...ERRORS, id: "errors:cart", feature: "cart", only: { path: "/cart" } };
  const PAY: Counter = { ...ERRORS, id: "feature:pay", feature: "pay", only: { path: "/pay" } };
  const OF_FEATURES = { ...BOTH, counting: counting({ counters: [ERRORS, CART, { ...CART, id: "p50:cart" }, PAY] }) };

  it("are counted with every request, however bad their visitor was before, with latencies, on both versions", () => {
    const { ask, pass } = counted(OF_FEATURES);
    ask("v2", "anna", 500, { counters: 0b0111, times: 3, ms: 30 });
    ask("v2", "bert", 200, { counters: 0b0111, ms: 40 });
    ask("v2", "carl", 500, { counters: 0b0001, times: 5 });
    ask("v1", "dora", 200, { counters: 0b1001, ms: 20 });
    const { v1, v2 } = pass();
    assert.deepEqual(v2?.features, {
      cart: { requests: 4, bad: 3, latency: { [bucketOf(30)]: 3, [bucketOf(40)]: 1 } },
    });
    assert.equal(v2?.counted?.["errors:cart"]?.bad, 1, "by visitors once");
    assert.deepEqual(v1?.features, { pay: { requests: 1, bad: 0, latency: { [bucketOf(20)]: 1 } } });
    ask("v2", "anna", 200, { counters: 0b0001 });
    assert.equal(pass().v2?.features, undefined, "each second begins with none");
  });

  it("count what never got an answer here as bad, without a latency", () => {
    const { ask, pass } = counted(OF_FEATURES);
    ask("v2", "anna", PASSED_ON, { counters: 0b0011 });
    assert.deepEqual(pass().v2?.features, { cart: { requests: 1, bad: 1, latency: {} } });
  });

  it("that a later release is held against are counted without a candidate too, and none else", () => {
    const counters = [ERRORS, CART, { ...PAY, lasting: true as const }];
    const { ask, pass, follow } = counted({ ...OF_FEATURES, counting: counting({ counters }) });
    ask("v2", "anna", 200, { counters: 0b111 });
    assert.deepEqual(Object.keys(pass().v2?.features ?? {}).toSorted(), ["cart", "pay"]);
    follow({ candidate: null, share: 0, counting: counting({ counters }) });
    pass();
    ask("v1", "anna", 500, { counters: 0b111, ms: 20 });
    const { v1 } = pass();
    assert.deepEqual(v1?.features, { pay: { requests: 1, bad: 1, latency: { [bucketOf(20)]: 1 } } });
    assert.equal(v1?.counted, undefined);
    assert.equal(pass().v1?.features, undefined);
  });

  it("count nothing while there is nobody to compare, nor what began under another release", () => {
    const { ask, pass, follow } = counted(OF_FEATURES);
    ask("v2", "anna", 500, { counters: 0b0011, release: 6 });
    assert.equal(pass().v2?.features, undefined);
    ask("v1", "anna", 500, { counters: 0b0011 });
    follow({ candidate: null, share: 0 });
    ask("v1", "anna", 500, { counters: 0b0011 });
    assert.equal(pass().v1?.features, undefined);
  });
});

describe("new visitors", () => {
  it("are those who had not been seen on the version in this release", () => {
    const { ask, pass } = counted(TABLE);
    ask("v2", "anna", 200, { times: 3 });
    ask("v1", "anna");
    ask("v2", "bert", 500);
    const rows = pass();
    assert.equal(rows.v2?.newVisitors, 2);
    assert.equal(rows.v1?.newVisitors, 1);
    ask("v2", "anna");
    ask("v2", "carl");
    assert.equal(pass().v2?.newVisitors, 1);
  });

  it("are no more told apart when there have been thousands", () => {
    const { ask, pass } = counted(TABLE);
    for (let i = 0; i < 10_000; i += 1) ask("v2", `visitor ${i}`);
    assert.equal(pass().v2?.newVisitors, 4_096);
    ask("v2", "one more");
    assert.equal(pass().v2?.newVisitors, 0);
  });
});

describe("too many bad visitors to remember", () => {
  it("are forgotten in part; those who failed are not, for those who were slow", () => {
    const { ask, pass } = counted({ ...BOTH, counting: counting({ counters: [ERRORS, MEDIAN] }) });
    for (let i = 0; i < 100; i += 1) ask("v1", `quick ${i}`, 200, { ms: 10 });
    pass(10);
    for (let i = 0; i < 1_000; i += 1) ask("v1", `failed ${i}`, 500, { ms: 1 });
    for (let i = 0; i < 1_000; i += 1) ask("v1", `slow ${i}`, 200, { ms: 100 });
    pass();
    for (let i = 0; i < 400_000; i += 1) ask("v1", `other ${i}`, 200, { ms: 100 });
    pass();
    for (let i = 0; i < 1_000; i += 1) ask("v1", `failed ${i}`, 500, { ms: 1 });
    assert.equal(errorsOf(pass().v1)?.requests, 0);
    for (let i = 0; i < 1_000; i += 1) ask("v1", `slow ${i}`, 200, { ms: 100 });
    assert.ok((pass().v1?.counted?.p50?.requests ?? 0) > 500);
  });
});

describe("groups of cohorts", () => {
  it("hold stable's requests that counted, and nothing of the candidate's", () => {
    const { ask, pass } = counted(TABLE);
    for (let i = 0; i < 200; i += 1) ask("v1", `visitor ${i}`, i % 10 === 0 ? 500 : 200, { times: 2 });
    ask("v2", "anna");
    const { v1, v2 } = pass();
    const groups = Object.entries(v1?.cohorts?.errors ?? {});
    assert.ok(groups.length > 10 && groups.every(([group]) => Number(group) >= 0 && Number(group) < 20));
    const sum = (at: 0 | 1): number => groups.reduce((all, [, counts]) => all + counts[at], 0);
    assert.deepEqual([sum(0), sum(1)], [380, 20]);
    assert.deepEqual([v1?.counted?.errors?.requests, v1?.counted?.errors?.bad], [380, 20]);
    assert.equal(v2?.cohorts, undefined);
  });
});

describe("rows have nothing of it", () => {
  const isWithout = (row: SecondRow | undefined): boolean =>
    row !== undefined && !("counted" in row) && !("newVisitors" in row) && !("cohorts" in row);

  it("with a table that does not ask for it", () => {
    const { ask, pass } = counted(BOTH);
    ask("v1", "anna");
    assert.ok(isWithout(pass().v1));
  });

  it("while there is no candidate, nor anything that was counted before", () => {
    const { ask, pass, follow } = counted(TABLE);
    ask("v1", "anna");
    follow({ candidate: null, share: 0 });
    ask("v1", "anna");
    assert.ok(isWithout(pass().v1));
    follow({ ...BOTH });
    ask("v1", "bert");
    assert.equal(errorsOf(pass().v1)?.requests, 1);
  });

  it("of requests that began when another release's counters were in force, or none", () => {
    const { ask, pass } = counted(TABLE);
    ask("v1", "anna", 500, { release: 6 });
    ask("v1", "bert", 500, { release: null });
    ask("v1", "carl", 500);
    assert.deepEqual(errorsOf(pass().v1), { requests: 1, bad: 1, newlyBad: 1 });
  });
});

describe("the memory of keys", () => {
  it("forgets the one of the lowest rank when there is no place left", () => {
    const memory = new KeyMemory(8);
    assert.equal(memory.capacity, 8);
    for (let key = 1; key <= 8; key += 1) memory.claim(key, key);
    memory.raise(memory.find(1), 100);
    memory.raise(memory.find(3), 1);
    assert.equal(memory.keyAt(memory.claim(9, 101)), 9);
    assert.equal(memory.find(2), -1);
    for (const key of [1, 3, 4, 5, 6, 7, 8, 9]) assert.notEqual(memory.find(key), -1, String(key));
    memory.claim(10, 101);
    assert.equal(memory.find(3), -1, "it has not lost rank, nor won any");
  });

  it("never holds more than it may, and loses next to none of half as many", () => {
    const memory = new KeyMemory(50_000);
    assert.equal(memory.capacity, 50_000);
    const keys = Array.from({ length: 25_000 }, (_, i) => crc32(`visitor ${i}`) | 0);
    for (const key of keys) if (memory.find(key) === -1) memory.claim(key, 1);
    const known = keys.filter((key) => memory.find(key) !== -1).length;
    assert.ok(known > 24_000, `${known} of 25000`);
  });
});

it("always: newly bad ≤ bad ≤ counted ≤ requests, and groups add up to what was counted", () => {
  const request = fc.record({
    version: fc.constantFrom("v1", "v2"),
    visitor: fc.integer({ min: 0, max: 12 }).map((number) => `visitor ${number}`),
    outcome: fc.constantFrom(200, 200, 200, 404, 500, CLIENT_GONE, FAILED, PASSED_ON),
    ms: fc.integer({ min: 1, max: 100 }),
    passSeconds: fc.constantFrom(0, 0, 0, 1, 10, 300),
  });
  fc.assert(
    fc.property(fc.array(request, { maxLength: 400 }), (requests) => {
      const { ask, pass } = counted({ ...BOTH, counting: usualCounting(7) });
      const rows: SecondRow[] = [];
      for (const { version, visitor, outcome, ms, passSeconds } of requests) {
        ask(version, visitor, outcome, { ms });
        if (passSeconds > 0) rows.push(...Object.values(pass(passSeconds)));
      }
      rows.push(...Object.values(pass()));
      for (const { requests, counted, cohorts, version } of rows) {
        for (const [id, each] of Object.entries(counted ?? {})) {
          assert.ok(each.newlyBad <= each.bad && each.bad <= each.requests && each.requests <= requests);
          if (version !== "v1") continue;
          const groups = Object.values(cohorts?.[id] ?? {});
          assert.equal(
            groups.reduce((sum, [count]) => sum + count, 0),
            each.requests,
          );
          assert.equal(
            groups.reduce((sum, [, bad]) => sum + bad, 0),
            each.bad,
          );
        }
      }
    }),
    { numRuns: 100 },
  );
});
