import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { parseTimesOfWeek } from "../../src/core/time/week.ts";

const DAY = 1_440;

function spans(text: string): readonly (readonly [number, number])[] {
  const result = parseTimesOfWeek(text);
  assert.ok(result.ok, text);
  return result.value.spans.map(({ fromMinute, toMinute }) => [fromMinute, toMinute]);
}

describe("Times of week", () => {
  it("are a range of days, with the zone as written", () => {
    const result = parseTimesOfWeek("Tue-Thu 09:00-16:00 Europe/Berlin");
    assert.ok(result.ok);
    assert.equal(result.value.zone, "Europe/Berlin");
    assert.deepEqual(spans("Tue-Thu 09:00-16:00 Europe/Berlin"), [
      [DAY + 540, DAY + 960],
      [2 * DAY + 540, 2 * DAY + 960],
      [3 * DAY + 540, 3 * DAY + 960],
    ]);
  });

  it("are a list, whole words, or a group", () => {
    assert.deepEqual(spans("Mon,Wed 08:00-09:30 UTC"), [
      [480, 570],
      [2 * DAY + 480, 2 * DAY + 570],
    ]);
    assert.deepEqual(spans("monday-Tuesday 8:00-09:30 UTC"), spans("Mon,Tue 08:00-09:30 UTC"));
    assert.equal(spans("daily 01:00-02:00 UTC").length, 7);
    assert.deepEqual(spans("weekends 01:00-02:00 UTC"), spans("Sat-Sun 01:00-02:00 UTC"));
    assert.deepEqual(spans("weekdays 01:00-02:00 UTC"), spans("Mon-Fri 01:00-02:00 UTC"));
  });

  it("go over midnight, and over the week's end", () => {
    assert.deepEqual(spans("Sun 22:00-04:00 UTC"), [[6 * DAY + 1_320, 240]]);
    assert.deepEqual(
      spans("Sat-Mon 10:00-11:00 UTC").map(([from]) => Math.floor(from / DAY)),
      [5, 6, 0],
    );
    assert.deepEqual(spans("Sun 00:00-24:00 UTC"), [[6 * DAY, 0]]);
  });

  it("that make no sense are told", () => {
    for (const text of [
      "Tue",
      "Tue 9-16 UTC",
      "Tue 09:00 UTC",
      "Tue-Wed-Thu 09:00-10:00 UTC",
      "Someday 09:00-10:00 UTC",
      "Montag 09:00-10:00 UTC",
      "Tue 09:60-10:00 UTC",
      "Tue 25:00-26:00 UTC",
      "Tue 24:00-01:00 UTC",
      "Tue 09:00-09:00 UTC",
      "Tue 09:00-10:00",
      "Tue 09:00-10:00 Europe / Berlin",
    ])
      assert.equal(parseTimesOfWeek(text).ok, false, text);
  });

  it("are never more than a week, whatever is written", () => {
    const clock = fc
      .tuple(fc.nat({ max: 23 }), fc.nat({ max: 59 }))
      .map((parts) => parts.map((part) => String(part).padStart(2, "0")).join(":"));
    const days = fc.constantFrom("Mon", "Tue-Fri", "Sat-Mon", "daily", "Mon,Sun");
    fc.assert(
      fc.property(days, clock, clock, (day, from, to) => {
        fc.pre(from !== to);
        for (const [start, end] of spans(`${day} ${from}-${to} UTC`)) {
          assert.ok(start >= 0 && start < 7 * DAY);
          assert.ok(end >= 0 && end < 7 * DAY);
          const length = (end - start + 7 * DAY) % (7 * DAY);
          assert.ok(length > 0 && length < DAY);
        }
      }),
    );
  });
});
