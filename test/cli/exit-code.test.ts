import assert from "node:assert/strict";
import { it } from "node:test";
import { exitCodeOf, exitCodeOfFault, exitCodeOfRefusal } from "../../src/cli/exit-code.ts";
import { isSettled, needsWatching } from "../../src/cli/follow.ts";
import type { Status } from "../../src/core/status/status.ts";
import * as statuses from "./support/statuses.ts";

it("a release's state is its exit code", () => {
  assert.equal(exitCodeOf(statuses.CLOSED), 0);
  assert.equal(exitCodeOf(statuses.LIVE), 0);
  assert.equal(exitCodeOf(statuses.ROLLED_BACK), 10);
  assert.equal(exitCodeOf(statuses.NEEDS_PERSON), 11);
  assert.equal(exitCodeOf(statuses.WAITS_FOR_APPROVAL), 11);
  assert.equal(exitCodeOf(statuses.PAUSED), 11);
  assert.equal(exitCodeOf(statuses.FAILED), 12);
  const [first, ...rest] = statuses.LIVE.steps;
  assert.ok(first !== undefined && statuses.NEEDS_PERSON.hold !== null);
  const held = { ...statuses.LIVE, hold: statuses.NEEDS_PERSON.hold };
  assert.equal(exitCodeOf({ ...held, steps: [...rest, { ...first, state: "failed" }] }), 12);
  assert.equal(exitCodeOf(held), 0);
});

it("a fault's code says whether the user, the world or Tidegate is to be mended", () => {
  const fault = (code: string): number => exitCodeOfFault({ code, what: "" });
  assert.equal(fault("usage"), 2);
  assert.equal(fault("plan-file-missing"), 2);
  assert.equal(fault("plan-key-unknown"), 2);
  assert.equal(fault("release-unknown"), 2);
  assert.equal(fault("port-taken"), 3);
  assert.equal(fault("confirmation-missing"), 3);
  assert.equal(fault("journal-unavailable"), 12);
  assert.equal(exitCodeOfRefusal({ code: "version-serves-already", what: "" }), 3);
  assert.equal(exitCodeOfRefusal({ code: "unknown-version", what: "" }), 2);
});

it("a release has come to rest when it has ended, or when only a person or a date gets it further", () => {
  for (const status of [
    statuses.CLOSED,
    statuses.LIVE,
    statuses.ROLLED_BACK,
    statuses.FAILED,
    statuses.NEEDS_PERSON,
    statuses.PAUSED,
    statuses.WAITS_FOR_APPROVAL,
  ])
    assert.equal(isSettled(status), true, status.state);
  for (const status of [statuses.FIRST, statuses.SHIFTING, statuses.HELD, statuses.ROLLING_BACK])
    assert.equal(isSettled(status), false, status.state);
});

it("somebody has to watch as long as a part of the traffic is on the candidate", () => {
  assert.equal(needsWatching(statuses.PAUSED), true);
  assert.equal(needsWatching(statuses.WAITS_FOR_APPROVAL), false);
  assert.equal(needsWatching(statuses.LIVE), false);
  assert.equal(needsWatching(statuses.ROLLED_BACK), false);
});

it("somebody has to watch all of the traffic too, until its step has passed", () => {
  const name = statuses.WITHOUT_DATA.steps.find(({ sharePercent }) => sharePercent === 100);
  assert.ok(name !== undefined);
  const at = (over: Partial<Status>): Status => ({
    ...statuses.WITHOUT_DATA,
    sharePercent: 100,
    steps: statuses.WITHOUT_DATA.steps.map((step) => (step === name ? { ...step, state: "running" } : step)),
    current: { ...statuses.WITHOUT_DATA.current!, step: name.id, name: name.name, number: name.number },
    ...over,
  });
  assert.equal(needsWatching(at({})), true, "its figures aren't in");
  assert.equal(
    needsWatching(at({ hold: null, paused: statuses.PAUSED.paused })),
    true,
    "paused, and put back all the same",
  );
  assert.equal(needsWatching(at({ stable: null })), false, "there is nothing to go back to");
  assert.equal(needsWatching(at({ hold: { ...statuses.WITHOUT_DATA.hold!, endsByItself: false } })), false);
  assert.equal(needsWatching(at({ current: statuses.LIVE.current })), false, "an approval after the watch");
});
