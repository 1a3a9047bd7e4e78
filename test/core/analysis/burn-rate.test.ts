import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { burntMovedBy } from "../../../src/core/analysis/objective/budget.ts";
import { bucketOf } from "../../../src/core/analysis/histogram.ts";
import { FRESH_JUDGE, judge, judgeNextStep, type JudgeState } from "../../../src/core/analysis/judge.ts";
import type { Look } from "../../../src/core/analysis/look.ts";
import type { SecondRow } from "../../../src/core/observation.ts";
import type { Guard, Verdict } from "../../../src/core/plan/guard.ts";
import { look as lookAt } from "./support/watched-seconds.ts";

const BASE: Omit<Guard, "metric"> = { limits: {}, windowMs: 60_000, minRequests: 100, minEvents: 3, breaches: 3 };
const ERRORS: Guard = { ...BASE, metric: "errors", slo: 0.001 };
const P95: Guard = { ...BASE, metric: "p95", slo: 300 };

/** Requests of one second and bad ones among them; null: nothing is known of it. */
type Came = readonly [n: number, bad: number] | null;

describe("an objective", () => {
  it("puts a version back whose budget burns 14.4 times as fast, over the long window and over the short one", () => {
    const verdict = after(ERRORS, minutes(60, [60, 1]));
    equal(verdict.verdict, "fail");
    equal(verdict.level, "rollback");
    equal(verdict.sentence, "errors: the budget of 0.1% burns 17x over 1h (60/3 600) and 17x over 5m, limit 14.4x");
    deepEqual([verdict.figures.n, verdict.figures.k, verdict.figures.limit], [3_600, 60, 0.001]);
  });

  it("holds one whose budget burns 6 times as fast over six hours", () => {
    const slow = after(ERRORS, minutes(300, [125, 1]));
    equal(slow.verdict, "fail");
    equal(slow.level, "hold");
    match(slow.sentence, /burns 8x over the 5h known of 6h \(300\/37 500\) and 8x over 30m, limit 6x$/);
    match(after(ERRORS, minutes(361, [125, 1])).sentence, /burns 8x over 6h \(\d+\/\d+ \d+\) and 8x over 30m/);
  });

  it("passes one that keeps within its budget", () => {
    const verdict = after(ERRORS, [...minutes(30, [100, 0]), [100, 1], ...minutes(30, [100, 0])]);
    equal(verdict.verdict, "pass");
    equal(verdict.sentence, "errors: the budget of 0.1% burns 0.2x over 1h (1/6 000) and 0x over 5m, limit 14.4x");
  });

  it("takes what there is of a long window as all of it, and says so", () => {
    const verdict = after(ERRORS, minutes(12, [100, 2]));
    equal(verdict.level, "rollback");
    equal(verdict.figures.windowMs, 12 * 60_000);
    match(verdict.sentence, /burns 20x over the 12m known of 1h \(24\/1 200\) and 20x over 5m/);
  });

  it("makes no incident of one failure among five requests of a night, nor of nine", () => {
    const night = minutes(30, [5, 0]);
    equal(after(ERRORS, [...night, [5, 1]]).verdict, "inconclusive");
    equal(after(ERRORS, [...night, [9, 9]]).verdict, "inconclusive");
    equal(after(ERRORS, [...night, [10, 10]]).verdict, "fail");
  });

  it("says that a fire is out, and neither acts nor passes while its smoke is there", () => {
    const fire = minutes(20, [60, 1]);
    equal(after(ERRORS, fire).level, "rollback");
    const out = after(ERRORS, [...fire, ...minutes(8, [60, 0])]);
    equal(out.verdict, "fail");
    equal(out.level, "hold", "of the last half hour it is still too much");
    const later = after(ERRORS, [...fire, ...minutes(31, [60, 0])]);
    equal(later.verdict, "inconclusive");
    match(later.sentence, /; it has stopped, and the budget is not yet as before$/);
  });

  it("passes nothing while so few came that its ten failures could not have been seen", () => {
    const few = after(ERRORS, minutes(10, [60, 0]));
    equal(few.verdict, "inconclusive");
    match(few.sentence, /; n = 600 of 695 needed$/);
    equal(after(ERRORS, minutes(12, [60, 0])).verdict, "pass");
    // One request a minute: in no hour there are as many, in the whole bake there are.
    equal(after(ERRORS, minutes(690, [1, 0])).verdict, "inconclusive");
    equal(after(ERRORS, minutes(700, [1, 0])).verdict, "pass");
  });

  it("says no-data of a candidate that nobody asks, and source-down where nothing can be read (I4)", () => {
    const nobody = after(ERRORS, minutes(3, [0, 0]));
    equal(nobody.verdict, "no-data");
    match(nobody.sentence, /^errors unknown: no requests on the candidate for 3m$/);
    const hour = after(ERRORS, [...minutes(30, [100, 0]), ...minutes(61, [0, 0])]);
    equal(hour.verdict, "no-data");
    equal(after(ERRORS, [...minutes(10, [100, 5]), null]).verdict, "source-down");
    equal(judge(FRESH_JUDGE, look([ERRORS], [], 1)).verdicts[0]?.verdict, "no-data");
  });

  it("does not count as watched what nobody could read", () => {
    const verdict = after(ERRORS, [...minutes(10, [100, 0]), ...minutes(30, null), ...minutes(10, [100, 0])]);
    match(verdict.sentence, /over the 2[01]m known of 1h \(0\/2 000\)/);
  });

  it("counts answers beyond a latency's objective", () => {
    const slow = after(P95, minutes(10, [60, 50]));
    equal(slow.level, "rollback");
    match(slow.sentence, /^p95: the budget of 5% above 300ms burns 17x over the 10m known of 1h \(500\/600\)/);
    equal(slow.figures.candidate, null, "how long they took is not kept");
    equal(after(P95, minutes(10, [60, 3])).verdict, "pass");
  });

  it("says the worst of its guard's limits: a pass of one is none of the other", () => {
    const both: Guard = { ...ERRORS, limits: { rollback: [{ kind: "absolute", value: 0.5 }] } };
    equal(after(both, minutes(20, [60, 1])).level, "rollback");
    equal(after(both, minutes(5, [60, 0])).verdict, "inconclusive");
    equal(after(both, minutes(20, [60, 0])).verdict, "pass");
  });

  it("goes on in the next step, and with another engine that counts its seconds from elsewhere", () => {
    const { state, second } = watched(ERRORS, minutes(40, [60, 1]));
    const next = judge(judgeNextStep(state), look([ERRORS], [], second + 1));
    equal(next.verdicts[0]?.level, "rollback");
    const { burnt } = state.gathered.guards.errors ?? {};
    ok(burnt !== undefined);
    const there = burntMovedBy(burntMovedBy(burnt, -second), 7_000_000);
    const gathered = {
      ...state.gathered,
      upTo: 7_000_000,
      guards: { errors: { ...state.gathered.guards.errors, burnt: there } },
    } as JudgeState["gathered"];
    const taken = judge({ breaches: {}, gathered, step: {} }, look([ERRORS], [], 7_000_060));
    match(taken.verdicts[0]?.sentence ?? "", /burns 17x over the 41m known of 1h \(40\/2 400\)/);
  });

  it("keeps no more than six hours of sums, whatever came", () => {
    const { state } = watched(ERRORS, minutes(1_000, [240_000, 200]));
    const { burnt } = state.gathered.guards.errors ?? {};
    equal(burnt?.byMinute?.spans.length, 60);
    equal(burnt.byTenMinutes?.spans.length, 36);
    ok(JSON.stringify(burnt).length < 2_500, `${JSON.stringify(burnt).length} bytes`);
  });
});

function minutes(count: number, came: Came): readonly Came[] {
  return Array.from({ length: count }, () => came);
}

interface Watched {
  readonly state: JudgeState;
  readonly verdicts: readonly Verdict[];
  /** The newest one. */
  readonly second: number;
}

/** One look at the end of each minute; what came in it came in its first second. */
function watched(guard: Guard, came: readonly Came[]): Watched {
  const rows: SecondRow[] = [];
  let judged: Watched = { state: FRESH_JUDGE, verdicts: [], second: 0 };
  for (const one of came) {
    const second = judged.second + 60;
    if (one !== null && one[0] > 0) rows.push(row(second - 59, ...one));
    const sourceDown = one === null ? "it is gone" : null;
    judged = { ...judge(judged.state, look([guard], rows.slice(-15), second, { sourceDown })), second };
  }
  return judged;
}

function after(guard: Guard, came: readonly Came[]): Verdict {
  const [verdict] = watched(guard, came).verdicts;
  ok(verdict !== undefined);
  return verdict;
}

function row(second: number, requests: number, bad: number): SecondRow {
  return {
    second,
    version: "v2",
    requests,
    status: { ok: requests - bad, redirect: 0, client: 0, server: bad, failed: 0 },
    latency: { [bucketOf(20)]: requests - bad, [bucketOf(900)]: bad },
    webSockets: { opened: 0, failed: 0 },
    worst: [],
    mixed: false,
  };
}

function look(guards: readonly Guard[], rows: readonly SecondRow[], toSecond: number, more: Partial<Look> = {}): Look {
  return lookAt(guards, rows, { toSecond, ...more });
}
