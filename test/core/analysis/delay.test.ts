import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { FRESH_JUDGE, judge, type Judgement } from "../../../src/core/analysis/judge.ts";
import type { InstanceSeen } from "../../../src/core/observation.ts";
import type { Guard } from "../../../src/core/plan/guard.ts";
import { judgements, look, seconds } from "./support/watched-seconds.ts";

const BASE = { windowMs: 60_000, minRequests: 100, minEvents: 3, breaches: 3 };
const COMPARED: Guard = {
  ...BASE,
  metric: "errors",
  limits: { rollback: [{ kind: "relative", factor: 1.5 }] },
  weight: 1,
};
const PLAIN: Guard = { ...BASE, metric: "errors", limits: { rollback: [{ kind: "plain", value: 0.01 }] } };

/** Everything fails for 30 seconds, nothing from then on. */
const WARMING_UP = seconds(200, (second) => (second <= 30 ? { n: 10, bad: 10 } : { n: 10 }));

const kinds = (all: readonly Judgement[]): readonly unknown[] => [
  ...new Set(all.map(({ verdicts: [verdict] }) => verdict?.verdict)),
];

describe("a guard that is looked at later than its step begins", () => {
  for (const [name, guard] of [
    ["with evidence", COMPARED],
    ["over a window", PLAIN],
  ] as const) {
    it(`makes nothing of what was before, ${name}`, () => {
      ok(kinds(judgements([guard], WARMING_UP)).includes("fail"), "without a delay it does");
      const all = judgements([{ ...guard, delayMs: 30_000 }], WARMING_UP);
      deepEqual(kinds(all), ["no-data", "inconclusive", "pass"]);
      match(all.at(-1)?.verdicts[0]?.sentence ?? "", /^errors 0% \(0\/\d/);
    });

    it(`says for how long it is not looked at, and nothing else, ${name}`, () => {
      const all = judgements([{ ...guard, delayMs: 80_000 }], WARMING_UP);
      const [first] = all[0]?.verdicts ?? [];
      deepEqual([first?.verdict, first?.notBeforeMs, first?.figures.n], ["no-data", 79_000, 0]);
      equal(first?.sentence, "errors not looked at for another 1m 19s");
      equal(all[78]?.verdicts[0]?.sentence, "errors not looked at for another 1s");
      equal(all[79]?.verdicts[0]?.notBeforeMs, undefined);
      ok(all.slice(0, 80).every(({ verdicts: [verdict] }) => verdict?.verdict === "no-data"));
    });
  }

  it("judges a fault that is still there then as if it had begun then", () => {
    const broken = seconds(60, { n: 10, bad: 5 });
    const late = judgements([{ ...COMPARED, delayMs: 30_000 }], broken);
    const at = late.findIndex(({ verdicts: [verdict] }) => verdict?.verdict === "fail");
    const atOnce = judgements([COMPARED], broken).findIndex(({ verdicts: [verdict] }) => verdict?.verdict === "fail");
    equal(at, atOnce + 30);
    match(
      late[at]?.verdicts[0]?.sentence ?? "",
      /^errors 50% \(\d{1,2}\/\d{1,2}\) against/,
      "with the figures from then on",
    );
  });

  it("counts the time that was watched before its share was lost and came back", () => {
    const seen = look([{ ...COMPARED, delayMs: 30_000 }], WARMING_UP, { toSecond: 5, watchedBeforeMs: 10_000 });
    equal(judge(FRESH_JUDGE, seen).verdicts[0]?.notBeforeMs, 15_000);
    equal(judge(FRESH_JUDGE, { ...seen, watchedBeforeMs: 30_000 }).verdicts[0]?.notBeforeMs, undefined);
  });

  it("never says that more is missing than its delay, while the first second is not known yet", () => {
    const seen = look([{ ...COMPARED, delayMs: 30_000 }], [], { toSecond: -2 });
    equal(judge(FRESH_JUDGE, seen).verdicts[0]?.notBeforeMs, 30_000);
  });

  it("does not count crashes of before", () => {
    const guard: Guard = {
      ...BASE,
      breaches: 1,
      metric: "restarts",
      limits: { rollback: [{ kind: "absolute", value: 1 }] },
    };
    const crashed = (restarts: number): readonly InstanceSeen[] => [
      { id: "a", service: "web", slot: "green", version: "v2", state: "running", restarts, adopted: false },
    ];
    const restartsAt = (second: number): number => (second < 20 ? 0 : second < 40 ? 3 : second < 50 ? 4 : 6);
    const all = judgements([{ ...guard, delayMs: 30_000 }], seconds(60, { n: 10 }), (second) => ({
      instances: crashed(restartsAt(second)),
    }));
    equal(all[44]?.verdicts[0]?.sentence, "restarts 1, limit 1");
    const failed = all.findIndex(({ verdicts: [verdict] }) => verdict?.verdict === "fail");
    equal(failed, 49);
    equal(all[49]?.verdicts[0]?.sentence, "restarts 3, limit 1");
  });

  it("leaves the other guards alone", () => {
    const other: Guard = { ...BASE, metric: "p95", limits: { rollback: [{ kind: "absolute", value: 1_000 }] } };
    const alone = judgements([other], WARMING_UP).map(({ verdicts: [verdict] }) => verdict);
    const beside = judgements([{ ...COMPARED, delayMs: 30_000 }, other], WARMING_UP).map(({ verdicts: [, it] }) => it);
    deepEqual(beside, alone);
  });
});
