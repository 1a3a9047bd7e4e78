import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createManualClock } from "../../src/adapters/clock/manual.ts";
import { systemClock } from "../../src/adapters/clock/system.ts";
import { DAY } from "../../src/core/time/time.ts";

describe("the system's clock", () => {
  it("sleeps, and wakes with the reason when it is aborted", async () => {
    const before = systemClock.monotonic();
    await systemClock.sleep(20);
    assert.ok(systemClock.monotonic() - before >= 19);
    const abort = new AbortController();
    const sleeping = systemClock.sleep(60_000, abort.signal);
    const reason = new Error("enough");
    abort.abort(reason);
    await assert.rejects(sleeping, (error) => error === reason);
    await assert.rejects(systemClock.sleep(0, AbortSignal.abort(reason)), (error) => error === reason);
  });

  it("sleeps for weeks instead of waking at once", async () => {
    const abort = new AbortController();
    let woke = false;
    const sleeping = systemClock.sleep(28 * DAY, abort.signal).then(
      () => (woke = true),
      () => undefined,
    );
    await systemClock.sleep(20);
    assert.equal(woke, false);
    abort.abort();
    await sleeping;
  });
});

describe("the manual clock", () => {
  it("wakes who is due in their order, each at their own time", async () => {
    const clock = createManualClock(1_000);
    const woke: string[] = [];
    const sleeper = async (name: string, duration: number): Promise<void> => {
      await clock.sleep(duration);
      woke.push(`${name} at ${clock.wall()}`);
    };
    const all = Promise.all([sleeper("late", 300), sleeper("early", 100), sleeper("same", 100), sleeper("never", 900)]);
    await clock.advance(500);
    assert.deepEqual(woke, ["early at 1100", "same at 1100", "late at 1300"]);
    assert.deepEqual([clock.wall(), clock.monotonic()], [1_500, 500]);
    await clock.advance(400);
    await all;
    assert.equal(woke.at(-1), "never at 1900");
  });

  it("wakes again who goes back to sleep within the time", async () => {
    const clock = createManualClock(0);
    const ticks: number[] = [];
    const stop = new AbortController();
    const ticking = (async () => {
      for (;;) {
        await clock.sleep(10, stop.signal);
        ticks.push(clock.monotonic());
      }
    })().catch(() => undefined);
    await clock.advance(35);
    assert.deepEqual(ticks, [10, 20, 30]);
    stop.abort();
    await ticking;
    assert.deepEqual(clock.due(), []);
  });

  it("lets the wall clock jump without anybody waking", async () => {
    const clock = createManualClock(1_000);
    let woke = false;
    const sleeping = clock.sleep(50).then(() => (woke = true));
    clock.setWall(5_000_000);
    await clock.advance(10);
    assert.deepEqual([clock.wall(), clock.monotonic(), woke], [5_000_010, 10, false]);
    clock.setWall(0);
    assert.equal(clock.wall(), 0);
    await clock.advance(40);
    await sleeping;
  });

  it("rejects sleepers with the reason of their signal", async () => {
    const clock = createManualClock(0);
    const abort = new AbortController();
    const reason = new Error("enough");
    const sleeping = clock.sleep(10, abort.signal);
    abort.abort(reason);
    await assert.rejects(sleeping, (error) => error === reason);
    await assert.rejects(clock.sleep(10, abort.signal), (error) => error === reason);
    assert.deepEqual(clock.due(), []);
  });

  it("tells when somebody sleeps", async () => {
    const clock = createManualClock(0);
    const twoSleep = clock.untilSleeping(2);
    const sleeping = Promise.all([clock.sleep(1), clock.sleep(2)]);
    await twoSleep;
    assert.deepEqual(clock.due(), [1, 2]);
    await clock.advance(2);
    await sleeping;
  });
});
