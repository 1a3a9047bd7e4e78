import { equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { logEvidence, freshEProcess, grow, limitGains } from "../../../src/core/analysis/e-process.ts";
import { ratesBeyond } from "../../../src/core/analysis/alternatives.ts";
import { bucketOf } from "../../../src/core/analysis/histogram.ts";
import { FRESH_JUDGE, judge, judgeNextStep, type JudgeState } from "../../../src/core/analysis/judge.ts";
import type { Look } from "../../../src/core/analysis/look.ts";
import { createRandom } from "../../../src/core/analysis/random.ts";
import type { SecondRow } from "../../../src/core/observation.ts";
import type { Guard, Verdict } from "../../../src/core/plan/guard.ts";

const BASE = { windowMs: 60_000, minRequests: 100, minEvents: 3, breaches: 3 };
const ONE_PERCENT: Guard = { ...BASE, metric: "errors", limits: { rollback: [{ kind: "absolute", value: 0.01 }] } };
const DAY = 86_400;

describe("a limit of its own, once the candidate has all traffic", () => {
  it("is found broken within half a minute, however many days went well", () => {
    const good = look([ONE_PERCENT], seconds(1, DAY, 50, 0), { toSecond: DAY });
    let { state } = judge(FRESH_JUDGE, good);
    const found = secondOfFailure(state, [ONE_PERCENT], seconds(DAY + 1, DAY + 60, 50, 50));
    ok(found.after <= 30, `after ${found.after} seconds`);
    match(found.verdict.sentence, /^errors .*, limit 1%$/);
    // Some percent too.
    ({ state } = judge(FRESH_JUDGE, good));
    const some = secondOfFailure(state, [ONE_PERCENT], seconds(DAY + 1, DAY + 300, 50, 2));
    ok(some.after <= 60, `after ${some.after} seconds`);
  });

  it("is asked anew there: what spoke for the candidate before the switch does not count", () => {
    const before = judge(FRESH_JUDGE, split(look([ONE_PERCENT], seconds(1, 600, 50, 0), { toSecond: 600 })));
    const next = judgeNextStep(before.state);
    const all = judge(next, look([ONE_PERCENT], seconds(601, 610, 50, 0), { fromSecond: 601, toSecond: 610 }));
    const { against } = all.state.gathered.guards.errors ?? {};
    equal(against?.["all:rollback:0"]?.seconds, 10);
    equal(against["rollback:0"]?.seconds, 600);
    equal(judgeNextStep(all.state).gathered.guards.errors?.against["all:rollback:0"], undefined);
  });
});

describe("evidence that nobody has planned the end of", () => {
  it("breaks a limit that is kept in at most one of a hundred runs", () => {
    const random = createRandom(7);
    const RUNS = 400;
    let broken = 0;
    for (let run = 0; run < RUNS; run += 1) {
      let process = freshEProcess();
      for (let second = 0; second < 2_000; second += 1) {
        const bad = random.binomial(5, 0.01);
        process = grow(process, limitGains(5, bad, 0.01, ratesBeyond(0.01)), Number.POSITIVE_INFINITY);
        if (logEvidence(process) >= Math.log(100)) {
          broken += 1;
          break;
        }
      }
    }
    ok(broken / RUNS <= 0.01 + 3 * Math.sqrt((0.01 * 0.99) / RUNS), `${broken} of ${RUNS}`);
  });

  it("always has some of its reserve left", () => {
    let process = freshEProcess();
    for (let second = 0; second < 28 * 8_640; second += 1) process = grow(process, [], Number.POSITIVE_INFINITY);
    ok(process.reserve > 0 && process.reserve < 1e-4);
  });
});

function secondOfFailure(
  before: JudgeState,
  guards: readonly Guard[],
  rows: readonly SecondRow[],
): { readonly after: number; readonly verdict: Verdict } {
  let state = before;
  for (const [index, row] of rows.entries()) {
    const judged = judge(state, look(guards, [row], { toSecond: row.second }));
    state = judged.state;
    const [verdict] = judged.verdicts;
    if (verdict?.verdict === "fail" && verdict.level === "rollback") return { after: index + 1, verdict };
  }
  throw new Error("It was never found broken.");
}

function seconds(from: number, to: number, requests: number, bad: number): readonly SecondRow[] {
  return Array.from({ length: to - from + 1 }, (_, index) => row(from + index, "v2", requests, bad));
}

function row(second: number, version: string, requests: number, bad: number): SecondRow {
  return {
    second,
    version,
    requests,
    status: { ok: requests - bad, redirect: 0, client: 0, server: bad, failed: 0 },
    latency: { [bucketOf(20)]: requests },
    webSockets: { opened: 0, failed: 0 },
    worst: [],
    mixed: false,
  };
}

function split(whole: Look): Look {
  const { switched, ...rest } = whole;
  ok(switched !== undefined);
  return rest;
}

function look(guards: readonly Guard[], rows: readonly SecondRow[], more: Partial<Look>): Look {
  return {
    judge: 2,
    guards,
    candidate: "v2",
    stable: "v1",
    rows,
    fromSecond: 1,
    watchedBeforeMs: 0,
    toSecond: 0,
    sourceDown: null,
    instances: [],
    restartsBefore: {},
    baseline: null,
    switched: { second: 0, secondZero: 0 },
    plannedMs: 600_000,
    moments: 14,
    alpha: 0.01,
    ...more,
  };
}
