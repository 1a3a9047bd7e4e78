import { deepEqual, equal, match } from "node:assert/strict";
import { describe, it } from "node:test";
import { FRESH_JUDGE, judge, type JudgeState } from "../../../src/core/analysis/judge.ts";
import type { Look } from "../../../src/core/analysis/look.ts";
import type { Guard, Verdict } from "../../../src/core/plan/guard.ts";
import type { Reading, Source, SourceReading } from "../../../src/core/plan/source.ts";
import { sourceOf } from "../../metrics/stand.ts";

const FROM: Source["from"] = { kind: "prometheus", at: { url: "http://x", headers: {} }, query: "jobs" };

function guardOf(limits: Guard["limits"], more: Partial<Guard> = {}, source: Partial<Source> = {}): Guard {
  return {
    metric: "jobs",
    source: sourceOf(FROM, source),
    limits,
    windowMs: 0,
    minRequests: 1,
    minEvents: 1,
    breaches: 3,
    ...more,
  };
}

const ABOVE_10: Guard["limits"] = { rollback: [{ kind: "plain", value: 10 }] };
const LESS: Guard["limits"] = { hold: [{ kind: "relative", factor: 0.9 }] };

const value = (of: number): Reading => ({ kind: "value", value: of });
const DOWN: Reading = { kind: "down", why: "nothing listens at 127.0.0.1:9090", fix: "start it" };
const NO_DATA: Reading = { kind: "no-data", why: "the query finds nothing" };

/** What the guard says in each second, when its source is asked every 15 of them and says this each time. */
function saidOver(
  guard: Guard,
  seconds: number,
  says: (index: number) => { readonly candidate: Reading; readonly stable?: Reading } | null,
): readonly Verdict[] {
  let state: JudgeState = FRESH_JUDGE;
  const readings: SourceReading[] = [];
  return Array.from({ length: seconds }, (_, index) => {
    const second = index + 1;
    if (index % 15 === 0) {
      const one = says(index / 15);
      if (one !== null) readings.push({ second, candidate: one.candidate, stable: one.stable ?? null });
    }
    const judged = judge(state, lookAt(guard, second, readings));
    state = judged.state;
    const [verdict] = judged.verdicts;
    if (verdict === undefined) throw new Error("A guard says something at each look.");
    return verdict;
  });
}

function lookAt(guard: Guard, second: number, readings: readonly SourceReading[]): Look {
  return {
    judge: 2,
    plannedMs: 600_000,
    moments: 14,
    alpha: 0.01,
    guards: [guard],
    candidate: "v2",
    stable: "v1",
    rows: [],
    readings: { jobs: readings },
    fromSecond: 1,
    watchedBeforeMs: 0,
    toSecond: second - 2,
    sourceDown: "the data plane is another matter",
    instances: [],
    restartsBefore: {},
    baseline: null,
  };
}

function changes(said: readonly Verdict[]): readonly string[] {
  return said
    .map(({ verdict, level, sentence }) => `${verdict}${level === undefined ? "" : ` ${level}`}: ${sentence}`)
    .filter((one, index, all) => one !== all[index - 1]);
}

describe("A limit on a figure from outside", () => {
  it("is broken by answers in a row, not by the looks between two of them", () => {
    const said = saidOver(guardOf(ABOVE_10), 40, () => ({ candidate: value(12) }));
    deepEqual(changes(said), [
      "inconclusive: jobs 12, limit 10 (broken 1 of 3 looks)",
      "inconclusive: jobs 12, limit 10 (broken 2 of 3 looks)",
      "fail rollback: jobs 12, limit 10",
    ]);
    equal(
      said.findIndex(({ verdict }) => verdict === "fail"),
      30,
      "with the third answer",
    );
  });

  it("begins anew with an answer that is good, or that can't be had", () => {
    const of = (answers: readonly Reading[]): readonly string[] =>
      changes(saidOver(guardOf(ABOVE_10), 60, (index) => ({ candidate: answers[index] ?? value(1) })));
    equal(
      of([value(12), value(12), value(9), value(12)]).at(-1),
      "inconclusive: jobs 12, limit 10 (broken 1 of 3 looks)",
    );
    equal(of([value(12), value(12), DOWN, value(12)]).at(-1), "inconclusive: jobs 12, limit 10 (broken 1 of 3 looks)");
  });

  it("is about less where less is worse, and told in the source's unit", () => {
    const guard = guardOf({ rollback: [{ kind: "plain", value: 5 }] }, { breaches: 1 }, { worse: "lower", unit: "/s" });
    equal(changes(saidOver(guard, 1, () => ({ candidate: value(4.217) })))[0], "fail rollback: jobs 4.22/s, limit 5/s");
    equal(changes(saidOver(guard, 1, () => ({ candidate: value(6) })))[0], "pass: jobs 6/s, limit 5/s");
  });

  it("is held against the mean of a window where the plan has one", () => {
    const guard = guardOf(ABOVE_10, { breaches: 1, windowMs: 60_000 });
    const peak = saidOver(guard, 60, (index) => ({ candidate: value(index === 2 ? 24 : 2) }));
    equal(changes(peak).at(-1), "pass: jobs 7.5, limit 10, n = 4");
  });

  it("that stable breaks as well is an incident of the environment", () => {
    const guard = guardOf(ABOVE_10, { breaches: 1 });
    const readings = [{ second: 1, candidate: value(12), stable: value(13) }];
    const { stableVerdicts } = judge(FRESH_JUDGE, lookAt(guard, 2, readings));
    equal(stableVerdicts[0]?.sentence, "jobs 12 against 13, limit 10");
  });
});

describe("What is no figure is no verdict", () => {
  const saysOf = (reading: Reading | null, more: Partial<Guard> = {}): readonly string[] =>
    changes(saidOver(guardOf(ABOVE_10, more), 60, () => (reading === null ? null : { candidate: reading })));

  it("a source that is away, with how to mend it", () =>
    deepEqual(saysOf(DOWN), ["source-down: jobs unknown: nothing listens at 127.0.0.1:9090; start it"]));

  it("a source with nothing to say", () =>
    deepEqual(saysOf(NO_DATA), ["no-data: jobs unknown: the query finds nothing"]));

  it("a source that was not asked yet", () =>
    deepEqual(saysOf(null), ["no-data: jobs unknown: its source was not asked yet"]));

  it("an answer that nothing followed is of the past", () => {
    const said = changes(saidOver(guardOf(ABOVE_10), 60, (index) => (index === 0 ? { candidate: value(1) } : null)));
    deepEqual(said.slice(0, 2), [
      "pass: jobs 1, limit 10",
      "source-down: jobs unknown: prometheus has said nothing for 33s",
    ]);
  });

  it("but after so many answers as the plan has patience for it is overdue", () => {
    const overdue = saidOver(guardOf(ABOVE_10, { sourceErrors: 3 }), 60, () => ({ candidate: DOWN }));
    equal(
      overdue.findIndex(({ isOverdue }) => isOverdue === true),
      30,
    );
    const without = saidOver(guardOf(ABOVE_10, { inconclusive: 2 }), 60, () => ({ candidate: NO_DATA }));
    equal(
      without.findIndex(({ isOverdue }) => isOverdue === true),
      15,
    );
  });
});

describe("A figure from outside that is held against stable's", () => {
  const MINUTES = 60;
  const both = (candidate: number, stable: number) => (index: number) => ({
    // The same noise on both sides, as a busy hour is.
    candidate: value(candidate * (1 + 0.2 * Math.sin(index))),
    stable: value(stable * (1 + 0.2 * Math.sin(index))),
  });

  it("is compared by blocks of a minute, and told by its means", () => {
    const said = saidOver(guardOf(LESS, {}, { worse: "lower", unit: "/s" }), 14 * MINUTES, both(0.71, 1.02));
    match(
      said[5 * MINUTES]?.sentence ?? "",
      /^jobs 0\.7\d*\/s against 1\.0\d\/s, limit 0\.9x, n = \d+; \d of 10 minutes were seen$/,
    );
    const last = said.at(-1);
    equal(last?.verdict, "fail");
    equal(last?.level, "hold");
    match(last?.sentence ?? "", /^jobs 0\.71\d?\/s against 1\.0\d\/s, limit 0\.9x, n = 5\d, 1\d blocks$/);
  });

  it("passes when it is as good, whichever way is worse", () => {
    equal(saidOver(guardOf(LESS, {}, { worse: "lower" }), 14 * MINUTES, both(1, 1)).at(-1)?.verdict, "pass");
    const more: Guard["limits"] = { rollback: [{ kind: "relative", factor: 1.5 }] };
    equal(saidOver(guardOf(more), 14 * MINUTES, both(1, 1)).at(-1)?.verdict, "pass");
    equal(saidOver(guardOf(more), 14 * MINUTES, both(2, 1)).at(-1)?.verdict, "fail");
  });

  it("of ranges of five minutes waits for blocks of as many: neighbours share most of what they are made of", () => {
    const guard = guardOf(LESS, {}, { worse: "lower", reachMs: 5 * 60_000 });
    match(
      saidOver(guard, 14 * MINUTES, both(0.71, 1.02)).at(-1)?.sentence ?? "",
      /; 1 of 10 blocks of 5 minutes were seen$/,
    );
  });

  it("says nothing while stable's is away", () => {
    const said = saidOver(guardOf(LESS, {}, { worse: "lower" }), 30, () => ({ candidate: value(1), stable: DOWN }));
    equal(changes(said)[0], "source-down: jobs of stable unknown: nothing listens at 127.0.0.1:9090; start it");
  });
});
