import { doesNotMatch, equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { logEvidence } from "../../../src/core/analysis/statistics/e-process.ts";
import { bucketOf } from "../../../src/core/analysis/histogram.ts";
import {
  FRESH_JUDGE,
  judge,
  judgeNextStep,
  type Judgement,
  type JudgeState,
} from "../../../src/core/analysis/judge.ts";
import type { Look } from "../../../src/core/analysis/look.ts";
import type { Guard, Verdict } from "../../../src/core/plan/guard.ts";
import type { SecondRow } from "../../../src/core/observation.ts";
import { look as lookAt } from "./support/watched-seconds.ts";

const BASE = { windowMs: 60_000, minRequests: 100, minEvents: 3, breaches: 3 };
const ERRORS: Guard = {
  ...BASE,
  metric: "errors",
  limits: { rollback: [{ kind: "relative", factor: 1.5 }] },
  weight: 0.6,
};
const P95: Guard = { ...BASE, metric: "p95", limits: { rollback: [{ kind: "relative", factor: 1.15 }] }, weight: 0.4 };
const ONE_PERCENT: Guard = { ...BASE, metric: "errors", limits: { rollback: [{ kind: "absolute", value: 0.01 }] } };
const BOTH: Guard = {
  ...BASE,
  metric: "errors",
  limits: {
    rollback: [
      { kind: "absolute", value: 0.01 },
      { kind: "relative", factor: 1.5 },
    ],
  },
};

describe("a guard that compares with stable", () => {
  it("finds a total failure within three seconds", () => {
    const found = watch([ERRORS, P95], seconds(20, { n: 3, bad: 3 }, { n: 57 }));
    equal(found.verdict.verdict, "fail");
    equal(found.verdict.level, "rollback");
    ok(found.second <= 4, `second ${found.second}`);
    match(found.verdict.sentence, /^errors 100% \(\d+\/\d+\) against 0% \(0\/\d+\), limit 1\.5x$/);
  });

  it("finds 5 % errors among ten requests a second in less than half a minute", () => {
    const some = seconds(60, { n: 10 }, { n: 190 }).map((row) =>
      row.version === "v2" && row.second % 2 === 0 ? failing(row, 1) : row,
    );
    const found = watch([ERRORS, P95], some);
    equal(found.verdict.verdict, "fail");
    ok(found.second < 30, `second ${found.second}`);
  });

  it("says how much is missing until 1 % is excluded, and passes then", () => {
    const rows = seconds(70, { n: 10 }, { n: 190 });
    const early = last(
      [ERRORS],
      rows.filter(({ second }) => second <= 10),
    );
    equal(early.verdict, "inconclusive");
    match(early.sentence, /to exclude 1% it needs about \d+ more good requests$/);
    equal(last([ERRORS], rows).verdict, "pass");
  });

  it("does not blame the candidate for trouble that both have", () => {
    const rows = seconds(120, { n: 10, bad: 1 }, { n: 190, bad: 19 });
    ok(judgements([ERRORS], rows).every(({ verdicts: [verdict] }) => verdict?.verdict !== "fail"));
  });

  it("finds answers that take twice as long, and passes those that take as long", () => {
    const slow = watch([ERRORS, P95], spread(seconds(200, { n: 10 }, { n: 190 }), 2));
    equal(slow.verdict.metric, "p95");
    match(slow.verdict.sentence, /^p95 .* against .*, limit 1\.15x/);
    equal(last([P95], spread(seconds(200, { n: 10 }, { n: 190 }), 1)).verdict, "pass");
  });

  it("passes answers that all take equally long, though none is beyond stable's quantile", () => {
    const rows = seconds(30, { n: 10 }, { n: 190 });
    const early = last(
      [P95],
      rows.filter(({ second }) => second <= 3),
    );
    match(early.sentence, /; to exclude 9\.5% beyond stable's p95 it needs about \d+ more good requests$/);
    equal(last([P95], rows).verdict, "pass");
  });

  it("with two factors holds the candidate to each of them", () => {
    const rows = spread(seconds(120, { n: 10 }, { n: 190 }), 1.5);
    const warn = [{ kind: "relative", factor: 1.2 }] as const;
    const rollback = [{ kind: "relative", factor: 2 }] as const;
    for (const limits of [
      { warn, rollback },
      { rollback, warn },
    ]) {
      const found = watch([{ ...P95, limits }], rows);
      equal(found.verdict.level, "warn");
      match(found.verdict.sentence, /limit 1\.2x, n = /);
      ok(judgements([{ ...P95, limits }], rows).every(({ verdicts: [one] }) => one?.level !== "rollback"));
    }
  });

  it("goes on with what it has gathered against the candidate in the next step, and has all to be shown anew", () => {
    const first = judgements([ERRORS], seconds(60, { n: 10 }, { n: 190 })).at(-1);
    ok(first !== undefined);
    equal(first.verdicts[0]?.verdict, "pass");
    const next = judge(judgeNextStep(first.state), look([ERRORS], seconds(62, { n: 10 }, { n: 190 }), 61, 62));
    equal(next.verdicts[0]?.verdict, "inconclusive");
    const process = next.state.gathered.guards.errors?.against["rollback:0"];
    equal(process?.seconds, 62);
  });
});

describe("visitors, where the data plane tells them apart", () => {
  const CANDIDATE = { counted: { errors: { requests: 10, bad: 1, newlyBad: 0 } }, newVisitors: 4 };
  const STABLE = { counted: { errors: { requests: 190, bad: 0, newlyBad: 0 } }, newVisitors: 80 };
  const told = (mine: object, theirs: object, count = 60): readonly SecondRow[] =>
    seconds(count, { n: 10, bad: 1 }, { n: 190 }).map((one) => ({ ...one, ...(one.version === "v2" ? mine : theirs) }));

  it("put nothing back while fewer than five of them have seen an error", () => {
    ok(judgements([ERRORS], told(CANDIDATE, STABLE)).every(({ verdicts: [one] }) => one?.verdict === "inconclusive"));
    const each = { ...CANDIDATE, counted: { errors: { requests: 10, bad: 1, newlyBad: 1 } } };
    equal(watch([ERRORS], told(each, STABLE)).verdict.level, "rollback");
  });

  it("are what is compared, not their requests", () => {
    const none = { ...CANDIDATE, counted: { errors: { requests: 9, bad: 0, newlyBad: 0 } } };
    ok(judgements([ERRORS], told(none, STABLE)).every(({ verdicts: [one] }) => one?.verdict !== "fail"));
  });

  it("are told of where their requests tell another story: few who fail always, or many who fail beside them", () => {
    const both = (bad: number, badStable: number, newlyBad: number): readonly SecondRow[] =>
      seconds(60, { n: 100, bad: 11 }, { n: 100, bad: 13 }).map((one) => ({
        ...one,
        newVisitors: 20,
        counted: {
          errors:
            one.version === "v2"
              ? { requests: 90, bad, newlyBad }
              : { requests: 88, bad: badStable, newlyBad: badStable },
        },
      }));
    const { verdict } = watch([ERRORS], both(4, 1, 4));
    equal(verdict.level, "rollback");
    match(
      verdict.sentence,
      /^errors 11% .* against 13% .*, limit 1\.5x; with each visitor's failures counted once in 10m 4\.4% \([\d ]+\/[\d ]+\) against 1\.1% \([\d ]+\/[\d ]+\)$/,
    );
    const healthy = last([ERRORS], both(1, 1, 1)).sentence;
    match(
      healthy,
      /; with each visitor's failures counted once in 10m 1\.1% \(60\/5 400\) against 1\.1% \(60\/5 280\)/,
    );
    const alike = last([ERRORS], both(11, 13, 11)).sentence;
    doesNotMatch(alike, /each visitor/, "where hardly anybody fails twice the figures say it all");
    const next = judgeNextStep(judgements([ERRORS], both(4, 1, 0)).at(-1)?.state ?? FRESH_JUDGE);
    equal(next.gathered.guards.errors?.once, undefined, "of this step");
  });

  it("must be fifty before a step passes by comparison", () => {
    const rows = seconds(90, { n: 10 }, { n: 190 });
    const of = (newVisitors: number): Verdict =>
      last(
        [ERRORS],
        rows.map((one) =>
          one.version === "v2"
            ? {
                ...one,
                counted: { errors: { requests: 10, bad: 0, newlyBad: 0 } },
                newVisitors: one.second === 1 ? newVisitors : 0,
              }
            : { ...one, counted: { errors: { requests: 190, bad: 0, newlyBad: 0 } } },
        ),
      );
    match(of(12).sentence, /; to compare it needs 50 different visitors, and 12 came so far$/);
    equal(of(50).verdict, "pass");
  });

  it("are counted once, whether they came first while the share changed or later", () => {
    const rows = seconds(90, { n: 10 }, { n: 190 });
    const none = { requests: 10, bad: 0, newlyBad: 0 };
    const of = (whileItChanged: number): Verdict => {
      const [first] = rows.filter(({ version }) => version === "v2");
      ok(first);
      const mixed = { ...first, second: first.second - 1, mixed: true, newVisitors: whileItChanged };
      const again = { ...first, second: 30, mixed: true, newVisitors: 3 };
      const all = [mixed, ...rows.filter(({ second }) => second !== 30), again].toSorted((a, b) => a.second - b.second);
      return last(
        [ERRORS],
        all.map((one) => ({
          newVisitors: one.second === 1 ? 2 : 0,
          ...one,
          counted: { errors: one.version === "v2" ? none : { ...none, requests: 190 } },
        })),
      );
    };
    match(of(44).sentence, /; to compare it needs 50 different visitors, and 49 came so far$/);
    equal(of(45).verdict, "pass");
  });

  it("who come in heaps temper the evidence", () => {
    const each = { counted: { errors: { requests: 10, bad: 4, newlyBad: 1 } }, newVisitors: 4 };
    const heaped = {
      counted: { errors: { requests: 190, bad: 9, newlyBad: 1 } },
      cohorts: { errors: Object.fromEntries(Array.from({ length: 20 }, (_, i) => [i, i === 0 ? [10, 9] : [9, 0]])) },
    };
    const even = {
      counted: heaped.counted,
      cohorts: { errors: Object.fromEntries(Array.from({ length: 20 }, (_, i) => [i, i < 9 ? [10, 1] : [9, 0]])) },
    };
    const evidence = (theirs: object): number => {
      const { gathered } = judgements([ERRORS], told(each, theirs, 30)).at(-1)?.state ?? FRESH_JUDGE;
      const process = gathered.guards.errors?.against["rollback:0"];
      return process === undefined ? 0 : logEvidence(process);
    };
    ok(evidence(heaped) < evidence(even) / 2, `${evidence(heaped)} against ${evidence(even)}`);
  });

  it("whose own answers became slower put a version back", () => {
    const rows = spread(seconds(130, { n: 10 }, { n: 190 }), 1).map((one) =>
      one.version === "v2" && [10, 20, 40, 80].includes(one.second)
        ? {
            ...one,
            visitors: { candidates: 212, visitors: 4_000, slower: 1.31, logEvidence: one.second === 80 ? 12 : 1 },
          }
        : one,
    );
    const found = watch([P95], rows);
    equal(found.second, 80);
    match(found.verdict.sentence, /; each of 212 visitors waits 1\.31 times as long as before$/);
  });
});

describe("a limit of its own", () => {
  it("is broken by 3 % where 1 % is allowed, whatever stable does", () => {
    const rows = seconds(300, { n: 20 }, { n: 0 }).map((row) => (row.second % 2 === 0 ? failing(row, 1) : row));
    const found = watch([ONE_PERCENT], rows);
    equal(found.verdict.verdict, "fail");
    equal(found.judgement.stableVerdicts.length, 0);
  });

  it("is not broken by 0.5 %", () => {
    const rows = seconds(600, { n: 20 }, { n: 0 }).map((row) => (row.second % 10 === 0 ? failing(row, 1) : row));
    ok(judgements([ONE_PERCENT], rows).every(({ verdicts: [verdict] }) => verdict?.verdict !== "fail"));
  });

  it("that stable breaks too is told as such: the environment is sick", () => {
    for (const guard of [ONE_PERCENT, BOTH]) {
      const found = watch([guard], seconds(60, { n: 10, bad: 2 }, { n: 190, bad: 38 }));
      equal(found.verdict.verdict, "fail");
      equal(found.judgement.stableVerdicts.length, 1);
    }
  });

  it("beside a comparison is broken when both say so", () => {
    const found = watch([BOTH], seconds(60, { n: 10, bad: 2 }, { n: 190 }));
    equal(found.verdict.verdict, "fail");
    equal(found.judgement.stableVerdicts.length, 0);
  });

  it("that only warns needs no proof, but some requests", () => {
    const guard: Guard = { ...ONE_PERCENT, limits: { warn: [{ kind: "absolute", value: 0.01 }] } };
    const rows = seconds(12, { n: 10 }, { n: 190 });
    match(
      last(
        [guard],
        rows.filter(({ second }) => second <= 9),
      ).sentence,
      /; n = 90 of 100 needed$/,
    );
    equal(last([guard], rows).verdict, "pass");
  });

  it("over a window stays beside what is tested", () => {
    const guard: Guard = {
      ...ERRORS,
      breaches: 1,
      limits: { rollback: [{ kind: "relative", factor: 1.5 }], hold: [{ kind: "plain", value: 0.005 }] },
    };
    const rows = seconds(60, { n: 10 }, { n: 190, bad: 3 }).map((row) =>
      row.version === "v2" && row.second % 15 === 0 ? failing(row, 1) : row,
    );
    const verdict = last([guard], rows);
    equal(verdict.verdict, "fail");
    equal(verdict.level, "hold");
  });
});

describe("what is not known", () => {
  it("is never a pass, whatever else was seen", () => {
    const second = fc.record({
      n: fc.integer({ min: 0, max: 30 }),
      bad: fc.integer({ min: 0, max: 30 }),
      stable: fc.integer({ min: 0, max: 300 }),
    });
    fc.assert(
      fc.property(fc.array(second, { maxLength: 40 }), (list) => {
        const rows = list.flatMap(({ n, bad, stable }, index) => [
          row(index + 1, "v2", { n, bad: Math.min(bad, n) }),
          row(index + 1, "v1", { n: stable }),
        ]);
        let requests = 0;
        let state = FRESH_JUDGE;
        for (let at = 1; at <= list.length; at += 1) {
          requests += list[at - 1]?.n ?? 0;
          const result = judge(state, look([ERRORS, P95], rows, 1, at));
          state = result.state;
          // Not even a hundred good ones in a row exclude 1 %, nor thirty a tail of 9.5 %.
          const passed = result.verdicts.filter(({ verdict }) => verdict === "pass").map(({ metric }) => metric);
          if (requests < 100) ok(!passed.includes("errors"));
          if (requests < 30) ok(!passed.includes("p95"));
        }
      }),
      { numRuns: 60 },
    );
  });

  it("is told: nobody asked, a plane that can't be asked", () => {
    equal(last([ERRORS], seconds(30, { n: 0 }, { n: 100 })).verdict, "no-data");
    const down = judge(FRESH_JUDGE, {
      ...look([ERRORS], seconds(30, { n: 9 }, { n: 100 }), 1, 30),
      sourceDown: "away",
    });
    equal(down.verdicts[0]?.verdict, "source-down");
    equal(down.state.gathered.upTo, null);
  });

  it("does not count for the candidate: without stable's half of a second it compares nothing", () => {
    const rows = seconds(60, { n: 10 }, { n: 190 }).filter(({ version }) => version === "v2");
    const state = judgements([P95], rows).at(-1)?.state;
    equal(
      state?.gathered.guards.p95?.shown.byRatio.logStakes.every((stake) => stake === 0),
      true,
    );
  });

  it("comes to the same in whatever pieces it is looked at", () => {
    const rows = seconds(60, { n: 10, bad: 1 }, { n: 190, bad: 4 });
    const inOne = judge(FRESH_JUDGE, look([ERRORS, P95], rows, 1, 60)).state.gathered;
    const bySecond = judgements([ERRORS, P95], rows).at(-1)?.state.gathered;
    equal(JSON.stringify(bySecond), JSON.stringify(inOne));
  });
});

interface Side {
  readonly n: number;
  readonly bad?: number;
}

function row(second: number, version: string, { n, bad = 0 }: Side): SecondRow {
  return {
    second,
    version,
    requests: n,
    status: { ok: n - bad, redirect: 0, client: 0, server: bad, failed: 0 },
    latency: n === 0 ? {} : { [bucketOf(40)]: n },
    webSockets: { opened: 0, failed: 0 },
    worst: [],
    mixed: false,
  };
}

function seconds(count: number, candidate: Side, stable: Side): readonly SecondRow[] {
  return Array.from({ length: count }, (_, index) => [
    row(index + 1, "v2", candidate),
    row(index + 1, "v1", stable),
  ]).flat();
}

function failing(one: SecondRow, bad: number): SecondRow {
  return { ...one, status: { ...one.status, ok: one.requests - bad, server: bad } };
}

/** Latencies from 60 to 250 ms, the candidate's `slower` times as long. */
function spread(rows: readonly SecondRow[], slower: number): readonly SecondRow[] {
  return rows.map((one) => {
    const latency: Record<number, number> = {};
    for (let i = 0; i < one.requests; i += 1) {
      const part = ((one.second * 7 + i * 13) % 97) / 97;
      const bucket = bucketOf(60 * (250 / 60) ** part * (one.version === "v2" ? slower : 1));
      latency[bucket] = (latency[bucket] ?? 0) + 1;
    }
    return { ...one, latency };
  });
}

function look(guards: readonly Guard[], rows: readonly SecondRow[], fromSecond: number, toSecond: number): Look {
  return lookAt(guards, rows, { fromSecond, toSecond });
}

function judgements(guards: readonly Guard[], rows: readonly SecondRow[]): readonly Judgement[] {
  let state: JudgeState = FRESH_JUDGE;
  return Array.from({ length: rows.at(-1)?.second ?? 0 }, (_, index) => {
    const result = judge(state, look(guards, rows, 1, index + 1));
    state = result.state;
    return result;
  });
}

function last(guards: readonly Guard[], rows: readonly SecondRow[]): Verdict {
  const verdict = judgements(guards, rows).at(-1)?.verdicts[0];
  ok(verdict !== undefined);
  return verdict;
}

/** The first verdict that acts. */
function watch(
  guards: readonly Guard[],
  rows: readonly SecondRow[],
): { readonly second: number; readonly verdict: Verdict; readonly judgement: Judgement } {
  const all = judgements(guards, rows);
  for (const [index, judgement] of all.entries()) {
    const verdict = judgement.verdicts.find(({ verdict: says }) => says === "fail");
    if (verdict !== undefined) return { second: index + 1, verdict, judgement };
  }
  throw new Error(
    `No limit was broken: ${
      all
        .at(-1)
        ?.verdicts.map(({ sentence }) => sentence)
        .join("; ") ?? ""
    }`,
  );
}
