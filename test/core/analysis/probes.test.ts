import { equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { FRESH_JUDGE, judge, judgeNextStep, type JudgeState } from "../../../src/core/analysis/judge.ts";
import type { Look } from "../../../src/core/analysis/look.ts";
import type { ProbeOutcome, ProbePair, ProbeRound } from "../../../src/core/analysis/evidence/probes.ts";
import { createRandom } from "../../../src/core/analysis/statistics/random.ts";
import { secondsOfProbes } from "../../../src/core/forecast/probing.ts";
import type { Guard, Verdict } from "../../../src/core/plan/guard.ts";

const PLAIN = { windowMs: 60_000, minRequests: 100, minEvents: 3, breaches: 3 };
const ERRORS: Guard = {
  ...PLAIN,
  metric: "errors",
  limits: { rollback: [{ kind: "relative", factor: 1.5 }] },
  weight: 0.6,
};
const P95: Guard = { ...PLAIN, metric: "p95", limits: { rollback: [{ kind: "relative", factor: 1.15 }] }, weight: 0.4 };
const EVERY = 5;
const FINE = passed(40);

describe("probes, where no user comes", () => {
  it("let a step pass as soon as they have shown that nothing is wrong, which is when the forecast says", () => {
    const all = watch([ERRORS, P95], 3_600, () => pair(FINE, FINE));
    const seconds = secondsOfProbes([ERRORS, P95], { everyMs: EVERY * 1_000, flows: [FLOW] }) ?? 0;
    const passes = all.findIndex((verdicts) => verdicts.every(({ verdict }) => verdict === "pass"));
    ok(Math.abs(passes - seconds) <= 2 * EVERY, `passed after ${passes} s, forecast ${seconds} s`);
    const [early] = all[60] ?? [];
    equal(early?.verdict, "inconclusive");
    match(
      early?.sentence ?? "",
      /^errors: no requests on the candidate for 1m 01s; of 12 probes 0 failed on the candidate alone, 0 on stable alone; to exclude 1% it needs about 358 more good requests or 346 more good probes$/,
    );
  });

  it("put a version back whose flows fail, and say of how many", () => {
    const all = watch([ERRORS, P95], 300, () => pair(failed(), FINE));
    const found = firstFailing(all);
    ok(found.second < 100, `second ${found.second}`);
    equal(found.verdict.metric, "errors");
    equal(found.verdict.level, "rollback");
    match(
      found.verdict.sentence,
      /^errors: no requests on the candidate for .*; of \d+ probes \d+ failed on the candidate alone, 0 on stable alone$/,
    );
  });

  it("put a version back that takes twice as long, and not one that is within the tolerance or within 25 ms", () => {
    const slow = watch([ERRORS, P95], 600, () => pair(passed(400), passed(200)));
    match(firstFailing(slow).verdict.sentence, /; of \d+ probes \d+ slower, 0 faster than stable's$/);
    for (const [mine, theirs] of [
      [220, 200],
      [22, 2],
    ] as const) {
      const fine = watch([ERRORS, P95], 900, () => pair(passed(mine), passed(theirs)));
      ok(fine.every((verdicts) => verdicts.every(({ verdict }) => verdict !== "fail")));
    }
  });

  it("let an equal version pass whose answers take now so long, now so long, and none that takes half as long again", () => {
    const passes = (slower: number): number =>
      Array.from({ length: 40 }, (_, seed) => {
        const random = createRandom(seed);
        const one = (times: number): ProbeOutcome => passed(Math.round(200 * times * Math.exp(0.4 * random.normal())));
        const all = watch([P95], 1_000, () => pair(one(slower), one(1)), EVERY);
        return all.some(([verdict]) => verdict?.verdict === "pass") ? 1 : 0;
      }).reduce<number>((sum, each) => sum + each, 0);
    ok(passes(1) >= 36, `${passes(1)} of 40 equal ones passed`);
    ok(passes(1.6) <= 4, `${passes(1.6)} of 40 slower ones passed`);
  });

  it("say nothing against a version where both fail, and do not let it pass either", () => {
    const all = watch([ERRORS], 3_600, () => pair(failed(), failed()));
    ok(all.flat().every(({ verdict }) => verdict === "inconclusive" || verdict === "no-data"));
  });

  it("put back a healthy version at most once in a hundred releases, however often flows fail on both", () => {
    const releases = 200;
    const back = Array.from({ length: releases }, (_, seed) => {
      const random = createRandom(seed);
      const one = (): ProbeOutcome => ({
        passed: random.binomial(1, 0.8) === 1,
        tookMs: 100 * Math.exp(random.normal()),
      });
      return watch([ERRORS, P95], 1_200, () => pair(one(), one()), EVERY).some((verdicts) =>
        verdicts.some(({ verdict }) => verdict === "fail"),
      );
    }).filter(Boolean).length;
    ok(back <= 5, `${back} of ${releases}`);
  });

  it("are counted once, and what speaks against a version stays over the steps", () => {
    const rounds = roundsOf(60, () => pair(failed(), FINE));
    const once = at(FRESH_JUDGE, [ERRORS], rounds, 20);
    const twice = at(once.state, [ERRORS], rounds, 20);
    equal(twice.state.gathered.probed?.guards.errors?.n, once.state.gathered.probed?.guards.errors?.n);
    const next = judgeNextStep(once.state).gathered.probed?.guards.errors;
    equal(next?.n, 0);
    equal(next?.against, once.state.gathered.probed?.guards.errors?.against);
  });
});

describe("without probes", () => {
  it("no requests are no data", () => {
    const [verdict] = at(FRESH_JUDGE, [ERRORS], null, 60).verdicts;
    equal(verdict?.verdict, "no-data");
  });
});

const FLOW = { name: "home", service: "web", requests: [], cleanup: [], variables: {} };

function passed(tookMs: number): ProbeOutcome {
  return { passed: true, tookMs };
}

function failed(): ProbeOutcome {
  return { passed: false, tookMs: 10 };
}

function pair(candidate: ProbeOutcome, stable: ProbeOutcome): ProbePair {
  return { candidate, stable };
}

function roundsOf(seconds: number, told: () => ProbePair): readonly ProbeRound[] {
  return Array.from({ length: Math.floor(seconds / EVERY) }, (_, index) => ({
    second: (index + 1) * EVERY,
    pairs: [told()],
  }));
}

function at(
  state: JudgeState,
  guards: readonly Guard[],
  rounds: readonly ProbeRound[] | null,
  toSecond: number,
): ReturnType<typeof judge> {
  const look: Look = {
    judge: 2,
    guards,
    candidate: "v2",
    stable: "v1",
    rows: [],
    ...(rounds === null ? {} : { probes: { everyMs: EVERY * 1_000, rounds } }),
    fromSecond: 1,
    watchedBeforeMs: 0,
    toSecond,
    sourceDown: null,
    instances: [],
    restartsBefore: {},
    baseline: null,
    plannedMs: 600_000,
    moments: 14,
    alpha: 0.01,
  };
  return judge(state, look);
}

/** The verdicts of each look. */
function watch(
  guards: readonly Guard[],
  seconds: number,
  told: () => ProbePair,
  lookEvery = 1,
): readonly (readonly Verdict[])[] {
  const rounds = roundsOf(seconds, told);
  let state = FRESH_JUDGE;
  return Array.from({ length: seconds / lookEvery }, (_, index) => {
    const second = (index + 1) * lookEvery;
    const result = at(state, guards, rounds.slice(0, Math.floor(second / EVERY)).slice(-2), second);
    state = result.state;
    return result.verdicts;
  });
}

function firstFailing(all: readonly (readonly Verdict[])[]): { readonly second: number; readonly verdict: Verdict } {
  for (const [index, verdicts] of all.entries()) {
    const verdict = verdicts.find(({ verdict: says }) => says === "fail");
    if (verdict !== undefined) return { second: index + 1, verdict };
  }
  throw new Error(
    `Nothing failed: ${
      all
        .at(-1)
        ?.map(({ sentence }) => sentence)
        .join("; ") ?? ""
    }`,
  );
}
