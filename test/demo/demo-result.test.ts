import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { LoadReport } from "../../src/demo/load-report.ts";
import { cutByCrashes, problemsOf } from "../../src/demo/problems.ts";
import { type Played, resultOf, type Showing } from "../../src/demo/result.ts";
import { closingLines } from "../../src/demo/show/summary.ts";
import { ROLLED_BACK, SHIFTING } from "../cli/support/statuses.ts";

const PLAIN = { width: 100, colours: false, unicode: true };
const DECIDED_AT = ROLLED_BACK.rollback?.decidedAtMs ?? 0;

const REPORT: LoadReport = {
  type: "load-finished",
  startedAt: DECIDED_AT - 60_000,
  endedAt: DECIDED_AT + 5_000,
  requests: 16_000,
  failedRequests: 0,
  failures: {},
  firstFailures: [],
  appErrors: 7,
  versions: {
    v3: {
      requests: 120,
      appErrors: 7,
      failedRequests: 0,
      p50Ms: 2,
      p95Ms: 9,
      firstSentAt: DECIDED_AT - 6_000,
      lastSentAt: DECIDED_AT + 10,
      lastBegunAt: DECIDED_AT + 14,
      visitors: 20,
      exposedPercent: 4.05,
    },
  },
  visitors: 4_000,
  orders: { accepted: 1_500, lost: 0, lostIds: [] },
  webSockets: { open: 20, opened: 40, movedOn: 20, dropped: 0 },
  eventStreams: { open: 4, opened: 8, movedOn: 4, dropped: 0 },
  load: { wantedPerSecond: 300, sentPerSecond: 300, latestMs: 20, cpu: 0.1 },
};

const GOOD: Showing = {
  ending: "promoted",
  status: { ...SHIFTING, state: "closed", candidate: { ...SHIFTING.candidate, label: "v2" } },
  fault: null,
  broken: [],
  crashes: null,
};
const BAD: Showing = {
  ending: "rolled-back",
  status: { ...ROLLED_BACK, candidate: { ...ROLLED_BACK.candidate, label: "v3" } },
  fault: null,
  broken: [],
  crashes: null,
};
const PLAYED: Played = { good: GOOD, bad: BAD, report: REPORT, troubles: [] };

function withFailures(count: number, at: number, version?: string): LoadReport {
  const failure = { number: 1, what: "POST /cart", failure: "unmarked" as const, at, detail: "502 cut\n" };
  const seen = { ...failure, ...(version === undefined ? {} : { version }) };
  return {
    ...REPORT,
    failedRequests: count,
    failures: { unmarked: count },
    firstFailures: Array.from({ length: count }, () => seen),
  };
}

describe("the demo's result", () => {
  it("is what was measured, and nothing is wrong with it", () => {
    assert.deepEqual(resultOf(PLAYED), {
      type: "demo-finished",
      good: "promoted",
      bad: "rolled-back",
      requests: 16_000,
      failedRequests: 0,
      appErrors: 7,
      lostOrders: 0,
      rollbackMs: 14,
      exposedPercent: 4.05,
    });
    assert.deepEqual(problemsOf(PLAYED), []);
  });

  it("says null of what nobody measured, and why", () => {
    const unchecked = { accepted: 3, lost: null, lostIds: [], notChecked: "No store was named." };
    const played = { ...PLAYED, report: { ...REPORT, orders: unchecked } };
    assert.equal(resultOf(played).lostOrders, null);
    assert.deepEqual(problemsOf(played), ["The orders were not checked: No store was named."]);

    const uncounted = { ...PLAYED, report: null };
    const { requests, failedRequests, appErrors, lostOrders, rollbackMs, exposedPercent } = resultOf(uncounted);
    assert.deepEqual(
      [requests, failedRequests, appErrors, lostOrders, rollbackMs, exposedPercent],
      [null, null, null, null, null, null],
    );
    assert.match(problemsOf(uncounted).join(), /left no report/);
  });

  it("says nothing of the way back of a version that never had a customer", () => {
    const played = { ...PLAYED, report: { ...REPORT, versions: {} } };
    assert.equal(resultOf(played).rollbackMs, null);
    assert.equal(resultOf(played).exposedPercent, 0);
    assert.match(problemsOf(played).join(), /v3 never answered a customer/);
  });

  it("calls the way back 0 when no request began after the decision", () => {
    const v3 = { ...REPORT.versions["v3"], lastBegunAt: DECIDED_AT - 100 } as LoadReport["versions"][string];
    assert.equal(resultOf({ ...PLAYED, report: { ...REPORT, versions: { v3 } } }).rollbackMs, 0);
  });
});

describe("what should have happened in the demo", () => {
  it("is that v2 goes live and v3 does not", () => {
    const putBack: Showing = { ...GOOD, ending: "rolled-back" };
    assert.match(problemsOf({ ...PLAYED, good: putBack }).join(), /^v2 should have been promoted; it was put back: /);
    assert.match(
      problemsOf({ ...PLAYED, bad: { ...BAD, ending: "promoted" } }).join(),
      /^v3 should have been put back; it was promoted: /,
    );
  });

  it("is that a version that a key broke is put back", () => {
    const broken: Showing = { ...GOOD, broken: ["errors"] };
    assert.deepEqual(problemsOf({ ...PLAYED, good: { ...broken, ending: "rolled-back" } }), []);
    assert.match(
      problemsOf({ ...PLAYED, good: broken }).join(),
      /v2 should have been put back, because a key broke it \(errors\); it was promoted/,
    );
  });

  it("is that no request fails, but those on a process at the moment of its crash by a key", () => {
    const crashes = { from: DECIDED_AT - 2_000, until: DECIDED_AT };
    const good: Showing = { ...GOOD, ending: "rolled-back", broken: ["crash"], crashes };
    const during = { ...PLAYED, good, report: withFailures(2, DECIDED_AT - 1_000) };
    assert.equal(cutByCrashes(during), 2);
    assert.deepEqual(problemsOf(during), []);
    assert.equal(resultOf(during).failedRequests, 2);

    for (const report of [withFailures(2, DECIDED_AT + 1_000), withFailures(2, DECIDED_AT - 1_000, "v1")])
      assert.deepEqual(problemsOf({ ...PLAYED, good, report }), [
        `2 requests failed: unmarked 2; the first was POST /cart${report.firstFailures[0]?.version === "v1" ? " on v1" : ""} (502 cut).`,
      ]);
    assert.equal(problemsOf({ ...PLAYED, report: withFailures(1, DECIDED_AT - 1_000) }).length, 1);
  });

  it("is that every accepted order is in the store", () => {
    const orders = { accepted: 1_500, lost: 1, lostIds: ["order-7"] };
    const played = { ...PLAYED, report: { ...REPORT, orders } };
    assert.match(problemsOf(played).join(), /Of 1 500 accepted orders 1 are not in the store .*: order-7\./);
  });
});

describe("the demo's last words", () => {
  const outcome = (played: Played) => ({
    played,
    result: resultOf(played),
    problems: problemsOf(played),
    tookMs: 58_000,
    kept: null,
  });

  it("say what was served, what became of the versions, who saw it, how fast it went back, and what to do next", () => {
    const lines = closingLines(outcome(PLAYED), PLAIN);
    assert.ok(lines.length <= 9, lines.join("\n"));
    const text = lines.join("\n");
    for (const part of [
      "✔ v2 went live, v3 was put back by itself, and nobody's request was lost. It took 58s.",
      "16 000 requests, 0 failed; 1 500 orders accepted, 0 lost; 40 WebSockets, 0 dropped",
      "4.05% of the visitors: 120 requests in all, 7 answered with an error of its own",
      "14ms from the decision to the last request that v3 began with",
      "tidegate init",
    ])
      assert.ok(text.includes(part), text);
  });

  it("say how many of v3's errors the judge's sentence is about, where those are not all", () => {
    const figures = { candidate: 0.05, stable: 0, limit: 1.5, n: 100, nStable: 2_000, k: 5, windowMs: 10_000 };
    const verdict = { metric: "errors", verdict: "fail", level: "rollback", sentence: "", figures } as const;
    const status = { ...BAD.status!, verdicts: [verdict] };
    const text = closingLines(outcome({ ...PLAYED, bad: { ...BAD, status } }), { ...PLAIN, width: 200 }).join("\n");
    assert.match(text, /7 answered with an error of its own, 5 of them counted in the 10s that decided$/m);
  });

  it("claim nothing that is not so", () => {
    const crashes = { from: DECIDED_AT - 2_000, until: DECIDED_AT };
    const bad: Showing = { ...BAD, broken: ["crash"], crashes };
    const crashed = closingLines(outcome({ ...PLAYED, bad, report: withFailures(2, DECIDED_AT - 1_000) }), PLAIN);
    assert.doesNotMatch(crashed.join("\n"), /nobody's request failed/);
    assert.match(crashed.join("\n"), /2 failed \(2 cut off by the crash\)/);

    const wrong = closingLines(outcome({ ...PLAYED, report: null }), PLAIN);
    assert.match(wrong[0] ?? "", /✖ NOT AS IT SHOULD BE/);
    assert.match(wrong.join("\n"), /wrong +The process that plays the customers left no report/);
  });
});
