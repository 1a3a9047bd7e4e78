import { deepEqual, equal, match } from "node:assert/strict";
import { describe, it } from "node:test";
import { judgeNextStep, type Judgement } from "../../../src/core/analysis/judge.ts";
import type { Guard, Verdict } from "../../../src/core/plan/guard.ts";
import { judgements, seconds } from "./support/watched-seconds.ts";

/** A window of five seconds with ten requests each: believed after three broken looks. */
const PLAIN: Guard = {
  metric: "errors",
  limits: { rollback: [{ kind: "plain", value: 0.01 }] },
  windowMs: 5_000,
  minRequests: 20,
  minEvents: 3,
  breaches: 3,
};

const said = (all: readonly Judgement[]): readonly (Verdict | undefined)[] =>
  all.map(({ verdicts: [verdict] }) => verdict);
const kinds = (all: readonly Judgement[]): readonly unknown[] => said(all).map((verdict) => verdict?.verdict);
const count = (list: readonly unknown[], wanted: unknown): number => list.filter((one) => one === wanted).length;

/** Three failures in one second of ten: of five looks each is broken by that. */
const BURST = { n: 10, bad: 3 };
/** With a window of one second a burst breaks one look. */
const SHORT: Guard = { ...PLAIN, windowMs: 1_000, minRequests: 10 };
const bursts = (every: number, of = 60) => seconds(of, (second) => (second % every === 0 ? BURST : { n: 10 }));

describe("a limit of the failures in all of a step", () => {
  it("is reached by broken looks that are never in a row, where those in a row are not", () => {
    equal(count(kinds(judgements([SHORT], bursts(10))), "fail"), 0);
    const all = said(judgements([{ ...SHORT, failures: 4 }], bursts(10)));
    deepEqual(
      all.findIndex((verdict) => verdict?.verdict === "fail"),
      39,
    );
    deepEqual(
      [all[39]?.level, all[39]?.sentence],
      ["rollback", "errors 30% (3/10) against 0% (0/190), limit 1% (broken in 4 looks of this step)"],
    );
  });

  it("stays reached for the rest of the step, and begins anew with the next", () => {
    const guard: Guard = { ...SHORT, limits: { hold: [{ kind: "plain", value: 0.01 }] }, failures: 2 };
    const first = judgements([guard], bursts(10));
    equal(
      first.at(-2)?.verdicts[0]?.sentence,
      "errors 0% (0/10) against 0% (0/190), limit 1% (broken in 5 looks of this step)",
    );
    equal(first.at(-2)?.verdicts[0]?.level, "hold");
    const state = first.at(-1)?.state;
    const next = judgements([guard], seconds(20, { n: 10 }), () => ({}), state && judgeNextStep(state));
    equal(count(kinds(next), "fail"), 0);
  });

  it("does not count what stable breaks too", () => {
    const rows = seconds(
      60,
      (second) => (second % 10 === 0 ? BURST : { n: 10 }),
      (second) => ({
        n: 190,
        bad: second % 10 === 0 ? 60 : 0,
      }),
    );
    equal(count(kinds(judgements([{ ...SHORT, failures: 2 }], rows)), "fail"), 0);
  });

  it("is known to an engine that goes on with what another one has gathered", () => {
    const guard = { ...SHORT, failures: 4 };
    const before = judgements([guard], bursts(10, 35)).at(-1)?.state.gathered;
    deepEqual(before?.brokenLooks, { "errors:rollback": 3 });
    const gathered = JSON.parse(JSON.stringify({ ...before, upTo: null })) as NonNullable<typeof before>;
    const after = said(judgements([guard], bursts(10, 10), () => ({}), { breaches: {}, gathered, step: {} }));
    match(after.at(-1)?.sentence ?? "", /\(broken in 4 looks of this step\)$/);
  });

  it("limits nothing where nothing is written", () => {
    const [last] = judgements([SHORT], bursts(10)).slice(-1);
    equal(last?.state.gathered.brokenLooks, undefined);
  });
});

describe("a limit of looks that can't tell", () => {
  const PATIENT: Guard = { ...PLAIN, inconclusive: 10 };

  it("is reached by looks in a row with too few requests, and by those with none", () => {
    for (const [n, verdict] of [
      [1, "inconclusive"],
      [0, "no-data"],
    ] as const) {
      const all = said(judgements([PATIENT], seconds(12, { n })));
      deepEqual([all[8]?.isOverdue, all[9]?.isOverdue, all[11]?.isOverdue], [undefined, true, true]);
      equal(all[9]?.verdict, verdict);
      match(all[9]?.sentence ?? "", / \(10 looks in a row\)$/);
    }
  });

  it("is not reached while each look that could tell comes in between, nor by broken looks that wait for more", () => {
    const rows = seconds(60, (second) => (second % 9 === 0 ? { n: 30 } : { n: 0 }));
    equal(
      count(
        said(judgements([PATIENT], rows)).map((verdict) => verdict?.isOverdue),
        true,
      ),
      0,
    );
    const broken = seconds(20, { n: 10, bad: 5 });
    equal(
      count(
        said(judgements([{ ...PATIENT, breaches: 50 }], broken)).map((verdict) => verdict?.isOverdue),
        true,
      ),
      0,
    );
  });

  it("is not reached by a source that can't be read: that has a limit of its own", () => {
    const down = (second: number) => ({ sourceDown: second > 5 ? "nobody answers" : null });
    const all = said(judgements([{ ...PATIENT, sourceErrors: 30 }], seconds(60, { n: 10 }), down));
    deepEqual(
      all.findIndex((verdict) => verdict?.isOverdue === true),
      34,
    );
    deepEqual(
      [all[34]?.verdict, all[34]?.level, all[34]?.sentence],
      ["source-down", undefined, "errors unknown: nobody answers (30 looks in a row)"],
    );
    equal(
      count(
        said(judgements([PATIENT], seconds(60, { n: 10 }), down)).map((verdict) => verdict?.isOverdue),
        true,
      ),
      0,
    );
  });
});

describe("a number of good looks before a step passes", () => {
  it("must be in a row", () => {
    const guard: Guard = { ...SHORT, successes: 5 };
    const all = judgements(
      [guard],
      seconds(14, (second) => (second === 4 ? BURST : { n: 10 })),
    );
    deepEqual(kinds(all).slice(0, 9), [...Array.from({ length: 8 }, () => "inconclusive"), "pass"]);
    equal(all[2]?.verdicts[0]?.sentence, "errors 0% (0/10) against 0% (0/190), limit 1% (good 3 of 5 looks)");
    equal(all[4]?.verdicts[0]?.sentence, "errors 0% (0/10) against 0% (0/190), limit 1% (good 1 of 5 looks)");
  });

  it("is one where nothing is written", () => {
    equal(kinds(judgements([SHORT], seconds(1, { n: 10 })))[0], "pass");
  });

  it("is never reached without data", () => {
    equal(count(kinds(judgements([{ ...SHORT, successes: 2 }], seconds(60, { n: 0 }))), "pass"), 0);
  });
});
