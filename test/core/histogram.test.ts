import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import {
  BUCKET_COUNT,
  bucketOf,
  merge,
  quantile,
  quantileOfSum,
  summed,
  upperEdge,
  type Buckets,
} from "../../src/core/analysis/histogram.ts";

function histogramOf(values: readonly number[]): Buckets {
  return merge(...values.map((value) => ({ [bucketOf(value)]: 1 })));
}

describe("latency histogram", () => {
  it("puts every latency between the edges of its bucket, which are 1 % apart", () => {
    fc.assert(
      fc.property(fc.double({ min: 0.01, max: 3_600_000, noNaN: true }), (ms) => {
        const bucket = bucketOf(ms);
        assert.ok(ms <= upperEdge(bucket));
        if (bucket > 0) {
          assert.ok(ms > upperEdge(bucket - 1));
          assert.ok(Math.abs(upperEdge(bucket) / upperEdge(bucket - 1) - 1.01) < 1e-9);
        }
      }),
    );
  });

  it("is exact at every edge: the edge itself belongs to its bucket, anything above to the next", () => {
    for (let bucket = 0; bucket < BUCKET_COUNT - 1; bucket += 1) {
      assert.equal(bucketOf(upperEdge(bucket)), bucket);
      assert.equal(bucketOf(upperEdge(bucket) * (1 + 1e-12)), bucket + 1);
    }
  });

  it("keeps what is out of range in the first and the last bucket", () => {
    for (const ms of [0, -5, Number.NaN]) assert.equal(bucketOf(ms), 0);
    for (const ms of [1e9, Number.POSITIVE_INFINITY]) assert.equal(bucketOf(ms), BUCKET_COUNT - 1);
  });

  it("tells a quantile at most 1 % too high and never too low", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.02, max: 60_000, noNaN: true }), { minLength: 1, maxLength: 200 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (values, q) => {
          const ordered = [...values].sort((a, b) => a - b);
          const exact = ordered[Math.max(1, Math.ceil(q * values.length)) - 1] ?? Number.NaN;
          const told = quantile(histogramOf(values), q) ?? Number.NaN;
          assert.ok(told >= exact && told <= exact * 1.0101, `${told} for ${exact}`);
        },
      ),
    );
  });

  it("knows no quantile of nothing", () => {
    assert.equal(quantile({}, 0.5), null);
    assert.equal(quantile({ 7: 0 }, 0.5), null);
  });

  it("merges in any order to the same counts and leaves its parts alone", () => {
    const a = { 1: 2, 5: 1 };
    const b = { 5: 4 };
    assert.deepEqual(merge(a, b), { 1: 2, 5: 5 });
    assert.deepEqual(merge(b, a), { 1: 2, 5: 5 });
    assert.deepEqual(a, { 1: 2, 5: 1 });
  });

  it("says of counts of all buckets what it says of the few that have any", () => {
    const part = fc.array(fc.double({ min: 0.02, max: 60_000, noNaN: true }), { maxLength: 50 }).map(histogramOf);
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 4 }),
        part,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (parts, onto, q) => {
          const before = summed([onto]);
          const sum = summed(parts, before);
          const sparse = merge(onto, ...parts);
          assert.deepEqual(sparse, Object.fromEntries([...sum.entries()].filter(([, count]) => count > 0)));
          assert.equal(quantileOfSum(sum, q), quantile(sparse, q));
          assert.deepEqual(before, summed([onto]), "what was added to stays as it was");
        },
      ),
    );
  });
});
