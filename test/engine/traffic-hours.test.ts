import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import type { SecondRow } from "../../src/core/observation.ts";
import { quietestSpans, trafficProfile } from "../../src/core/time/quietest.ts";
import { HOUR, MINUTE, SECOND } from "../../src/core/time/time.ts";
import { trafficHours } from "../../src/engine/traffic-hours.ts";

const MIDNIGHT = Date.UTC(2026, 4, 4);

function row(at: number, requests: number): SecondRow {
  return {
    second: Math.floor(at / SECOND),
    version: "v1",
    requests,
    status: { ok: requests, redirect: 0, client: 0, server: 0, failed: 0 },
    latency: {},
    webSockets: { opened: 0, failed: 0 },
    worst: [],
    mixed: false,
  };
}

describe("the hours of a day", () => {
  it("in which nobody came are seen too, and are the quietest", () => {
    const hours = trafficHours();
    for (let at = MIDNIGHT + MINUTE; at <= MIDNIGHT + 25 * HOUR; at += MINUTE) {
      const hour = new Date(at).getUTCHours();
      hours.count(hour >= 2 && hour < 5 ? [] : [row(at - SECOND, 100)], at, MIDNIGHT);
    }
    const quietest = quietestSpans(trafficProfile(hours.seen(), "UTC"), 3);
    equal(quietest.known && quietest.text, "02:00-05:00");
  });

  it("count as seen only while somebody watched, and no longer than the data plane remembers", () => {
    const hours = trafficHours();
    hours.count([], MIDNIGHT + 2 * MINUTE, MIDNIGHT);
    deepEqual(hours.seen(), [{ at: MIDNIGHT, requests: 0, seenMs: 2 * MINUTE }]);
    hours.count([row(MIDNIGHT + 50 * MINUTE, 7)], MIDNIGHT + 55 * MINUTE, MIDNIGHT);
    deepEqual(hours.seen(), [{ at: MIDNIGHT, requests: 7, seenMs: 12 * MINUTE }]);
    hours.count([], MIDNIGHT + 20 * MINUTE, MIDNIGHT);
    deepEqual(hours.seen(), [{ at: MIDNIGHT, requests: 7, seenMs: 12 * MINUTE }], "a clock that was put back");
    hours.count([], MIDNIGHT + 61 * MINUTE, MIDNIGHT);
    deepEqual(hours.seen()[1], { at: MIDNIGHT + HOUR, requests: 0, seenMs: MINUTE });
  });
});
