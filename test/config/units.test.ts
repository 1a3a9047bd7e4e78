import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { type Metric, METRICS } from "../../src/core/plan/guard.ts";
import { parseLimit } from "../../src/core/plan/limit.ts";
import { editDistance, nearest } from "../../src/core/text/nearest.ts";
import { formatShare } from "../../src/core/traffic/share.ts";
import { parseBytes, parseDuration, parsePercent, parseShare, spellDuration } from "../../src/core/text/units.ts";

function valueOf<T>(result: { ok: true; value: T } | { ok: false; what: string }): T | string {
  return result.ok ? result.value : result.what;
}

describe("A duration", () => {
  it("is read back as it is spelled", () => {
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 45 }), (ms) => {
        assert.deepEqual(parseDuration(spellDuration(ms)), { ok: true, value: ms });
      }),
    );
  });

  it("has any of the units, and several together", () => {
    const written = ["500ms", "30s", "5m", "2h", "3d", "1w", "1h30m", "1h 30m", "1.5h", " 2m "];
    assert.deepEqual(
      written.map((text) => valueOf(parseDuration(text))),
      [500, 30_000, 300_000, 7_200_000, 259_200_000, 604_800_000, 5_400_000, 5_400_000, 5_400_000, 120_000],
    );
  });

  it("is never guessed at", () => {
    for (const text of ["", "30", "-5s", "5 parsecs", "1h,30m", "m5", "1e3s", "5S", "٣s", "10:30"])
      assert.equal(parseDuration(text).ok, false, text);
  });

  it("in words is told with its short form", () => {
    assert.deepEqual(parseDuration("5 min"), { ok: false, what: "`5 min` is not a duration.", fix: "Write `5m`." });
  });
});

describe("A share", () => {
  it("is read back as it is shown", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10_000 }), (share) => {
        assert.deepEqual(parseShare(formatShare(share)), { ok: true, value: share });
      }),
    );
  });

  it("goes in hundredths of a percent, up to all of it", () => {
    assert.equal(valueOf(parseShare("0.07%")), 7);
    assert.equal(valueOf(parseShare("5 %")), 500);
    assert.equal(valueOf(parseShare("100.01%")), "`100.01%` is more than all of the traffic.");
    assert.equal(valueOf(parseShare("0.001%")), "`0.001%` is finer than traffic can be split.");
    assert.equal(valueOf(parseShare("0.05")), "`0.05` has no unit.");
    assert.equal(valueOf(parsePercent("-1%")), "`-1%` is not a share.");
  });
});

describe("An amount of bytes", () => {
  it("has its unit", () => {
    const read = ["10 GB", "10gb", "2 GiB", "1.5 KB", "7 B"].map((text) => valueOf(parseBytes(text)));
    assert.deepEqual(read, [1e10, 1e10, 2 ** 31, 1_500, 7]);
    assert.equal(parseBytes("10").ok, false);
    assert.equal(parseBytes("10 GBit").ok, false);
  });
});

describe("A limit", () => {
  const limit = (metric: Metric, written: string | number): unknown => valueOf(parseLimit(metric, written));

  it("is absolute in the unit of its metric", () => {
    assert.deepEqual(limit("errors", "0.5%"), { kind: "absolute", value: 0.005 });
    assert.deepEqual(limit("p95", "3s"), { kind: "absolute", value: 3_000 });
    assert.deepEqual(limit("cpu", "150%"), { kind: "absolute", value: 1.5 });
    assert.deepEqual(limit("restarts", 2), { kind: "absolute", value: 2 });
    assert.deepEqual(limit("restarts", 0), { kind: "absolute", value: 0 });
  });

  it("or compares with stable", () => {
    assert.deepEqual(limit("errors", "1.5x"), { kind: "relative", factor: 1.5 });
    assert.deepEqual(limit("availability", "0.99x"), { kind: "relative", factor: 0.99 });
  });

  it("or is absolute with its sign", () => {
    assert.deepEqual(limit("errors", "> 1%"), { kind: "plain", value: 0.01 });
    assert.deepEqual(limit("p99", ">=800ms"), { kind: "plain", value: 800 });
    assert.deepEqual(limit("availability", "< 99.9%"), { kind: "plain", value: 0.999 });
  });

  it("or is how memory grows", () => {
    assert.deepEqual(limit("memory", "+2%/h"), { kind: "growth", value: 0.02 });
    assert.deepEqual(limit("memory", "0.5% / hour"), { kind: "growth", value: 0.005 });
    assert.equal(limit("memory", "+0%/h"), "`+0%/h` would fail a version that does not grow at all.");
    assert.equal(
      limit("cpu", "+2%/h"),
      "`+2%/h` is how fast something grows, which is looked at of memory alone: all else follows the traffic.",
    );
  });

  it("that a version as good as stable would break is refused for every metric", () => {
    for (const metric of Object.keys(METRICS) as Metric[]) {
      assert.equal(parseLimit(metric, "1x").ok, false, metric);
      assert.equal(parseLimit(metric, "-2x").ok, false, metric);
    }
  });

  it("that can never be reached is refused", () => {
    assert.equal(limit("errors", "101%"), "`101%` is never reached: errors can't be more than 100%.");
    assert.equal(limit("errors", "0%"), "No number of requests can show that errors are never above 0%.");
    assert.equal(limit("errors", "100%"), "`100%` is never broken by errors.");
    assert.equal(
      limit("availability", "100%"),
      "No number of requests can show that availability is never below 100%.",
    );
    assert.deepEqual(limit("errors", "> 0%"), { kind: "plain", value: 0 });
    assert.equal(limit("errors", "> 100%"), "`> 100%` is never broken by errors.");
    assert.equal(limit("availability", "< 0%"), "`< 0%` is never broken by availability.");
  });

  it("that every answer breaks is refused", () => {
    assert.equal(limit("p95", "0ms"), "`0ms` is broken by every answer.");
    assert.equal(limit("p50", "> 0s"), "`0s` is broken by every answer.");
  });
});

describe("The nearest word", () => {
  it("is what was most likely meant", () => {
    assert.equal(nearest("replica", ["route", "replicas", "health"]), "replicas");
    assert.equal(nearest("fro", ["for", "name"]), "for");
    assert.equal(nearest("SHIFT", ["shift"]), "shift");
    assert.equal(nearest("colour", ["guards", "people"]), undefined);
    assert.equal(nearest("", ["a"]), "a");
  });

  it("is measured as distances are: none to itself, the same both ways, never above the longer word", () => {
    const word = fc.string({ maxLength: 12 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        const distance = editDistance(a, b);
        assert.equal(distance, editDistance(b, a));
        assert.equal(distance === 0, a === b);
        assert.ok(distance <= Math.max(a.length, b.length));
      }),
    );
  });
});
