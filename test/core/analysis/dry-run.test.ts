import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Guard } from "../../../src/core/plan/guard.ts";
import { judgements, look, seconds } from "./support/watched-seconds.ts";
import { FRESH_JUDGE, judge } from "../../../src/core/analysis/judge.ts";

const BASE = { windowMs: 60_000, minRequests: 100, minEvents: 3, breaches: 3 };
const ERRORS: Guard = {
  ...BASE,
  metric: "errors",
  limits: { rollback: [{ kind: "relative", factor: 1.5 }] },
  weight: 1,
};
const TRIED: Guard = {
  ...BASE,
  metric: "p95",
  limits: { rollback: [{ kind: "relative", factor: 1.15 }] },
  dryRun: true,
};

describe("a guard that is only tried out", () => {
  it("says what it would do, by all of the evidence that it has itself", () => {
    const slow = seconds(120, { n: 10, ms: 200 });
    const verdicts = judgements([ERRORS, TRIED], slow).map(({ verdicts: [, tried] }) => tried);
    const found = verdicts.find((verdict) => verdict?.verdict === "fail");
    deepEqual([found?.level, found?.dryRun], ["rollback", true]);
    match(found?.sentence ?? "", /^p95 \S+ against \S+, limit 1\.15x, n = \d+ \(dry run, it would roll back\)$/);
    ok((found?.figures.evidence ?? 0) >= 100, "it acts at 100, as any other");
  });

  it("says that it is tried out of everything that it says", () => {
    for (const rows of [seconds(5, { n: 10 }), seconds(200, { n: 10 }), seconds(5, { n: 0 })])
      for (const { verdicts } of judgements([TRIED], rows))
        match(verdicts[0]?.sentence ?? "", / \(dry run\)$/, verdicts[0]?.verdict);
    const [down] = judge(FRESH_JUDGE, look([TRIED], [], { sourceDown: "nobody answers" })).verdicts;
    equal(down?.sentence, "p95 unknown: nobody answers (dry run)");
  });

  it("takes nothing from the evidence of the others and gives nothing to it", () => {
    const rows = seconds(90, (second) => ({ n: 10, bad: second % 3 === 0 ? 1 : 0, ms: 400 }));
    const alone = judgements([ERRORS], rows).map(({ verdicts: [errors] }) => errors);
    const beside = judgements([TRIED, ERRORS], rows).map(({ verdicts: [, errors] }) => errors);
    deepEqual(beside, alone);
    ok(alone.some((verdict) => verdict?.verdict === "fail"));
  });

  it("over a window too, and stable's share of it is no incident of the environment", () => {
    const plain: Guard = { ...TRIED, metric: "errors", limits: { rollback: [{ kind: "plain", value: 0.01 }] } };
    const last = judgements([plain], seconds(30, { n: 10, bad: 2 }, { n: 190, bad: 40 })).at(-1);
    deepEqual([last?.verdicts[0]?.verdict, last?.verdicts[0]?.dryRun], ["fail", true]);
    match(last?.verdicts[0]?.sentence ?? "", /limit 1% \(dry run, it would roll back\)$/);
    deepEqual(last?.stableVerdicts, []);
  });
});
