import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SeenTraffic } from "../../src/core/forecast/catches.ts";
import type { Guard } from "../../src/core/plan/guard.ts";
import type { Plan } from "../../src/core/plan/plan.ts";
import { powerOf } from "../../src/core/forecast/plan-power.ts";
import { planHashOf, type PlanPreview, warningsOf } from "../../src/cli/plan-preview.ts";
import { powerSentence } from "../../src/cli/render/plan-power.ts";
import { seenOf } from "../../src/cli/traffic-seen.ts";
import type { SecondRow } from "../../src/core/observation.ts";
import { planView } from "../../src/cli/render/plan-view.ts";
import { planOf, step, WEB, WORKER } from "../support/plans.ts";

const RATE = { windowMs: 60_000, minRequests: 50, minEvents: 3, breaches: 2 };
const COMPARED: readonly Guard[] = [
  { ...RATE, metric: "errors", limits: { rollback: [{ kind: "relative", factor: 1.5 }] }, weight: 0.625 },
  { ...RATE, metric: "p95", limits: { rollback: [{ kind: "relative", factor: 1.15 }] }, weight: 0.375 },
];

const PLAN = planOf(
  [
    step.start(),
    step.shift(5, 600_000, { guards: COMPARED, phase: { name: "canary", objective: "real traffic, early" } }),
    step.shift(25, 0, {
      guards: COMPARED,
      hold: { kind: "evidence", atLeastMs: 60_000, boundMs: 600_000 },
      else: "step-back",
    }),
    step.shift(100, 60_000),
    step.approve("day-1", { afterMs: 86_400_000 }),
    step.retire(),
  ],
  { services: [WEB, WORKER] },
);

function seen(rps: number, errors = 0.001): SeenTraffic {
  return { rps, errors, latency: {} };
}

const PREVIEW: Omit<PlanPreview, "warnings"> = {
  plan: PLAN,
  planHash: "cafe".repeat(16),
  stable: { version: "a1f09cdd", label: "a1f09c", isAdopted: false },
  candidate: { version: "9f2c1edd", label: "9f2c1e" },
  requestsPerSecond: 180,
  trafficSeenMs: 60_000,
  power: powerOf(PLAN, seen(180)),
  otherDays: [],
  sources: [],
  schema: null,
  rehearsal: null,
  overrides: [{ name: "CANARY_PERCENTAGE", value: "5", key: "steps[0].shift", from: "10%", to: "5%" }],
  lastWorkMs: 4_200,
};
const STYLE = { width: 100, colours: false, unicode: true };

describe("what a release would do", () => {
  it("says what it does to the schema, and which step is the point of no return", () => {
    const changed = [step.backup(), step.migrate("expand"), ...PLAN.steps, step.migrate("contract")];
    const view = planView({ ...PREVIEW, plan: { ...PLAN, steps: changed }, warnings: [] }, STYLE).join("\n");
    assert.match(view, /1 backup +restored beside the database and compared\n/);
    assert.match(
      view,
      /2 migrate expand +pending migrations, without keeping readers waiting · taken back where nothing\n/,
    );
    assert.match(view, /9 migrate contract +takes away what a1f09c needs of the database · point of no return/);
    assert.match(view, /undo {2}it can be rolled back until "migrate contract", which is the point of no return\n/);
  });

  it("has no point of no return where no contract is pending", () => {
    const changed = [step.migrate("expand"), ...PLAN.steps, step.migrate("contract")];
    const schema = { kind: "known", pending: [], problems: [] } as const;
    const view = planView({ ...PREVIEW, plan: { ...PLAN, steps: changed }, schema, warnings: [] }, STYLE).join("\n");
    assert.match(view, /8 migrate contract +does nothing: no contract is pending, so the way back stays\n/);
    assert.match(view, /undo {2}it can be rolled back to its end: no contract is pending\n/);
  });

  it("is told step by step, with times, guards, what variables changed and what to know", () => {
    const view = planView({ ...PREVIEW, warnings: ["Little traffic."] }, STYLE);
    assert.equal(
      `\n${view.join("\n")}\n`,
      `
tidegate plan  shop a1f09c → 9f2c1e  production  traffic seen: 180/s                 changes nothing
  1 start       web beside a1f09c, ready within 30s
    canary: real traffic, early
  2   shift 5%  for 10m
                watched: errors: rolls back at 1.5x; p95: rolls back at 1.15x
                catches errors of 2% (~100%), 1% (~100%), 0.5% 86% of the time; proves a healthy
                version in about 56s
  3 shift 25%   1m to 10m, until there is enough evidence · else step-back
                catches errors of 1% (~100%), 0.5% (~100%), 0.25% only 1 time in 4; proves a healthy
                version in about 11s
  4 shift 100%  for 1m · switches worker
                watched: errors: rolls back at 1%
  5 day-1       waits for approver · 1d after it is live
  6 retire      stops a1f09c · until here undo takes under 1s, after it a start

  undo  it can be rolled back to its end: no step is a point of no return
  time  holds 12m to 21m, and what people and windows take; budget of the rest 5m. The work itself
        took 4.2s last time.
  hash  cafecafecafecafecafecafecafecafecafecafecafecafecafecafecafecafe
  env   CANARY_PERCENTAGE=5: steps[0].shift 10% → 5%
  ! Little traffic.
`,
    );
  });

  it("says of each share what the comparison would catch, latency too where it is known", () => {
    const latency = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [700 + i, i < 100 ? i : 200 - i]));
    const power = powerOf(PLAN, { ...seen(50), latency });
    assert.deepEqual(
      power.map(({ step, share, seconds }) => [step, share, seconds]),
      [
        [PLAN.steps[1]?.id, 500, 600],
        [PLAN.steps[2]?.id, 2_500, 600],
      ],
    );
    assert.match(
      power.map(powerSentence)[0] ?? "",
      /^catches errors of 5% \(~100%\), 2% \(~100%\), 1% 8\d% of the time; latency of [\d.]+x \(/,
    );
  });

  it("says in a line that nothing is known where no traffic was seen", () => {
    const view = (over: Partial<typeof PREVIEW>): string =>
      planView({ ...PREVIEW, power: [], ...over, warnings: [] }, { ...STYLE, width: 160 }).join("\n");
    assert.match(
      view({ requestsPerSecond: null }),
      /^ {2}power no traffic was seen, so what each share would catch is not known/m,
    );
    assert.match(view({ requestsPerSecond: 0 }), /^ {2}power there was no traffic in the last minute, so what/m);
    assert.doesNotMatch(view({ requestsPerSecond: null, stable: null }), / power /);
    assert.doesNotMatch(view({ power: powerOf(PLAN, seen(180)) }), / power /);
  });

  it("says where the way back ends of what was taken over", () => {
    const stable = { version: "adopted-1", label: "adopted 127.0.0.1:3000", isAdopted: true };
    const view = planView({ ...PREVIEW, stable, warnings: [] }, { ...STYLE, width: 140 }).join("\n");
    assert.match(
      view,
      /stops adopted 127\.0\.0\.1:3000 · until here undo takes under 1s, after it there is no way back to it/,
    );
  });

  it("tells a limit over a window from one that is tested, and a tiny one from none", () => {
    const limits = (value: number, kind: "plain" | "absolute", more: Partial<Guard> = {}): string => {
      const guard: Guard = { ...RATE, metric: "errors", limits: { rollback: [{ kind, value }] }, ...more };
      const plan = planOf([step.start(), step.shift(100, 60_000, { guards: [guard] })]);
      const view = planView({ ...PREVIEW, plan, power: [], warnings: [] }, { ...STYLE, width: 200 }).join("\n");
      return /watched: (.*)/.exec(view)?.[1] ?? "";
    };
    assert.equal(limits(0.01, "absolute"), "errors: rolls back at 1%");
    assert.equal(limits(0.01, "plain"), "errors (over 1m, from 50 requests on, 2 times in a row): rolls back at > 1%");
    assert.equal(
      limits(0.01, "plain", { breaches: 1, failures: 5 }),
      "errors (over 1m, from 50 requests on, at once or 5 in all): rolls back at > 1%",
    );
    assert.equal(
      limits(0.99, "plain", { metric: "availability" }),
      "availability (over 1m, from 50 requests on, 2 times in a row): rolls back at < 99%",
    );
    assert.equal(limits(0.000_001, "absolute"), "errors: rolls back at 0.0001%");
    assert.equal(limits(1e-9, "absolute"), "errors: rolls back at 0.0000001%");
    assert.equal(limits(0, "absolute"), "errors: rolls back at 0%");
    assert.equal(
      limits(0.01, "absolute", { promote: 0.03 }),
      "errors: rolls back at 1%, passes once 3% is excluded",
      "what must be shown, where that is not the limit",
    );
    assert.equal(
      limits(0.01, "absolute", { slo: 0.001 }),
      "errors: rolls back at 1%, objective 0.1% (rolls back at 14.4x its pace, holds at 6x)",
    );
  });

  it("takes the mean of traffic that has just begun over the time since then, and says so", () => {
    const at = 1_767_225_600_000;
    const rows = (from: number, each: number): SecondRow[] =>
      Array.from({ length: from }, (_, index) => ({
        second: at / 1_000 - from + index,
        version: "v1",
        requests: each,
        status: { ok: each, redirect: 0, client: 0, server: 0, failed: 0 },
        latency: {},
        webSockets: { opened: 0, failed: 0 },
        worst: [],
        mixed: false,
      }));
    const asked = { at, since: at - 3_600_000, version: null };
    const begun = seenOf(rows(5, 40), asked);
    assert.deepEqual([begun.rps, begun.overMs], [40, 5_000]);
    const title = planView(
      { ...PREVIEW, requestsPerSecond: begun.rps, trafficSeenMs: begun.overMs, warnings: [] },
      STYLE,
    )[0];
    assert.match(title ?? "", / traffic seen: 40\/s for 5s /);
    const steady = seenOf(rows(300, 40), asked);
    assert.deepEqual([steady.rps, steady.overMs], [40, 60_000]);
    assert.deepEqual([seenOf([], asked).rps], [0]);
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

  it("is a share that can't prove a healthy version in twice its time, and leaves a release waiting", () => {
    const text = warnings({ power: powerOf(PLAN, seen(3)) });
    assert.match(
      text,
      /^"shift 5%" can hardly show within 20m that a version is healthy, it takes about 56m\. Give it a larger share/m,
    );
    assert.equal(warnings({ power: powerOf(PLAN, seen(50)) }), "");
  });

  it("is none where probes show it in time, and says how long they take where they do not", () => {
    const flow = { name: "home", service: "web", requests: [], cleanup: [], variables: {} };
    const probed = (everyMs: number): Plan => ({ ...PLAN, probes: { flows: [flow], everyMs } });
    const often = powerOf(probed(1_000), seen(0.5));
    assert.match(often.map(powerSentence)[0] ?? "", /; its probes alone in about 6m$/);
    assert.doesNotMatch(warnings({ power: often }), /can hardly show/);
    assert.match(
      warnings({ power: powerOf(probed(60_000), seen(0.5)) }),
      /^"shift 5%" can hardly show [^\n]* Its probes take about 6h\. Give it a larger share or more time, probe more often, or give a guard an easier `promote`\.$/m,
    );
    assert.match(warnings({ power: powerOf(PLAN, seen(0.5)) }), /easier `promote`, or the plan `probes`\.$/m);
  });

  it("is a step that ends before anything can be said minute by minute, unless that only warns", () => {
    const memory = (level: "warn" | "hold", forMs: number): string => {
      const guard: Guard = { ...RATE, metric: "memory", limits: { [level]: [{ kind: "growth", value: 0.1 }] } };
      return warnings({
        plan: planOf([step.start(), step.shift(5, forMs, { guards: [...COMPARED, guard] })]),
        power: [],
      });
    };
    assert.match(
      memory("hold", 60_000),
      /^"shift 5%" has 1m, and what its "memory" compares minute by minute takes 12m at the least: it waits/,
    );
    assert.equal(memory("hold", 600_000), "");
    assert.equal(memory("warn", 60_000), "");
  });

  it("is a plain limit without enough requests, with the figures", () => {
    const plain: Guard = { ...RATE, metric: "errors", limits: { rollback: [{ kind: "plain", value: 0.01 }] } };
    const plan = planOf([step.start(), step.shift(5, 600_000, { guards: [plain] }), step.shift(100, 60_000)]);
    assert.equal(warnings({ plan, power: [] }), "");
    assert.match(
      warnings({ plan, power: [], requestsPerSecond: 2 }),
      /^Little traffic: at 5% about 6 requests in 1m reach the new version, and "errors" needs 50\./,
    );
    const power = powerOf(plan, seen(2));
    assert.match(power.map(powerSentence)[0] ?? "", /^compares nothing with stable/);
    assert.equal(power[0]?.weak, null);
  });

  it("is a share that can't tell anything, with what would help", () => {
    const text = warnings({ requestsPerSecond: 3, power: powerOf(PLAN, seen(3)) });
    assert.match(
      text,
      /^Little traffic: at 3 requests a second "shift 5%" sees 9 requests a minute and in 10m would in 62% of releases notice 5% errors\. Use 25%, or stay for 20m\. To show that a version is healthy takes about 56m: a step waits for that up to twice its time\.$/m,
    );
    assert.doesNotMatch(text, /^Little traffic: [^\n]*"shift 25%"/m);
    const none = warnings({ power: powerOf(PLAN, seen(0.001)) });
    assert.match(none, /would hardly ever notice 5% errors\. No share up to 50% and no time up to a week would do\.$/m);
    assert.match(
      warnings({ power: powerOf(PLAN, seen(0.5)) }),
      /^Little traffic: [^\n]* sees 90 requests an hour .* Stay for 2h\. To show that a version is healthy takes about 6h: a step/m,
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

  it("is a plan by which nothing is watched, and a share", () => {
    const off = (level: number, guards: readonly Guard[] = []): Plan["steps"][number] =>
      step.shift(level, 60_000, { guards, hold: { kind: "evidence", atLeastMs: 60_000, boundMs: 600_000 } });
    const plan = planOf([step.start(), off(5), off(100)]);
    assert.match(
      warnings({ plan, power: [] }),
      /^Nothing is watched: no guard acts, so a version that answers with errors goes live\. Only failed checks and/,
    );
    const view = planView({ ...PREVIEW, plan, power: [], warnings: [] }, STYLE).join("\n");
    assert.match(view, /shift 5% +1m$/m);
    assert.doesNotMatch(view, /enough evidence/);
    const dry = COMPARED.map((guard): Guard => ({ ...guard, dryRun: true }));
    assert.match(
      warnings({ plan: planOf([step.start(), off(5, dry), off(100, dry)]), power: [] }),
      /^Nothing is watched:/,
    );
    const half = planOf([step.start(), off(5), off(100, COMPARED)]);
    assert.match(warnings({ plan: half, power: [] }), /^Nothing is watched in "shift 5%": no guard acts there, so/);
    assert.equal(warnings({ plan: half, power: [], stable: null }), "", "left out, where nothing serves yet");
  });

  it("is a plan that watches no answer, whatever else it watches", () => {
    const told = (...guards: readonly Guard[]): string =>
      warnings({ plan: planOf([step.start(), step.shift(5, 60_000, { guards })]), power: [] });
    const restarts: Guard = { ...RATE, metric: "restarts", limits: { rollback: [{ kind: "absolute", value: 2 }] } };
    const memory: Guard = { ...RATE, metric: "memory", limits: { hold: [{ kind: "absolute", value: 0.9 }] } };
    const warned: Guard = { ...RATE, metric: "errors", limits: { warn: [{ kind: "absolute", value: 0.01 }] } };
    assert.match(
      told(restarts),
      /^What visitors get is not watched: no guard on it acts, so a version that answers with errors goes live\. Only restarts, failed checks and instances/,
    );
    assert.match(told(memory), /^What visitors get is not watched: .* Only failed checks and instances/);
    assert.match(told(warned), /^Nothing is watched: no guard acts/, "who is only told of it can't stop it");
    assert.equal(told(restarts, ...COMPARED), "");
  });

  it("is a step that nobody visits and whose probes are too few", () => {
    const flow = { name: "home", service: "web", requests: [], cleanup: [], variables: {} };
    const told = (everyMs: number): string => {
      const shift = step.shift(5, 60_000, { guards: COMPARED });
      const plan = { ...planOf([step.start(), shift]), probes: { everyMs, flows: [flow] } };
      return warnings({ plan, power: [], requestsPerSecond: 0 });
    };
    assert.equal(
      told(1_000),
      'Without visitors "shift 5%" can\'t show within 2m that a version is healthy: its probes alone take about 6m. Probe more often or by more flows, give it more time, or give a guard an easier `promote`.',
    );
    assert.equal(told(200), "");
  });

  it("is nothing of other days for the first version, which waits for no figures", () => {
    const otherDays = [{ step: "shift-5", name: "shift 5%", sentence: "errors: no data plane runs", isKnown: false }];
    assert.match(warnings({ otherDays }), /^"shift 5%" can't hold errors: no data plane runs\. It waits/);
    assert.equal(warnings({ otherDays, stable: null }), "");
  });

  it("is an automatic rollback that is switched off", () => {
    assert.match(warnings({ plan: { ...PLAN, automaticRollback: false } }), /^Automatic rollback is off/);
  });
});

it("the hash of a plan is the same for the same plan, and another for another", () => {
  assert.equal(planHashOf(PLAN), planHashOf(structuredClone(PLAN)));
  assert.notEqual(planHashOf(PLAN), planHashOf({ ...PLAN, budgetMs: 1 }));
});
