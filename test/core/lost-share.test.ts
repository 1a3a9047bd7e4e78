import { deepEqual, equal, match } from "node:assert/strict";
import { describe, it } from "node:test";
import { replay } from "../../src/core/release/evolve.ts";
import { HOUR, MINUTE, SECOND } from "../../src/core/time/time.ts";
import { planOf, step, USUAL } from "../support/plans.ts";
import { errorsVerdict, PureWorld } from "../support/pure-world.ts";

const PASS = [errorsVerdict("pass")];

/** 25 % for a minute, then a person approves while the candidate has its 25 %. */
const WITH_APPROVAL = planOf([
  step.start(),
  step.shift(25, MINUTE),
  step.approve(),
  step.shift(100, MINUTE),
  step.retire(),
]);

function watching(plan = USUAL): PureWorld {
  const world = new PureWorld(plan);
  world.verdicts = PASS;
  return world.settle();
}

/** No engine for an hour: the data plane goes back to stable by itself, and then the next engine takes over. */
function leftAlone(world: PureWorld): PureWorld {
  world.share = 0;
  world.returnedByItself = true;
  return world.takeOver(HOUR);
}

describe("a share that the data plane took back because nobody watched", () => {
  it("is given again by the next engine, and what nobody watched counts for nothing", () => {
    const world = leftAlone(watching().pass(30 * SECOND));
    equal(world.share, 500);
    match(world.eventsOf("share-drifted")[0]?.sentence ?? "", /nobody watched, so the data plane went back to stable/);
    world.pass(29 * SECOND);
    equal(world.share, 500, "30 s were watched before, and 29 s since");
    world.pass(2 * SECOND);
    equal(world.share, 2_500);
  });

  it("is given again while the release waits for a person, who is not asked a second time", () => {
    const world = watching(WITH_APPROVAL).pass(MINUTE);
    equal(world.release.hold?.needsPerson, true);
    const asked = world.eventsOf("held").length;
    leftAlone(world);
    equal(world.share, 2_500);
    equal(world.release.share, 2_500);
    equal(world.eventsOf("share-drifted").length, 1);
    equal(world.eventsOf("held").length, asked);
    equal(world.release.hold?.needsPerson, true);
    leftAlone(world);
    equal(world.share, 2_500, "as often as it happens");
    world.ask({ kind: "approve" });
    equal(world.share, 10_000);
    deepEqual(replay(world.history), world.release);
  });

  it("is given again when it was all of the traffic, after the last shift and for as long as stable could have it", () => {
    const plan = planOf([step.start(), step.shift(100, MINUTE), step.approve(), step.retire(), step.approve()]);
    const world = watching(plan).pass(2 * MINUTE);
    equal(world.release.state, "live");
    world.share = 5_000;
    world.settle();
    equal(world.share, 10_000);
    match(
      world.eventsOf("share-drifted")[0]?.sentence ?? "",
      /50% .* instead of 100%: something else changed it\. Put right\.$/,
    );
    equal(world.release.hold?.needsPerson, true);
    world.ask({ kind: "approve" });
    world.pass(MINUTE);
    equal(world.release.standbyRetired, true);
    equal(
      world.eventsOf("share-drifted").length,
      1,
      "with one version left in the table there is nothing to put right",
    );
    deepEqual(replay(world.history), world.release);
  });

  it("is told and not given again while the release is paused; resumed, it is", () => {
    const world = watching();
    world.ask({ kind: "pause" });
    leftAlone(world);
    equal(world.share, 0);
    equal(world.release.share, 0, "status tells what the data plane gives");
    match(world.eventsOf("share-drifted")[0]?.sentence ?? "", /It is given again when the release goes on\.$/);
    world.pass(10 * MINUTE);
    equal(world.eventsOf("share-drifted").length, 1);
    world.ask({ kind: "resume" });
    equal(world.share, 500);
  });

  it("is told and not given again after a step has failed and holds; tried again, it is", () => {
    const plan = planOf([
      step.start(),
      step.shift(25, MINUTE),
      step.run("check-carts", undefined, { else: "hold" }),
      step.shift(100, MINUTE),
    ]);
    const world = watching(plan);
    world.outcome = (effect) =>
      effect.kind === "command" ? { fault: { code: "command-failed", what: "No." } } : { observed: {} };
    world.pass(MINUTE);
    equal(world.release.steps[2]?.state, "failed");
    leftAlone(world);
    equal(world.share, 0);
    world.outcome = () => ({ observed: {} });
    world.returnedByItself = false;
    equal(world.ask({ kind: "retry" }).kind, "accepted");
    const shares = world.done.flatMap((effect) => (effect.kind === "share" ? [effect.share] : []));
    deepEqual(shares.slice(0, 3), [2_500, 2_500, 10_000]);
  });

  it("is not given to a candidate that is no longer ready (I1)", () => {
    const world = watching(WITH_APPROVAL).pass(MINUTE);
    world.isReady = ({ version }) => version !== "v2";
    leftAlone(world);
    equal(world.share, 0);
    world.isReady = () => true;
    world.pass(SECOND);
    equal(world.share, 2_500);
  });

  it("is not missed by a rollback", () => {
    const world = watching(WITH_APPROVAL).pass(MINUTE);
    world.isReady = ({ version }) => version !== "v2";
    leftAlone(world);
    equal(world.ask({ kind: "rollback" }).kind, "accepted");
    world.pass(SECOND);
    equal(world.release.state, "rolled-back");
    equal(world.share, 0);
  });
});

describe("a share that something else has changed, where the plan leaves it", () => {
  const LEFT = { drift: "leave" } as const;
  const changed = (plan = planOf([step.start(), step.shift(25, MINUTE), step.shift(100, MINUTE)], LEFT)): PureWorld => {
    const world = watching(plan).pass(10 * SECOND);
    world.share = 4_000;
    return world.settle();
  };

  it("stays as it is, and the release holds and says so, once", () => {
    const world = changed().pass(5 * MINUTE);
    equal(world.share, 4_000);
    deepEqual(
      world.eventsOf("held").map(({ because, needsPerson }) => [because.kind, needsPerson]),
      [["drift", true]],
    );
    match(
      world.eventsOf("held")[0]?.because.sentence ?? "",
      /has 40% of the traffic instead of 25%: something else changed it, and the plan says to leave that/,
    );
    equal(world.eventsOf("share-drifted").length, 0);
    deepEqual(replay(world.history), world.release);
  });

  it("is watched anew when it is as before", () => {
    const world = changed().pass(MINUTE);
    world.share = 2_500;
    world.settle();
    equal(world.release.hold, null);
    world.pass(2 * MINUTE);
    equal(world.share, 10_000);
    deepEqual(replay(world.history), world.release);
  });

  it("holds no more where it is all of the traffic and is as before after the last shift", () => {
    const world = new PureWorld(planOf([step.start(), step.shift(100, MINUTE), step.approve(), step.retire()], LEFT));
    world.verdicts = PASS;
    world.settle().pass(2 * MINUTE);
    equal(world.release.state, "live");
    world.share = 0;
    world.settle();
    equal(world.release.hold?.because.kind, "drift");
    world.share = 10_000;
    world.settle();
    equal(world.release.hold?.because.kind, "waiting");
    equal(world.eventsOf("share-drifted").length, 1);
    deepEqual(replay(world.history), world.release);
  });

  it("is put right by a person who tries again", () => {
    const world = changed();
    equal(world.ask({ kind: "retry" }).kind, "accepted");
    equal(world.share, 2_500);
    equal(world.release.hold, null);
    world.pass(2 * MINUTE);
    equal(world.share, 10_000);
    deepEqual(replay(world.history), world.release);
  });

  it("is put right too where another step waits meanwhile", () => {
    const world = changed(
      planOf([step.start(), step.shift(25, 5 * SECOND), step.approve(), step.shift(100, MINUTE)], LEFT),
    );
    equal(world.release.hold?.because.kind, "drift");
    equal(world.ask({ kind: "retry" }).kind, "accepted");
    equal(world.share, 2_500);
    equal(world.release.hold?.because.kind, "waiting");
    deepEqual(replay(world.history), world.release);
  });

  it("does not keep a person from going on, nor a guard from putting back", () => {
    const world = changed();
    equal(world.ask({ kind: "promote" }).kind, "accepted");
    equal(world.share, 10_000);
    const worse = changed();
    worse.verdicts = [errorsVerdict("fail", "rollback")];
    worse.pass(SECOND);
    equal(worse.share, 0);
    equal(worse.release.state, "rolled-back");
  });

  it("is given again all the same when nobody watched", () => {
    const world = leftAlone(watching(planOf([step.start(), step.shift(25, MINUTE), step.shift(100, MINUTE)], LEFT)));
    equal(world.share, 2_500);
  });
});
