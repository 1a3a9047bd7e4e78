import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { rollbackSentence } from "../../src/core/decide/way-back.ts";
import { DAY, MINUTE, SECOND } from "../../src/core/time/time.ts";
import { planOf, step, USUAL, WEB, WORKER } from "../support/plans.ts";
import { errorsVerdict, PureWorld } from "../support/pure-world.ts";

function watching(plan = USUAL): PureWorld {
  const world = new PureWorld(plan);
  world.verdicts = [errorsVerdict("pass")];
  return world.settle();
}

function workersOf(world: PureWorld): readonly string[] {
  return [...world.running.values()].filter(({ service }) => service === "worker").map(({ version }) => version);
}

describe("a standby whose end has begun", () => {
  /** The engine dies in the middle of stopping it: nobody knows how far that came. */
  function dying(): PureWorld {
    const world = watching();
    world.outcome = (effect) => (effect.kind === "stop" ? null : { observed: {} });
    world.pass(3 * MINUTE);
    for (const [id, { version }] of world.running) if (version === "v1") world.running.delete(id);
    world.outcome = () => ({ observed: {} });
    return world;
  }

  it("is started again before a rollback sends anybody to it", () => {
    const world = dying();
    match(rollbackSentence(world.release), /v1 was retired: starts it again/);
    equal(world.ask({ kind: "rollback" }).kind, "accepted");
    world.pass(MINUTE);
    equal(world.release.state, "rolled-back");
    const kinds = world.done.map((effect) => ("version" in effect ? `${effect.kind} ${effect.version}` : effect.kind));
    ok(kinds.lastIndexOf("start v1") > 0 && kinds.lastIndexOf("start v1") < kinds.lastIndexOf("share"), kinds.join());
  });

  it("is no step to go back to", () => {
    const answer = dying().ask({ kind: "step-back" });
    equal(answer.kind === "refused" ? answer.fault.code : "", "no-lower-step");
  });
});

it("a rollback after the retirement starts every worker again, those too that ran beside the others", () => {
  const plan = planOf([...USUAL.steps, step.approve("day-1")], { services: [WEB, { ...WORKER, overlap: true }] });
  const world = watching(plan).pass(3 * MINUTE);
  ok(world.release.standbyRetired);
  world.ask({ kind: "rollback" });
  deepEqual(workersOf(world), ["v1"]);
});

describe("a step back", () => {
  it("is refused where nothing else serves", () => {
    const world = new PureWorld(planOf([step.start(), step.shift(25, MINUTE), step.shift(100, MINUTE)]), null).settle();
    equal(world.share, 10_000);
    const answer = world.ask({ kind: "step-back" });
    equal(answer.kind === "refused" ? answer.fault.code : "", "no-lower-step");
  });

  it("of a live release makes it run again: it no longer has all of the traffic", () => {
    const world = watching(planOf([...USUAL.steps.slice(0, 4), step.approve("day-1", { afterMs: DAY })]));
    world.pass(3 * MINUTE);
    equal(world.release.state, "live");
    equal(world.ask({ kind: "step-back" }).kind, "accepted");
    world.pass(MINUTE);
    equal(world.share, 2_500);
    equal(world.release.state, "running");
    equal(world.release.hold?.needsPerson, true);
    equal(world.ask({ kind: "retry" }).kind, "accepted");
    world.pass(3 * MINUTE);
    equal(world.release.state, "live");
  });

  it("gives the work back to stable's workers, who run before the candidate's stop", () => {
    const world = watching(
      planOf([...USUAL.steps.slice(0, 4), step.approve("day-1")], { services: [WEB, WORKER] }),
    ).pass(3 * MINUTE);
    deepEqual(workersOf(world), ["v2"]);
    world.ask({ kind: "step-back" });
    deepEqual(workersOf(world), ["v1"]);
    const names = world.done.map((effect) =>
      "services" in effect && effect.services.includes("worker") ? `${effect.kind} ${effect.version}` : "",
    );
    ok(names.lastIndexOf("start v1") < names.lastIndexOf("stop v2"), names.join());
    world.ask({ kind: "rollback" });
    deepEqual(workersOf(world), ["v1"]);
  });

  it("does not forget what a command below it has done: it is not run again, and a rollback undoes it", () => {
    const plan = planOf([
      step.start(),
      step.shift(5, MINUTE),
      step.run("announce", "take-back"),
      step.shift(25, MINUTE),
      step.shift(100, MINUTE),
    ]);
    const world = watching(plan).pass(MINUTE + SECOND);
    equal(world.share, 2_500);
    world.ask({ kind: "step-back" });
    equal(world.share, 500);
    world.pass(2 * MINUTE);
    world.ask({ kind: "retry" });
    equal(world.share, 2_500);
    world.ask({ kind: "rollback" });
    deepEqual(
      world.done.flatMap((effect) => (effect.kind === "command" ? [effect.command] : [])),
      ["announce", "take-back"],
    );
  });
});

it("a command that failed and was about to be tried again is undone", () => {
  const world = new PureWorld(planOf([step.run("migrate", "revert", { else: "hold" }), ...USUAL.steps]));
  world.outcome = (effect) =>
    effect.kind === "command" && effect.command === "migrate"
      ? { fault: { code: "command-failed", what: "It ended with exit code 1." } }
      : { observed: {} };
  world.settle();
  world.ask({ kind: "pause" });
  world.ask({ kind: "retry" });
  world.ask({ kind: "rollback" });
  equal(world.release.state, "rolled-back");
  deepEqual(
    world.done.flatMap((effect) => (effect.kind === "command" ? [effect.command] : [])),
    ["revert"],
  );
});
