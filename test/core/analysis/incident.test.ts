import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Judgement } from "../../../src/core/analysis/judge.ts";
import type { Guard } from "../../../src/core/plan/guard.ts";
import { judgements, type Side, seconds } from "./support/watched-seconds.ts";

const BASE = { windowMs: 60_000, minRequests: 100, minEvents: 3, breaches: 3 };
const ONE_PERCENT: Guard = { ...BASE, metric: "errors", limits: { rollback: [{ kind: "absolute", value: 0.01 }] } };
const TWICE: Guard = {
  ...BASE,
  metric: "errors",
  limits: {
    rollback: [
      { kind: "absolute", value: 0.01 },
      { kind: "relative", factor: 2 },
    ],
  },
};
const COMPARED: Guard = {
  ...BASE,
  metric: "errors",
  limits: { rollback: [{ kind: "relative", factor: 1.5 }] },
  weight: 1,
};

/** Seven of thirty requests a second are the candidate's. */
const CANDIDATE = 8;
const STABLE = 22;

/** A part of the requests is bad in some seconds, and none in the others. */
function bad(n: number, rate: number, from: number, to: number): (second: number) => Side {
  // Whole requests that come to the rate.
  const upTo = (second: number): number => Math.round(n * rate * (second - from + 1));
  return (second) => (second < from || second > to ? { n } : { n, bad: upTo(second) - upTo(second - 1) });
}

describe("an incident of the environment", () => {
  const both = (
    guard: Guard,
    to: number,
    count: number,
    more: (second: number) => Side = bad(CANDIDATE, 0.3, 11, to),
  ) => judgements([guard], seconds(count, more, bad(STABLE, 0.3, 11, to)));

  for (const guard of [ONE_PERCENT, TWICE]) {
    const name = guard === TWICE ? "[1%, 2x]" : "1%";
    it(`blames nobody while it lasts, and nobody afterwards: ${name}`, () => {
      const all = both(guard, 30, 240);
      const during = all.slice(20, 29).filter(isRollback);
      ok(during.length > 0 && during.every(({ stableVerdicts }) => stableVerdicts.length === 1), "stable is as bad");
      deepEqual(
        all.filter((one) => isRollback(one) && one.stableVerdicts.length === 0).length,
        0,
        "the candidate is never the worse",
      );
      deepEqual(all.slice(60).filter(isRollback), [], "a minute later there is nothing left of it");
      equal(all.at(-1)?.verdicts[0]?.verdict, "pass");
    });
  }

  it("does not hide a candidate that is broken by itself afterwards", () => {
    const alone = (second: number): Side =>
      second < 56 ? bad(CANDIDATE, 0.3, 11, 30)(second) : bad(CANDIDATE, 0.3, 56, 999)(second);
    const all = both(ONE_PERCENT, 30, 100, alone);
    const found = all.findIndex((one) => isRollback(one) && one.stableVerdicts.length === 0) + 1;
    ok(found > 56 && found < 76, `found in second ${found}`);
  });

  it("keeps a step from passing, where nothing but a comparison is asked", () => {
    const before = seconds(60, { n: 0 }, { n: STABLE });
    const during = seconds(180, bad(CANDIDATE, 0.3, 71, 180), bad(STABLE, 0.3, 71, 180)).filter(
      ({ second }) => second > 60,
    );
    const all = judgements([COMPARED], [...before, ...during], () => ({ fromSecond: 61 }));
    const late = all.slice(80, 180);
    ok(late.length > 0 && late.every(({ verdicts: [verdict] }) => verdict?.verdict === "inconclusive"));
    match(late.at(-1)?.verdicts[0]?.sentence ?? "", /; stable itself has an incident, so nothing can be shown$/);
  });
});

describe("a candidate that is far worse than a stable that breaks the limit too", () => {
  for (const guard of [ONE_PERCENT, TWICE])
    it(`is put back: ${guard === TWICE ? "[1%, 2x]" : "1%"}`, () => {
      const all = judgements([guard], seconds(120, bad(5, 0.3, 1, 999), bad(95, 0.05, 1, 999)));
      const found = all.findIndex((one) => isRollback(one) && one.stableVerdicts.length === 0) + 1;
      ok(found > 0 && found < 40, `found in second ${found}`);
    });
});

function isRollback({ verdicts: [verdict] }: Judgement): boolean {
  return verdict?.verdict === "fail" && verdict.level === "rollback";
}
