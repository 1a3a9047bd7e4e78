import { deepEqual, equal, match } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { bucketOf } from "../../src/core/analysis/histogram.ts";
import { FRESH_JUDGE, judge, type JudgeState } from "../../src/core/analysis/judge.ts";
import type { Look } from "../../src/core/analysis/look.ts";
import type { Guard, Verdict } from "../../src/core/plan/guard.ts";
import type { InstanceSeen, SecondRow } from "../../src/core/observation.ts";

const ERRORS: Guard = {
  metric: "errors",
  limits: { warn: [{ kind: "absolute", value: 0.005 }], rollback: [{ kind: "absolute", value: 0.01 }] },
  windowMs: 60_000,
  minRequests: 100,
  minEvents: 3,
  breaches: 3,
};
const P95: Guard = { ...ERRORS, metric: "p95", limits: { rollback: [{ kind: "relative", factor: 2 }] } };
const RESTARTS: Guard = {
  ...ERRORS,
  metric: "restarts",
  limits: { rollback: [{ kind: "absolute", value: 2 }] },
  breaches: 1,
};

function row(second: number, version: string, requests: number, bad = 0, ms = 20): SecondRow {
  return {
    second,
    version,
    requests,
    status: { ok: requests - bad, redirect: 0, client: 0, server: bad, failed: 0 },
    latency: requests === 0 ? {} : { [bucketOf(ms)]: requests },
    webSockets: { opened: 0, failed: 0 },
    worst: [],
    mixed: false,
  };
}

/** Seconds 1 … n with the same figures for both versions. */
function rows(
  n: number,
  candidate: readonly [requests: number, bad: number, ms?: number],
  stable: readonly [requests: number, bad: number, ms?: number],
): SecondRow[] {
  return Array.from({ length: n }, (_, index) => [
    row(index + 1, "v2", ...candidate),
    row(index + 1, "v1", ...stable),
  ]).flat();
}

function look(guards: readonly Guard[], seen: readonly SecondRow[], more: Partial<Look> = {}): Look {
  return {
    judge: 1,
    plannedMs: 600_000,
    moments: 14,
    alpha: 0.01,
    guards,
    candidate: "v2",
    stable: "v1",
    rows: seen,
    fromSecond: 1,
    toSecond: 60,
    sourceDown: null,
    instances: [],
    restartsBefore: {},
    watchedBeforeMs: 0,
    baseline: null,
    ...more,
  };
}

/** The verdict after several looks at the same figures. */
function after(looks: number, input: Look): Verdict {
  let state: JudgeState = FRESH_JUDGE;
  let verdict: Verdict | undefined;
  for (let n = 0; n < looks; n += 1) {
    const judgement = judge(state, input);
    state = judgement.state;
    verdict = judgement.verdicts[0];
  }
  if (verdict === undefined) throw new Error("no guard, no verdict");
  return verdict;
}

describe("a limit on errors", () => {
  it("passes a healthy candidate, with its figures in the sentence", () => {
    const verdict = after(3, look([ERRORS], rows(60, [5, 0], [100, 0])));
    equal(verdict.verdict, "pass");
    equal(verdict.sentence, "errors 0% (0/300) against 0% (0/6 000), limit 1%");
  });

  it("fails after as many broken looks as it was told, not before", () => {
    const input = look(
      [ERRORS],
      [...rows(60, [5, 0], [100, 0]), ...Array.from({ length: 9 }, () => row(60, "v2", 1, 1))],
    );
    equal(after(2, input).verdict, "inconclusive");
    const verdict = after(3, input);
    deepEqual([verdict.verdict, verdict.level], ["fail", "rollback"]);
    equal(verdict.sentence, "errors 2.9% (9/309) against 0% (0/6 000), limit 1%");
  });

  it("warns between the two limits", () => {
    const verdict = after(3, look([ERRORS], [...rows(60, [8, 0], [100, 0]), row(60, "v2", 4, 4)]));
    deepEqual([verdict.verdict, verdict.level], ["fail", "warn"]);
  });

  it("does not call one error in a hundred requests a broken limit", () => {
    const few = after(9, look([ERRORS], [...rows(60, [2, 0], [100, 0]), row(60, "v2", 2, 2)]));
    equal(few.verdict, "pass");
    match(few.sentence, /; only 2 of the 3 bad ones that it takes to be broken$/);
  });

  it("does not pass among fewer requests than the bad ones that it takes to be broken", () => {
    const strict = { ...ERRORS, minRequests: 10, minEvents: 20 };
    const few = after(9, look([strict], rows(18, [1, 1], [0, 0]), { toSecond: 18 }));
    equal(few.verdict, "inconclusive");
    match(few.sentence, /errors 100% \(18\/18\).*, n = 18 of 20 needed$/);
    equal(after(9, look([strict], rows(20, [1, 1], [0, 0]), { toSecond: 20 })).verdict, "fail");
  });

  it("does not wait for the full count when everything fails", () => {
    const verdict = after(3, look([ERRORS], rows(2, [5, 5], [100, 0]), { toSecond: 2 }));
    deepEqual([verdict.verdict, verdict.level], ["fail", "rollback"]);
  });

  it("says no-data without a request, and inconclusive with too few", () => {
    equal(after(3, look([ERRORS], rows(60, [0, 0], [100, 0]))).verdict, "no-data");
    const few = after(3, look([ERRORS], rows(60, [1, 0], [100, 0])));
    equal(few.verdict, "inconclusive");
    match(few.sentence, /n = 60 of 100 needed/);
  });

  it("says no-data of what it has looked at, not of the minute that it may look at", () => {
    const none = (more: Partial<Look>): string => after(1, look([ERRORS], rows(60, [0, 0], [100, 0]), more)).sentence;
    equal(none({ fromSecond: 61 }), "errors unknown: nothing is counted yet");
    equal(none({ fromSecond: 49 }), "errors unknown: no requests on the candidate for 12s");
    equal(none({}), "errors unknown: no requests on the candidate for 1m");
  });

  it("says source-down when the figures can't be had, whatever they were", () => {
    const verdict = after(9, look([ERRORS], rows(60, [5, 5], [100, 0]), { sourceDown: "no data plane runs" }));
    equal(verdict.verdict, "source-down");
    match(verdict.sentence, /no data plane runs/);
  });

  it("tells when stable breaks the same limit", () => {
    const { stableVerdicts } = judge(FRESH_JUDGE, look([ERRORS], rows(60, [5, 1], [100, 20])));
    equal(stableVerdicts.length, 1);
    equal(judge(FRESH_JUDGE, look([ERRORS], rows(60, [5, 1], [100, 0]))).stableVerdicts.length, 0);
  });

  it("leaves out seconds before the step and seconds in which the share changed", () => {
    const before = rows(30, [5, 5], [100, 0]);
    const since = rows(60, [5, 0], [100, 0]).filter(({ second }) => second > 30);
    const mixed = { ...row(40, "v2", 50, 50), mixed: true };
    equal(after(3, look([ERRORS], [...before, ...since, mixed], { fromSecond: 31 })).verdict, "pass");
  });
});

describe("a comparison of latency", () => {
  it("fails a candidate that is more than twice as slow", () => {
    const verdict = after(3, look([P95], rows(60, [5, 0, 200], [100, 0, 60])));
    deepEqual([verdict.verdict, verdict.level], ["fail", "rollback"]);
    match(verdict.sentence, /^p95 (199|20\d)ms against (59|60|61)ms, limit 2x, n = 300$/);
  });

  it("does not tell apart what is noise on a quiet service", () => {
    equal(after(3, look([P95], rows(60, [5, 0, 9], [100, 0, 2]))).verdict, "pass");
  });

  it("says how many requests are missing", () => {
    const { sentence } = after(3, look([P95], rows(10, [5, 0, 20], [100, 0, 20])));
    match(sentence, /limit 2x, n = 50 of 100 needed$/);
  });

  it("never passes against a stable without traffic (I4)", () => {
    const verdict = after(3, look([P95], rows(60, [5, 0, 20], [0, 0])));
    equal(verdict.verdict, "inconclusive");
    match(verdict.sentence, /stable has n = 0 of 100 needed/);
  });

  it("compares with stable before the switch once the candidate has all traffic", () => {
    const figures = { candidate: 60, stable: 60, limit: 2, n: 300, nStable: 6_000, windowMs: 60_000 };
    const input = (ms: number): Look => look([P95], rows(60, [105, 0, ms], [0, 0]), { baseline: { p95: figures } });
    equal(after(3, input(80)).verdict, "pass");
    equal(after(3, input(200)).level, "rollback");
  });
});

describe("a limit on crashes", () => {
  const instance = (restarts: number): InstanceSeen => ({
    id: "web-green-0",
    service: "web",
    slot: "green",
    version: "v2",
    state: "running",
    restarts,
    adopted: false,
  });

  it("counts from the beginning of the step", () => {
    equal(
      after(1, look([RESTARTS], [], { instances: [instance(4)], restartsBefore: { "web-green-0": 3 } })).verdict,
      "pass",
    );
    equal(after(1, look([RESTARTS], [], { instances: [instance(3)] })).level, "rollback");
  });

  it("needs no data plane", () => {
    equal(
      after(1, look([RESTARTS], [], { instances: [instance(3)], sourceDown: "no data plane runs" })).verdict,
      "fail",
    );
  });
});

it("never passes without data, whatever the rows", () => {
  const anyRow = fc.record({
    second: fc.integer({ min: 0, max: 90 }),
    requests: fc.integer({ min: 0, max: 50 }),
    bad: fc.integer({ min: 0, max: 50 }),
  });
  fc.assert(
    fc.property(fc.array(anyRow, { maxLength: 60 }), fc.integer({ min: 1, max: 80 }), (some, fromSecond) => {
      const seen = some.map(({ second, requests, bad }) => row(second, "v2", requests, Math.min(bad, requests)));
      const verdict = after(3, look([ERRORS], seen, { fromSecond }));
      const counted = seen
        .filter(({ second }) => second >= fromSecond && second <= 60)
        .reduce((sum, { requests }) => sum + requests, 0);
      return verdict.verdict !== "pass" || counted >= ERRORS.minRequests;
    }),
  );
});

it("does not care about the order of rows or guards", () => {
  const seen = rows(60, [5, 1, 80], [100, 1, 30]);
  const shuffled = seen.toSorted((a, b) => ((a.second * 7919) % 61) - ((b.second * 7919) % 61));
  const one = judge(FRESH_JUDGE, look([ERRORS, P95], seen)).verdicts;
  const other = judge(FRESH_JUDGE, look([P95, ERRORS], shuffled)).verdicts;
  deepEqual(one, other.toReversed());
});
