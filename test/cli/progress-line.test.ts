import { deepEqual } from "node:assert/strict";
import { it } from "node:test";
import { progressLine } from "../../src/cli/render/progress-line.ts";
import { HOUR, SECOND } from "../../src/core/time/time.ts";

const tellings = (until: number, sentenceAt: (second: number) => string, news: readonly number[] = []): number[] => {
  const line = progressLine();
  const told: number[] = [];
  for (let second = 0; second <= until; second += 1) {
    if (news.includes(second)) line.news(second * SECOND);
    if (line.due(sentenceAt(second), second * SECOND) !== null) told.push(second);
  }
  return told;
};

it("a log says how far it is after 15 seconds without news, then ever more seldom", () => {
  deepEqual(
    tellings(500, (second) => `n = ${second}`),
    [15, 45, 105, 225, 465],
  );
  const last = tellings((4 * HOUR) / SECOND, (second) => `n = ${second}`).slice(-2);
  deepEqual((last[1] ?? 0) - (last[0] ?? 0), HOUR / SECOND, "once an hour at least");
});

it("begins anew after news, and says nothing twice", () => {
  deepEqual(
    tellings(60, (second) => `n = ${second}`, [10, 20]),
    [35],
  );
  deepEqual(
    tellings(500, () => "Waits for somebody to approve."),
    [15],
  );
});
