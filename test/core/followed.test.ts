import { equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { isSettled } from "../../src/core/release/settled.ts";
import { MINUTE, SECOND } from "../../src/core/time/time.ts";
import { planOf, step, USUAL } from "../support/plans.ts";
import { errorsVerdict, PureWorld } from "../support/pure-world.ts";

/** Live and retired, with a sign-off to come, while a newer release takes its place. */
function followed(): PureWorld {
  const world = new PureWorld(planOf([...USUAL.steps, step.approve("day-7")]));
  world.verdicts = [errorsVerdict("pass")];
  world.settle().pass(3 * MINUTE);
  equal(world.release.state, "live");
  equal(world.ask({ kind: "retire-early", for: 2 }, "tidegate").kind, "accepted");
  return world;
}

describe("a live release whose place a newer one has taken", () => {
  it("does not go back by itself: that would take down what serves now", () => {
    const world = followed();
    for (const [id, { version }] of world.running) if (version === "v2") world.running.delete(id);
    world.verdicts = [errorsVerdict("fail", "rollback")];
    world.pass(MINUTE);
    equal(world.release.state, "live");
    equal(world.release.undo, null);
    equal(world.ask({ kind: "approve" }).kind, "accepted");
    equal(world.release.state, "closed");
  });

  it("holds, and says why, when a step of its own fails", () => {
    const world = new PureWorld(planOf([...USUAL.steps, step.approve("day-1"), step.run("archive")]));
    world.verdicts = [errorsVerdict("pass")];
    world.settle().pass(3 * MINUTE);
    world.ask({ kind: "retire-early", for: 2 }, "tidegate");
    world.outcome = (effect) =>
      effect.kind === "command" ? { fault: { code: "command-failed", what: "It failed." } } : { observed: {} };
    world.ask({ kind: "approve" });
    equal(world.release.undo, null);
    equal(world.release.hold?.needsPerson, true);
    match(world.release.hold?.because.sentence ?? "", /Release 2 has taken its place/);
  });

  it("is asked to make room once more where that has failed, and is not at rest before", () => {
    const world = new PureWorld(planOf(USUAL.steps.slice(0, 4)));
    world.verdicts = [errorsVerdict("pass")];
    world.settle().pass(3 * MINUTE);
    equal(world.release.state, "closed");
    world.outcome = (effect) =>
      effect.kind === "stop" ? { fault: { code: "instance-not-stopped", what: "It still runs." } } : { observed: {} };
    world.ask({ kind: "retire-early", for: 2 }, "tidegate");
    world.pass(5 * MINUTE, SECOND);
    ok(!world.release.standbyRetired);
    ok(!isSettled(world.release, world.wall));
    world.outcome = () => ({ observed: {} });
    equal(world.ask({ kind: "retire-early", for: 2 }, "tidegate").kind, "accepted");
    ok(world.release.standbyRetired);
    ok(isSettled(world.release, world.wall));
    equal(world.ask({ kind: "retire-early", for: 2 }, "tidegate").kind, "already");
  });
});

it("a rollback keeps the standby that a newer release would have retired, even one that failed", () => {
  const world = new PureWorld(planOf(USUAL.steps.slice(0, 4)));
  world.verdicts = [errorsVerdict("pass")];
  world.settle().pass(3 * MINUTE);
  world.outcome = (effect) => (effect.kind === "stop" ? null : { observed: {} });
  world.ask({ kind: "retire-early", for: 2 }, "tidegate");
  world.takeOver();
  world.outcome = (effect) =>
    effect.kind === "stop" ? { fault: { code: "not-killable", what: "It still runs." } } : { observed: {} };
  world.ask({ kind: "rollback" });
  world.pass(5 * MINUTE, SECOND);
  equal(world.release.state, "failed");
  equal(world.share, 0);
  world.takeOver();
  world.pass(MINUTE);
  const decided = world.history.findIndex(({ event }) => event.type === "rollback-decided");
  const asked = world.history
    .slice(decided)
    .flatMap(({ event }) => (event.type === "effect-requested" ? [event.name] : []));
  ok(!asked.includes("stop-standby"), asked.join());
});
