import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { loadNow, type Remembered, spansBefore } from "../../../src/core/analysis/evidence/day-before.ts";
import { bucketOf } from "../../../src/core/analysis/histogram.ts";
import { FRESH_JUDGE, judge, judgeNextStep, type JudgeState } from "../../../src/core/analysis/judge.ts";
import type { Look } from "../../../src/core/analysis/look.ts";
import { toleratedBy } from "../../../src/core/analysis/evidence/past.ts";
import { createRandom } from "../../../src/core/analysis/statistics/random.ts";
import type { SecondRow } from "../../../src/core/observation.ts";
import type { Guard, Verdict } from "../../../src/core/plan/guard.ts";
import { DAY, HOUR, MINUTE } from "../../../src/core/time/time.ts";
import type { PastSums, PastTraffic } from "../../../src/core/traffic/past-traffic.ts";
import { look as lookAt } from "./support/watched-seconds.ts";

const BASE = { windowMs: 60_000, minRequests: 100, minEvents: 3, breaches: 3 };
const LIMIT = { kind: "before", factor: 1.5, days: 1 } as const;
const ERRORS: Guard = { ...BASE, metric: "errors", limits: { rollback: [LIMIT] } };
const P95: Guard = { ...BASE, metric: "p95", limits: { rollback: [{ ...LIMIT, factor: 1.15 }] } };

/** Second 0 is 14:00 on a Tuesday. */
const SECOND_ZERO = Date.UTC(2026, 0, 6, 14);
/** The half hour of Monday with 20 requests a second, 1 of 200 of them bad. */
const MONDAY = halfHour(SECOND_ZERO - DAY, 36_000, 180);

describe("a limit that is held against the day before", () => {
  it("puts a version back that is worse than then, and says what the limit was made of", () => {
    const [verdict] = judged(ERRORS, traffic(1, 300, 20, 1), [MONDAY]);
    equal(verdict?.level, "rollback", verdict?.sentence);
    match(
      verdict.sentence,
      /^errors 5% \(\d+\/[\d ]+\), limit 0\.9%: 1\.5x of at most 0\.6% the day before \(180\/36 000, 14:00-14:30 UTC\)$/,
    );
    equal(verdict.figures.before?.days, 1);
  });

  it("passes one that does as then", () => {
    const bad = halfHour(SECOND_ZERO - DAY, 36_000, 1_800);
    const [verdict] = judged(ERRORS, traffic(1, 900, 20, 1), [bad]);
    equal(verdict?.verdict, "pass", verdict?.sentence);
  });

  it("looks at how long answers take", () => {
    const past = withLatency(MONDAY, { [edge(20)]: 34_200, [edge(104)]: 1_800 });
    const slow = { [bucketOf(20)]: 17, [bucketOf(300)]: 3 };
    const [worse] = judged(
      P95,
      traffic(1, 300, 20, 0).map((row) => ({ ...row, latency: slow })),
      [past],
    );
    equal(worse?.level, "rollback", worse?.sentence);
    match(
      worse.sentence,
      /^p95 30\dms, limit 4\dms: 1\.15x of 2\dms the day before \(n = 36 000, 14:00-14:30 UTC\), n = [\d ]+$/,
    );
    const same = { [bucketOf(20)]: 19, [bucketOf(40)]: 1 };
    const [good] = judged(
      P95,
      traffic(1, 900, 20, 0).map((row) => ({ ...row, latency: same })),
      [past],
    );
    equal(good?.verdict, "pass", good?.sentence);
  });

  it("is no pass and no failure where nothing is known of then (I4), and says why", () => {
    const bad = traffic(1, 300, 20, 20);
    const whys: readonly (readonly [readonly PastTraffic[], string | null, RegExp])[] = [
      [[], null, /nothing is known of it yet$/],
      [[], "HAProxy keeps no figures of other days", /: HAProxy keeps no figures of other days$/],
      [[{ ...MONDAY, countedMs: 0 }], null, /the data plane has no figures of 14:00-14:30 UTC then$/],
      [[{ ...MONDAY, countedMs: 4 * MINUTE }], null, /has figures of only 4m of 14:00-14:30 UTC then$/],
      [[halfHour(SECOND_ZERO - DAY, 99, 0)], null, /stable had n = 99 of 100 needed in 14:00-14:30 UTC then$/],
      [
        [{ ...halfHour(SECOND_ZERO - DAY, 12, 0), requests: 36_000 }],
        null,
        /stable had n = 12 of 100 needed in 14:00-14:30 UTC then, because a release had the traffic$/,
      ],
      [[{ ...MONDAY, requests: 360_000 }], null, /there are 20 requests a second now, and were 200 then$/],
      [[{ ...MONDAY, requests: 7_200 }], null, /there are 20 requests a second now, and were 4\.0 then$/],
    ];
    for (const [spans, missing, sentence] of whys) {
      const [verdict] = judged(ERRORS, bad, spans, { missing });
      equal(verdict?.verdict, "no-data", verdict?.sentence);
      match(verdict.sentence, sentence);
      match(verdict.sentence, /^errors .*; it can't be held against the day before: /);
    }
    const never = judge(FRESH_JUDGE, lookAt([ERRORS], bad, { toSecond: 300, switched: AT })).verdicts[0];
    equal(never?.verdict, "no-data");
  });

  it("holds each half hour against the same one, and widens its bounds the more of them there are", () => {
    const later = halfHour(SECOND_ZERO - DAY + HOUR / 2, 36_000, 3_600);
    const first = judge(FRESH_JUDGE, look([ERRORS], traffic(1, 1_799, 20, 0), [MONDAY, later], { toSecond: 1_799 }));
    const past = (state: JudgeState) => state.gathered.guards.errors?.past;
    deepEqual([past(first.state)?.bad, past(first.state)?.nth], [180, 1]);
    // 10 % are as usual in this half hour.
    const rows = traffic(1_800, 2_400, 20, 2);
    const second = judge(first.state, look([ERRORS], rows, [MONDAY, later], { toSecond: 2_400 }));
    deepEqual([past(second.state)?.bad, past(second.state)?.nth], [3_600, 2]);
    equal(second.verdicts[0]?.verdict === "fail", false, second.verdicts[0]?.sentence);
    ok((toleratedBy({ ...MONDAY_PAST, nth: 2 }, 1.5)?.rate ?? 0) > (toleratedBy(MONDAY_PAST, 1.5)?.rate ?? 1));
  });

  it("asks for the half hours of the day before, whatever the clocks did since", () => {
    const at = SECOND_ZERO + 29 * MINUTE;
    deepEqual(spansBefore([ERRORS, P95], at, at + 2 * MINUTE), [
      { from: SECOND_ZERO - DAY, to: SECOND_ZERO - DAY + HOUR / 2 },
      { from: SECOND_ZERO - DAY + HOUR / 2, to: SECOND_ZERO - DAY + HOUR },
    ]);
    deepEqual(spansBefore([{ ...ERRORS, limits: { rollback: [{ kind: "absolute", value: 1 }] } }], at, at), []);
    const weekly: Guard = { ...ERRORS, limits: { warn: [{ ...LIMIT, days: 7 }] } };
    deepEqual(spansBefore([weekly], at, at), [{ from: SECOND_ZERO - 7 * DAY, to: SECOND_ZERO - 7 * DAY + HOUR / 2 }]);
  });

  it("is what a first release has, where nothing serves beside: it passes, and is put back", () => {
    const first = (bad: number): Verdict | undefined => {
      const rows = traffic(1, 900, 20, bad);
      return judge(FRESH_JUDGE, { ...look([ERRORS, P95], rows, [MONDAY], { toSecond: 900 }), stable: null })
        .verdicts[0];
    };
    equal(first(0)?.verdict, "pass", first(0)?.sentence);
    equal(first(1)?.level, "rollback", first(1)?.sentence);
  });

  it("blames the environment while stable beside it is as bad", () => {
    const both = traffic(1, 300, 20, 4).flatMap((row) => [row, { ...row, version: "v1" }]);
    const { verdicts, stableVerdicts } = judge(FRESH_JUDGE, split(look([ERRORS], both, [MONDAY], { toSecond: 300 })));
    equal(verdicts[0]?.level, "rollback");
    equal(stableVerdicts.length, 1);
  });

  it("is not what a later step is held against that asks for the time before the switch", () => {
    const first = judge(FRESH_JUDGE, look([ERRORS], traffic(1, 60, 20, 0), [MONDAY], { toSecond: 60 }));
    const before: Guard = { ...ERRORS, limits: { rollback: [{ kind: "before", factor: 1.5 }] } };
    const next = judge(
      judgeNextStep(first.state),
      look([before], traffic(61, 400, 20, 1), [MONDAY], { fromSecond: 61, toSecond: 400 }),
    );
    equal(next.verdicts[0]?.verdict, "inconclusive");
    equal(next.state.gathered.guards.errors?.past, undefined);
  });

  it("counts only the feature's requests of then", () => {
    const only = { path: "/checkout" };
    const guard: Guard = { ...ERRORS, feature: "checkout", only };
    const rows = traffic(1, 300, 20, 1).map((row) => ({
      ...row,
      // Far fewer than all, now and then.
      features: { checkout: { requests: 2, bad: 1, latency: { [bucketOf(20)]: 2 } } },
    }));
    match(
      judged(guard, rows, [MONDAY])[0]?.sentence ?? "",
      /: errors of checkout were not counted apart in 14:00-14:30 UTC then$/,
    );
    const checkout = { ...MONDAY.stable, requests: 3_600, bad: 18 };
    const [verdict] = judged(guard, rows, [{ ...MONDAY, features: { checkout } }]);
    equal(verdict?.level, "rollback");
    match(verdict.sentence, /^errors of checkout 50% .*: 1\.5x of at most 1% the day before \(18\/3 600, /);
  });

  it("puts back at most one of fifty versions that do as then, of which few requests are known", () => {
    const random = createRandom(5);
    const RUNS = 80;
    let broken = 0;
    for (let run = 0; run < RUNS; run += 1) {
      const n = 1_000;
      const past = halfHour(SECOND_ZERO - DAY, n, random.binomial(n, 0.02));
      const guard: Guard = { ...ERRORS, limits: { rollback: [{ ...LIMIT, factor: 1.02 }] } };
      let state: JudgeState = FRESH_JUDGE;
      for (let to = 60; to <= 300; to += 60) {
        const rows = Array.from({ length: 60 }, (_, index) =>
          row(to - 59 + index, "v2", 20, random.binomial(20, 0.02)),
        );
        const next = judge(state, look([guard], rows, [{ ...past, requests: 36_000 }], { toSecond: to }));
        ({ state } = next);
        if (next.verdicts[0]?.verdict !== "fail") continue;
        broken += 1;
        break;
      }
    }
    ok(broken / RUNS <= 0.02 + 3 * Math.sqrt((0.02 * 0.98) / RUNS), `${broken} of ${RUNS}`);
  });
});

const MONDAY_PAST = { from: MONDAY.from, to: MONDAY.to, n: 36_000, bad: 180, days: 1, nth: 1 } as const;
const AT = { second: 0, secondZero: SECOND_ZERO };

function judged(
  guard: Guard,
  rows: readonly SecondRow[],
  spans: readonly PastTraffic[],
  { missing = null }: { readonly missing?: string | null } = {},
): readonly Verdict[] {
  const toSecond = rows.at(-1)?.second ?? 0;
  const at = look([guard], rows, spans, { toSecond });
  return judge(FRESH_JUDGE, { ...at, remembered: remembered(spans, rows, toSecond, missing) }).verdicts;
}

function look(
  guards: readonly Guard[],
  rows: readonly SecondRow[],
  spans: readonly PastTraffic[],
  more: Partial<Look>,
): Look {
  const toSecond = more.toSecond ?? 0;
  return lookAt(guards, rows, { switched: AT, remembered: remembered(spans, rows, toSecond, null), ...more });
}

function remembered(
  spans: readonly PastTraffic[],
  rows: readonly SecondRow[],
  toSecond: number,
  missing: string | null,
): Remembered {
  return { secondZero: SECOND_ZERO, spans, load: loadNow(rows, toSecond), missing };
}

function split({ switched, ...rest }: Look): Look {
  ok(switched !== undefined);
  return rest;
}

function halfHour(from: number, requests: number, bad: number): PastTraffic {
  const stable = { requests, bad, latency: { [edge(20)]: requests }, webSockets: { opened: 0, failed: 0 } };
  return { from, to: from + HOUR / 2, countedMs: HOUR / 2, requests, stable, features: {} };
}

function withLatency(past: PastTraffic, latency: PastSums["latency"]): PastTraffic {
  return { ...past, stable: { ...past.stable, latency } };
}

/** The last of the four buckets that are kept as one. */
function edge(ms: number): number {
  return Math.ceil(bucketOf(ms) / 4) * 4;
}

function traffic(from: number, to: number, requests: number, bad: number): readonly SecondRow[] {
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
