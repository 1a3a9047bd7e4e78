import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { planHashOf, type PlanPreview, warningsOf } from "../../src/cli/plan-preview.ts";
import { planView } from "../../src/cli/render/plan-view.ts";
import { GUARDS, planOf, step, WEB, WORKER } from "../support/plans.ts";

const PLAN = planOf(
  [
    step.start(),
    step.shift(5, 600_000, { phase: { name: "canary", objective: "real traffic, early" } }),
    step.shift(25, 0, { hold: { kind: "evidence", atLeastMs: 60_000, boundMs: 600_000 }, else: "step-back" }),
    step.shift(100, 60_000),
    step.approve("day-1", { afterMs: 86_400_000 }),
    step.retire(),
  ],
  { services: [WEB, WORKER] },
);

const PREVIEW: Omit<PlanPreview, "warnings"> = {
  plan: PLAN,
  planHash: "cafe".repeat(16),
  stable: { version: "a1f09cdd", label: "a1f09c", isAdopted: false },
  candidate: { version: "9f2c1edd", label: "9f2c1e" },
  requestsPerSecond: 180,
  overrides: [{ name: "CANARY_PERCENTAGE", value: "5", key: "steps[0].shift", from: "10%", to: "5%" }],
  lastWorkMs: 4_200,
};
const STYLE = { width: 100, colours: false, unicode: true };

describe("what a release would do", () => {
  it("is told step by step, with times, guards, what variables changed and what to know", () => {
    const view = planView({ ...PREVIEW, warnings: ["Little traffic."] }, STYLE);
    assert.equal(
      `\n${view.join("\n")}\n`,
      `
tidegate plan  shop a1f09c → 9f2c1e  production  traffic seen: 180/s                 changes nothing
  1 start       web beside a1f09c, ready within 30s
    canary: real traffic, early
  2   shift 5%  for 10m
                watched: errors: rolls back at 1%
  3 shift 25%   1m to 10m, until there is enough evidence · else step-back
  4 shift 100%  for 1m · switches worker
  5 day-1       waits for approver · 1d after it is live
  6 retire      stops a1f09c · until here undo takes under 1s, after it a start

  undo  no point of no return: no contract step in this plan, so it can be rolled back to its end
  time  holds 12m to 21m, and what people and windows take; budget of the rest 5m. The work itself
        took 4.2s last time.
  hash  cafecafecafecafecafecafecafecafecafecafecafecafecafecafecafecafe
  env   CANARY_PERCENTAGE=5: steps[0].shift 10% → 5%
  ! Little traffic.
`,
    );
  });

  it("says where the way back ends of what was taken over", () => {
    const stable = { version: "adopted-1", label: "adopted 127.0.0.1:3000", isAdopted: true };
    const view = planView({ ...PREVIEW, stable, warnings: [] }, { ...STYLE, width: 140 }).join("\n");
    assert.match(
      view,
      /stops adopted 127\.0\.0\.1:3000 · until here undo takes under 1s, after it there is no way back to it/,
    );
  });

  it("leaves partial shares out where nothing serves yet", () => {
    const view = planView({ ...PREVIEW, stable: null, warnings: [] }, STYLE).join("\n");
    assert.match(view, /shift 5% +left out: nothing serves yet/);
    assert.doesNotMatch(view, /left out[^\n]*\n +watched/);
    assert.match(view, /shift 100%[^\n]*\n +watched: errors/);
    assert.match(view, /holds 1m,/);
  });
});

describe("what to know before a release", () => {
  const warnings = (over: Partial<typeof PREVIEW>): string => warningsOf({ ...PREVIEW, ...over }, [], []).join("\n");

  it("is little traffic, with the figures", () => {
    assert.equal(warnings({}), "");
    const [errors] = GUARDS;
    assert.match(
      warnings({ requestsPerSecond: 2 }),
      new RegExp(
        `^Little traffic: at 5% about 6 requests in 1m reach the new version, and "errors" needs ${errors?.minRequests}\\.`,
      ),
    );
  });

  it("is no matter of traffic where nobody can be asked, or nothing serves", () => {
    assert.equal(warnings({ requestsPerSecond: null }), "");
    assert.equal(warnings({ requestsPerSecond: 2, stable: null }), "");
  });

  it("is a deployment that took longer than its budget", () => {
    assert.match(
      warnings({ lastWorkMs: 400_000 }),
      /^The last deployment took 6m 40s without its holds, and the budget is 5m\.$/,
    );
  });

  it("is a version that serves already", () => {
    assert.match(
      warnings({ candidate: PREVIEW.stable ?? PREVIEW.candidate }),
      /^a1f09c serves already: there is nothing to release\.$/,
    );
  });

  it("is an automatic rollback that is switched off", () => {
    assert.match(warnings({ plan: { ...PLAN, automaticRollback: false } }), /^Automatic rollback is off/);
  });
});

it("the hash of a plan is the same for the same plan, and another for another", () => {
  assert.equal(planHashOf(PLAN), planHashOf(structuredClone(PLAN)));
  assert.notEqual(planHashOf(PLAN), planHashOf({ ...PLAN, budgetMs: 1 }));
});
