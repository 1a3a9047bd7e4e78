import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Outcome } from "../../src/demo/customers/outcome.ts";
import { Tally } from "../../src/demo/customers/tally.ts";

function end(tally: Tally, visitor: number, more: Partial<Outcome>): void {
  tally.end({ number: tally.begin(visitor), visitor, what: "GET /", verdict: "ok", sentAt: 0, tookMs: 1, ...more });
}

describe("the tally", () => {
  it("holds the visitors of a version against all who came while it served", () => {
    const tally = new Tally();
    for (const visitor of [1, 2, 3, 4, 5, 6, 7, 8]) end(tally, visitor, { version: "v1" });
    end(tally, 1, { version: "v2" });
    for (const visitor of [2, 3, 4]) end(tally, visitor, { version: "v1" });
    end(tally, 1, { version: "v2" });
    // These came after version 2 had answered for the last time.
    for (const visitor of [5, 6, 7, 8]) end(tally, visitor, { version: "v1" });

    const { versions } = tally.result();
    assert.deepEqual([versions["v2"]?.visitors, versions["v2"]?.exposedPercent], [1, 25]);
    assert.deepEqual([versions["v1"]?.visitors, versions["v1"]?.exposedPercent], [8, 100]);
  });

  it("remembers when a version began with its last request, in whatever order the answers come", () => {
    const tally = new Tally();
    for (const [sentAt, begunAt] of [
      [100, 103],
      [300, 301],
      [200, 250],
    ] as const)
      end(tally, 1, { version: "v3", sentAt, begunAt });
    const { firstSentAt, lastSentAt, lastBegunAt } = tally.result().versions["v3"] ?? {};
    assert.deepEqual([firstSentAt, lastSentAt, lastBegunAt], [100, 300, 301]);
  });

  it("knows how many requests are under way, and gives each second its own figures", () => {
    const tally = new Tally();
    tally.begin(1);
    end(tally, 2, { version: "v1", verdict: "app-error", tookMs: 40 });
    const first = tally.takeSecond();
    assert.deepEqual([first.requests, first.appErrors, first.inFlight], [1, 1, 1]);
    const p95 = first.versions["v1"]?.p95Ms ?? 0;
    assert.ok(p95 >= 40 && p95 < 41, `${p95} is 40 within 2 %`);
    end(tally, 2, { verdict: "reset" });
    const second = tally.takeSecond();
    assert.deepEqual([second.requests, second.failedRequests, second.versions], [1, 1, {}]);
    assert.deepEqual(second.totals, { requests: 2, failedRequests: 1, appErrors: 1 });
  });
});
