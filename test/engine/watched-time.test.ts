import { equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { createManualClock } from "../../src/adapters/clock/manual.ts";
import { watchedTime } from "../../src/engine/watched-time.ts";
import { HOUR, MINUTE, SECOND } from "../../src/core/time/time.ts";

describe("watched time", () => {
  it("goes on between two looks, so that what begins there does not seem to have begun with the look before", async () => {
    const clock = createManualClock(0);
    const time = watchedTime(clock, 0, SECOND, 2 * MINUTE);
    await clock.advance(2 * SECOND);
    equal(time.now().watched, 2 * SECOND);
    await clock.advance(500);
    time.look();
    equal(time.now().watched, 2_500);
  });

  it("leaves out a gap in which nobody looked, whoever has asked for the time in it", async () => {
    const clock = createManualClock(0);
    const time = watchedTime(clock, 0, SECOND, 2 * MINUTE);
    await clock.advance(SECOND);
    equal(time.now().watched, SECOND);
    await clock.advance(HOUR);
    equal(time.now().watched, 0);
    time.look();
    equal(time.now().watched, 0);
    await clock.advance(SECOND);
    time.look();
    equal(time.now().watched, SECOND);
  });

  it("does not follow a clock that is set", async () => {
    const clock = createManualClock(HOUR);
    const time = watchedTime(clock, 0, SECOND, 2 * MINUTE);
    clock.setWall(0);
    await clock.advance(SECOND);
    time.look();
    equal(time.now().watched, SECOND);
    equal(time.now().wall, SECOND);
  });

  it("leaves out a gap in which the data plane may have taken the share back", async () => {
    const clock = createManualClock(0);
    const time = watchedTime(clock, 0, 200, 2 * SECOND);
    await clock.advance(900);
    time.look();
    await clock.advance(1_500);
    time.look();
    equal(time.now().watched, 900);
  });
});
