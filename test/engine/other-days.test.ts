import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { createManualClock } from "../../src/adapters/clock/manual.ts";
import { createMemoryTraffic } from "../../src/adapters/traffic/memory.ts";
import { FaultError } from "../../src/core/fault.ts";
import { HOUR, type Instant, SECOND } from "../../src/core/time/time.ts";
import { type OtherDays, otherDays } from "../../src/engine/other-days.ts";

const SPAN = { from: 0, to: HOUR / 2 };
const LATER = { from: HOUR / 2, to: HOUR };
const NOTHING = { requests: 0, bad: 0, latency: {}, webSockets: { opened: 0, failed: 0 } };

describe("what an engine knows of other days", () => {
  it("is asked for once, in the look after it was wanted", async () => {
    const { days, asked } = under();
    await days.look();
    deepEqual(asked, []);
    deepEqual(days.of([SPAN]), { spans: [], missing: null });
    await days.look();
    await days.look();
    deepEqual(
      days.of([SPAN, LATER]).spans.map(({ from }) => from),
      [0],
    );
    await days.look();
    equal(days.of([SPAN, LATER]).spans.length, 2);
    deepEqual(asked, [0, HOUR / 2]);
  });

  it("is asked for again some seconds after it could not be had, and why that was is told", async () => {
    const { days, asked, clock, fail } = under();
    fail({ code: "traffic-unreachable", what: "The data plane does not answer." });
    days.of([SPAN]);
    await days.look();
    equal(days.of([SPAN]).missing, "The data plane does not answer");
    fail(null);
    await days.look();
    equal(asked.length, 1, "at once it would be as deaf");
    await clock.advance(6 * SECOND);
    await days.look();
    deepEqual([days.of([SPAN]).missing, days.of([SPAN]).spans.length], [null, 1]);
  });

  it("is nothing where the data plane is an older one, or keeps none", async () => {
    const { days, fail, traffic } = under();
    fail({ code: "no-such-request", what: "The proxy's control API has no GET /past." });
    days.of([SPAN]);
    await days.look();
    equal(
      days.of([SPAN]).missing,
      "the data plane was started by an older Tidegate and keeps no figures of other days (tidegate proxy restart)",
    );
    delete traffic.past;
    await days.look();
    equal(days.of([SPAN]).missing, "this data plane keeps no figures of other days");
  });
});

function under() {
  const clock = createManualClock(0);
  const traffic = createMemoryTraffic({ clock });
  const asked: Instant[] = [];
  let fault: { readonly code: string; readonly what: string } | null = null;
  traffic.past = (from, to) => {
    asked.push(from);
    if (fault !== null) return Promise.reject(new FaultError(fault));
    return Promise.resolve({ from, to, countedMs: 0, requests: 0, stable: NOTHING, features: {} });
  };
  const days: OtherDays = otherDays(traffic, clock);
  return { clock, traffic, days, asked, fail: (next: typeof fault) => void (fault = next) };
}
