import { equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { type Forecast, healthy, play, summarize } from "../../src/core/forecast/forecast.ts";
import type { VisitorModel } from "../../src/core/forecast/traffic-model.ts";
import { FIVE_MINUTES } from "../support/forecasts.ts";

const VISITORS_ONCE: VisitorModel = {
  count: 4_000,
  activity: 1,
  bots: 0,
  failing: 0.005,
  speed: 0,
  countOnceSeconds: 600,
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
});

function runs(forecast: Forecast, count: number): ReturnType<typeof summarize> {
  return summarize(Array.from({ length: count }, (_, index) => play(forecast, index + 1)));
}
