import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { bucketOf } from "../../../src/core/analysis/histogram.ts";
import { FRESH_JUDGE, judge, type Judgement } from "../../../src/core/analysis/judge.ts";
import type { SecondRow } from "../../../src/core/observation.ts";
import { type Guard, guardId, type Limit, type Verdict } from "../../../src/core/plan/guard.ts";
import { judgements, look, seconds } from "./support/watched-seconds.ts";

const BASE = { windowMs: 60_000, minRequests: 100, minEvents: 3, breaches: 3 };
const relative = (factor: number): Limit => ({ kind: "relative", factor });
const CHECKOUT = { feature: "checkout", only: { path: "/checkout" } } as const;
const ALL: Guard = { ...BASE, metric: "errors", limits: { rollback: [relative(1.5)] }, weight: 0.5 };
const OF_CHECKOUT: Guard = { ...ALL, ...CHECKOUT };

interface Part {
  readonly n: number;
  readonly bad?: number;
  readonly ms?: number;
}

/** The same rows, with so many requests of checkout among them. */
function withCheckout(rows: readonly SecondRow[], candidate: Part, stable: Part): readonly SecondRow[] {
  return rows.map((row) => {
    const { n, bad = 0, ms = 40 } = row.version === "v2" ? candidate : stable;
    if (n === 0) return row;
    return { ...row, features: { checkout: { requests: n, bad, latency: { [bucketOf(ms)]: n } } } };
  });
}

const of = (judgement: Judgement | undefined, id: string): Verdict | undefined =>
  judgement?.verdicts.find((verdict) => guardId(verdict) === id);
const foundAt = (all: readonly Judgement[], id: string): number =>
  all.findIndex((judgement) => of(judgement, id)?.verdict === "fail");

/** Every checkout fails: 1 of 100 requests of the candidate, which fails 1 of 100 anyway. */
const BROKEN = withCheckout(seconds(120, { n: 100, bad: 1 }, { n: 1_900, bad: 19 }), { n: 1, bad: 1 }, { n: 19 });

describe("a guard by feature", () => {
  it("finds among its own requests what is lost among all of them, and says of which they are", () => {
    const all = judgements([ALL, OF_CHECKOUT], BROKEN);
    equal(foundAt(all, "errors"), -1);
    const at = foundAt(all, "errors:checkout");
    ok(at > 0 && at < 60, `second ${at}`);
    const found = of(all[at], "errors:checkout");
    deepEqual([found?.metric, found?.feature, found?.level], ["errors", "checkout", "rollback"]);
    match(found?.sentence ?? "", /^errors of checkout 100% \((\d+)\/\1\) against 0% \(0\/\d+\), limit 1\.5x$/);
  });

  it("has evidence of its own: neither takes from the other's, and what fails elsewhere is none of its business", () => {
    const elsewhere = withCheckout(seconds(60, { n: 100, bad: 30 }), { n: 10 }, { n: 19 });
    const both = judgements([ALL, OF_CHECKOUT], elsewhere);
    ok(foundAt(both, "errors") >= 0);
    equal(foundAt(both, "errors:checkout"), -1);
    const alone = judgements([OF_CHECKOUT], elsewhere).at(-1)?.state.gathered.guards["errors:checkout"];
    deepEqual(both.at(-1)?.state.gathered.guards["errors:checkout"], alone);
    deepEqual(Object.keys(both.at(-1)?.state.gathered.guards ?? {}).sort(), ["errors", "errors:checkout"]);
  });

  for (const [name, limit] of [
    ["a limit of its own", { kind: "absolute", value: 0.05 }],
    ["a limit over a window", { kind: "plain", value: 0.05 }],
  ] as const) {
    it(`keeps ${name}`, () => {
      const guard: Guard = { ...OF_CHECKOUT, limits: { rollback: [limit] }, minRequests: 20 };
      const whole: Guard = { ...ALL, limits: { rollback: [limit] }, minRequests: 20 };
      const all = judgements([whole, guard], BROKEN);
      equal(foundAt(all, "errors"), -1);
      ok(foundAt(all, "errors:checkout") > 0);
      match(of(all.at(-1), "errors:checkout")?.sentence ?? "", /^errors of checkout 100% .* limit 5%/);
    });
  }

  it("on a latency goes by what its own requests take, on both sides", () => {
    const guard: Guard = { ...OF_CHECKOUT, metric: "p95", limits: { rollback: [relative(1.15)] } };
    const whole: Guard = { ...guard, feature: undefined, only: undefined } as unknown as Guard;
    const slow = withCheckout(
      seconds(120, { n: 200, ms: 20 }, { n: 400, ms: 20 }),
      { n: 5, ms: 400 },
      { n: 20, ms: 100 },
    );
    const all = judgements([guard], slow);
    const found = of(all[foundAt(all, "p95:checkout")], "p95:checkout");
    match(found?.sentence ?? "", /^p95 of checkout 40\dms against 10\dms, limit 1\.15x, n = \d+$/);
    equal(foundAt(judgements([whole], slow), "p95"), -1);
  });

  it("compares what the data plane counts of it by visitors", () => {
    const counted = BROKEN.map((row): SecondRow => ({
      ...row,
      counted: {
        errors: { requests: row.requests, bad: 0, newlyBad: 0 },
        "errors:checkout":
          row.version === "v2" ? { requests: 1, bad: 1, newlyBad: 1 } : { requests: 19, bad: 0, newlyBad: 0 },
      },
    }));
    const all = judgements([ALL, OF_CHECKOUT], counted);
    equal(foundAt(all, "errors"), -1);
    equal(all[9]?.state.gathered.guards["errors:checkout"]?.failing, 10);
    ok(foundAt(all, "errors:checkout") > 0);
  });

  it("that nobody asks for is not known, which is no pass (I4)", () => {
    const all = judgements([OF_CHECKOUT], seconds(60, { n: 100 }));
    deepEqual([...new Set(all.map((each) => of(each, "errors:checkout")?.verdict))], ["no-data"]);
    equal(
      of(all.at(-1), "errors:checkout")?.sentence,
      "errors of checkout unknown: no requests on the candidate for 1m",
    );
  });

  it("may be called what every object has", () => {
    const odd: Guard = { ...OF_CHECKOUT, feature: "constructor" };
    equal(of(judgements([odd], seconds(5, { n: 10 })).at(-1), "errors:constructor")?.verdict, "no-data");
  });

  it("leaves visitors' own speeds to the guards of all requests", () => {
    const latency: Guard = { ...BASE, metric: "p95", limits: { rollback: [relative(1.15)] }, weight: 1 };
    const rows = withCheckout(seconds(30, { n: 10 }), { n: 1 }, { n: 19 }).map((row): SecondRow =>
      row.second === 10 && row.version === "v2"
        ? { ...row, visitors: { candidates: 80, visitors: 900, slower: 2, logEvidence: 40 } }
        : row,
    );
    ok(foundAt(judgements([latency], rows), "p95") > 0, "of all it says much");
    equal(foundAt(judgements([{ ...latency, ...CHECKOUT }], rows), "p95:checkout"), -1);
  });

  it("goes on from what an engine kept that knew of no features", () => {
    const kept = judgements([ALL], BROKEN).at(-1)?.state.gathered;
    ok(kept !== undefined);
    const state = { ...FRESH_JUDGE, gathered: { ...kept, upTo: 0 } };
    const { state: next } = judge(state, look([ALL, OF_CHECKOUT], BROKEN, { toSecond: 30 }));
    equal(next.gathered.guards.errors?.against["rollback:0"]?.seconds, 150);
    equal(next.gathered.guards["errors:checkout"]?.against["rollback:0"]?.seconds, 30);
  });
});
