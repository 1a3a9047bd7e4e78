import { equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { type Forecast, healthy, play, summarize } from "../../src/core/forecast/forecast.ts";
import { comparisonOf, GUARD_WEIGHTS } from "../../src/core/forecast/guards.ts";
import type { TrafficModel, VisitorModel } from "../../src/core/forecast/traffic-model.ts";
import { FIVE_MINUTES } from "../support/forecasts.ts";

const VISITORS_ONCE: VisitorModel = {
  count: 4_000,
  activity: 1,
  bots: 0,
  failing: 0.005,
  slow: 0,
  speed: 0,
  countOnceSeconds: 600,
  knownSeconds: 0,
};

describe("a step that is played on made-up traffic", () => {
  it("catches 5 % errors at 50 requests a second in some 25 seconds", () => {
    const found = runs(FIVE_MINUTES, 60);
    equal(found.caught, 1);
    ok(found.delaySeconds !== null && found.delaySeconds.median > 12 && found.delaySeconds.median < 45);
  });

  it("hardly ever rolls back what is as good as stable", () => {
    ok(runs({ ...FIVE_MINUTES, traffic: healthy(FIVE_MINUTES.traffic) }, 100).caught <= 0.03);
  });

  it("gives the same answer for the same seed", () => {
    equal(play(FIVE_MINUTES, 5), play(FIVE_MINUTES, 5));
  });

  it("is misled by visitors who always fail when requests are counted, and not when visitors are", () => {
    const traffic = {
      ...healthy(FIVE_MINUTES.traffic),
      rps: 100,
      visitors: { ...VISITORS_ONCE, countOnceSeconds: 0 },
    };
    const long = {
      ...FIVE_MINUTES,
      traffic,
      seconds: 1_200,
      comparison: { ...FIVE_MINUTES.comparison, plannedSeconds: 1_200 },
    };
    const byRequest = runs(long, 40).caught;
    const byVisitor = runs({ ...long, traffic: { ...traffic, visitors: VISITORS_ONCE } }, 40).caught;
    ok(byRequest > 0.03, `by request ${byRequest}`);
    ok(byVisitor <= 0.025, `by visitor ${byVisitor}`);
  });

  for (const speed of [0, 0.5, 1]) {
    it(`finds 30 % more latency in twenty minutes by visitors' own speeds where those differ by ${speed}, and no healthy candidate`, () => {
      equal(runs(slower(1.3, { speed }), 10).caught, 1);
      equal(runs(slower(1, { speed }), 4).caught, 0);
    });
  }

  it("finds no such thing where visitors differ and nobody was known before", () => {
    ok(runs(slower(1.3, { speed: 1, knownSeconds: 0 }), 6).caught <= 0.5);
  });

  it("is not misled by the few who always wait ten times as long, fail, or ask a hundred times as much", () => {
    equal(runs(slower(1, { speed: 1, slow: 0.005, failing: 0.001, bots: 0.001 }), 4).caught, 0);
  });
});

/** Twenty minutes at 100 requests a second, judged as by default. */
function slower(candidateSlower: number, visitors: Partial<VisitorModel>): Forecast {
  const seconds = 1_200;
  const traffic: TrafficModel = {
    ...healthy(FIVE_MINUTES.traffic),
    rps: 100,
    latency: { stableP95Ms: 500, spread: 0.6, candidateSlower, tolerance: 1.15 },
    visitors: { ...VISITORS_ONCE, failing: 0, knownSeconds: 1_200, ...visitors },
  };
  return { traffic, seconds, comparison: comparisonOf(GUARD_WEIGHTS, 1.5, seconds), tempering: null };
}

function runs(forecast: Forecast, count: number): ReturnType<typeof summarize> {
  return summarize(Array.from({ length: count }, (_, index) => play(forecast, index + 1)));
}
