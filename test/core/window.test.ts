import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import type { WeeklySpan, Window } from "../../src/core/plan/step.ts";
import { trafficProfile } from "../../src/core/time/quietest.ts";
import { DAY, HOUR, type Instant, MINUTE } from "../../src/core/time/time.ts";
import { windowAt } from "../../src/core/time/window.ts";
import { isZone, minuteOfWeek } from "../../src/core/time/zone.ts";

const at = (text: string): Instant => Date.parse(text);
const minutes = (day: number, hour: number, minute = 0): number => (day * 24 + hour) * 60 + minute;
const times = (zone: string, ...spans: readonly (readonly [number, number])[]): Window => ({
  kind: "times",
  spans: spans.map(([fromMinute, toMinute]): WeeklySpan => ({ fromMinute, toMinute })),
  zone,
  text: "as written",
});

describe("a window of times", () => {
  // Tuesday to Thursday, 09:00-16:00.
  const office = times("Europe/Berlin", ...[1, 2, 3].map((day) => [minutes(day, 9), minutes(day, 16)] as const));

  it("is open from its first minute up to its last", () => {
    // 2026-01-06 is a Tuesday; Berlin is an hour ahead.
    assert.equal(windowAt(office, at("2026-01-06T07:59:59.999Z")).open, false);
    assert.equal(windowAt(office, at("2026-01-06T08:00:00Z")).open, true);
    assert.equal(windowAt(office, at("2026-01-06T14:59:59.999Z")).open, true);
    assert.equal(windowAt(office, at("2026-01-06T15:00:00Z")).open, false);
  });

  it("tells when it closes while it is open, and when it opens while it is not", () => {
    const open = windowAt(office, at("2026-01-06T12:30:15Z"));
    assert.deepEqual([open.opensAt, open.closesAt], [null, at("2026-01-06T15:00:00Z")]);
    assert.equal(open.sentence, "The window as written is open; it closes Tue 16:00 (Europe/Berlin).");
    const closed = windowAt(office, at("2026-01-09T12:00:00Z"));
    assert.deepEqual([closed.opensAt, closed.closesAt], [at("2026-01-13T08:00:00Z"), null]);
    assert.equal(closed.sentence, "The window as written opens Tue 09:00 (Europe/Berlin).");
  });

  it("may go over midnight and over the end of the week", () => {
    const night = times("UTC", [minutes(6, 22), minutes(0, 4)]);
    assert.equal(windowAt(night, at("2026-01-11T21:59:00Z")).open, false);
    assert.equal(windowAt(night, at("2026-01-11T23:00:00Z")).open, true);
    assert.equal(windowAt(night, at("2026-01-12T03:59:00Z")).open, true);
    assert.equal(windowAt(night, at("2026-01-11T23:00:00Z")).closesAt, at("2026-01-12T04:00:00Z"));
    assert.equal(windowAt(night, at("2026-01-12T04:00:00Z")).opensAt, at("2026-01-18T22:00:00Z"));
  });

  it("does not close between spans that touch", () => {
    const long = times("UTC", [minutes(0, 22), minutes(1, 0)], [minutes(1, 0), minutes(1, 4)]);
    assert.equal(windowAt(long, at("2026-01-05T23:00:00Z")).closesAt, at("2026-01-06T04:00:00Z"));
  });

  it("never closes when it is the whole week, and never opens without a span", () => {
    const always = windowAt(times("UTC", [0, 0]), at("2026-01-05T23:00:00Z"));
    assert.deepEqual([always.open, always.closesAt], [true, null]);
    const daily = times(
      "UTC",
      ...[0, 1, 2, 3, 4, 5, 6].map((day) => [minutes(day, 0), minutes((day + 1) % 7, 0)] as const),
    );
    assert.deepEqual([windowAt(daily, 0).open, windowAt(daily, 0).closesAt], [true, null]);
    const none = windowAt(times("UTC"), 0);
    assert.deepEqual([none.open, none.opensAt, none.sentence], [false, null, "The window as written never opens."]);
  });

  it("keeps to the clock on the wall when summer time begins", () => {
    // Berlin, Sunday 2026-03-29: 02:00 becomes 03:00 at 01:00 UTC.
    const nights = times("Europe/Berlin", [minutes(6, 1), minutes(6, 5)]);
    const before = windowAt(nights, at("2026-03-28T12:00:00Z"));
    assert.equal(before.opensAt, at("2026-03-29T00:00:00Z"));
    assert.equal(windowAt(nights, at("2026-03-29T00:30:00Z")).closesAt, at("2026-03-29T03:00:00Z"));
  });

  it("skips a week when its whole span is in the hour that summer time takes", () => {
    const lost = times("Europe/Berlin", [minutes(6, 2), minutes(6, 3)]);
    assert.equal(windowAt(lost, at("2026-03-29T01:00:00Z")).open, false);
    assert.equal(windowAt(lost, at("2026-03-28T12:00:00Z")).opensAt, at("2026-04-05T00:00:00Z"));
  });

  it("is open in both of the hours that winter time repeats", () => {
    // Berlin, Sunday 2026-10-25: 03:00 becomes 02:00 at 01:00 UTC.
    const twice = times("Europe/Berlin", [minutes(6, 2), minutes(6, 3)]);
    assert.equal(windowAt(twice, at("2026-10-25T00:10:00Z")).open, true);
    assert.equal(windowAt(twice, at("2026-10-25T01:50:00Z")).open, true);
    assert.equal(windowAt(twice, at("2026-10-25T00:10:00Z")).closesAt, at("2026-10-25T02:00:00Z"));
    const half = times("Europe/Berlin", [minutes(6, 2), minutes(6, 2, 30)]);
    assert.equal(windowAt(half, at("2026-10-25T00:10:00Z")).closesAt, at("2026-10-25T00:30:00Z"));
    assert.equal(windowAt(half, at("2026-10-25T00:40:00Z")).opensAt, at("2026-10-25T01:00:00Z"));
  });

  it("knows zones of odd offsets and both sides of the date line", () => {
    assert.equal(minuteOfWeek(at("2026-01-05T00:00:00Z"), "Asia/Kathmandu"), minutes(0, 5, 45));
    assert.equal(minuteOfWeek(at("2026-01-05T00:00:00Z"), "Pacific/Kiritimati"), minutes(0, 14));
    assert.equal(minuteOfWeek(at("2026-01-05T00:00:00Z"), "Pacific/Pago_Pago"), minutes(6, 13));
    assert.equal(minuteOfWeek(-1, "UTC"), minutes(2, 23, 59));
    assert.deepEqual(["Europe/Berlin", "UTC", "Mars/Olympus"].map(isZone), [true, true, false]);
  });

  it("opens and closes exactly when it says, in any zone at any time", () => {
    const zone = fc.constantFrom(
      "UTC",
      "Europe/Berlin",
      "America/New_York",
      "Australia/Lord_Howe",
      "Africa/Casablanca",
    );
    const span = fc.tuple(fc.integer({ min: 0, max: 10_079 }), fc.integer({ min: 1, max: 10_078 }));
    const moment = fc.integer({ min: at("2025-01-01T00:00:00Z"), max: at("2027-12-31T00:00:00Z") });
    fc.assert(
      fc.property(zone, fc.array(span, { minLength: 1, maxLength: 3 }), moment, (inZone, spans, now) => {
        const window = times(inZone, ...spans.map(([from, length]) => [from, (from + length) % 10_080] as const));
        const state = windowAt(window, now);
        const change = state.opensAt ?? state.closesAt;
        if (change === null) return;
        assert.ok(change > now);
        assert.equal(windowAt(window, change).open, !state.open);
        assert.equal(windowAt(window, change - 1).open, state.open);
        for (let part = 1; part < 8; part += 1) {
          const between: Instant = now + Math.floor(((change - now) * part) / 8);
          assert.equal(windowAt(window, between).open, state.open);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("the quietest hours", () => {
  const start = at("2026-01-05T00:00:00Z");
  const window: Window = { kind: "quietest", hours: 3, zone: "UTC" };
  const seen = (hours: number, requests: (hour: number) => number) =>
    trafficProfile(
      Array.from({ length: hours }, (_, hour) => ({
        at: start + hour * HOUR,
        seenMs: HOUR,
        requests: requests(hour % 24),
      })),
      "UTC",
    );

  it("are not known with less than a day seen, and say so", () => {
    for (const profile of [undefined, seen(0, () => 1)]) {
      const state = windowAt(window, start, profile);
      assert.deepEqual([state.open, state.opensAt], [false, null]);
      assert.equal(state.sentence, "The quietest hours are not known: no traffic has been seen yet.");
    }
    assert.match(
      windowAt(
        window,
        start,
        seen(23, () => 1),
      ).sentence,
      /only 23h of a day of traffic/,
    );
  });

  it("are not known while an hour of the day was never seen", () => {
    const twice = trafficProfile(
      Array.from({ length: 40 }, (_, hour) => ({
        at: start + (hour % 20) * HOUR + (hour >= 20 ? DAY : 0),
        seenMs: HOUR,
        requests: 1,
      })),
      "UTC",
    );
    assert.match(windowAt(window, start, twice).sentence, /20 of the day's 24 hours have been seen/);
  });

  it("are those in a row with the fewest requests, every day, over midnight too", () => {
    const profile = seen(48, (hour) => (hour === 23 || hour <= 1 ? 1 : 50));
    assert.equal(windowAt(window, start + 22 * HOUR + 59 * MINUTE, profile).open, false);
    const state = windowAt(window, start + 23 * HOUR, profile);
    assert.equal(state.open, true);
    assert.equal(state.closesAt, start + 26 * HOUR);
    assert.equal(
      windowAt(window, start + 12 * HOUR, profile).sentence,
      "The window of the quietest 3 hours (23:00-02:00) opens Mon 23:00 (UTC).",
    );
  });

  it("weigh each hour by how much of it was seen", () => {
    const profile = trafficProfile(
      [
        ...Array.from({ length: 24 }, (_, hour) => ({
          at: start + hour * HOUR,
          seenMs: HOUR,
          requests: hour === 5 ? 60 : 100,
        })),
        // Ten minutes of the next day's hour 4, almost without a request.
        { at: start + DAY + 4 * HOUR, seenMs: 10 * MINUTE, requests: 0 },
      ],
      "UTC",
    );
    assert.equal(Math.round(profile.requestsByHour[4] ?? 0), 86);
    assert.equal(windowAt({ ...window, hours: 1 }, start + 5 * HOUR, profile).open, true);
  });

  it("are local hours", () => {
    const profile = trafficProfile(
      Array.from({ length: 24 }, (_, hour) => ({
        at: start + hour * HOUR,
        seenMs: HOUR,
        requests: hour === 3 ? 0 : 10,
      })),
      "America/New_York",
    );
    const local: Window = { kind: "quietest", hours: 1, zone: "America/New_York" };
    assert.equal(windowAt(local, start + 3 * HOUR, profile).open, true);
    assert.match(windowAt(local, start, profile).sentence, /\(22:00-23:00\)/);
  });
});
