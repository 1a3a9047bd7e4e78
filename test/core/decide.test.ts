import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { rollbackSentence } from "../../src/core/decide/way-back.ts";
import { decide } from "../../src/core/decide/decide.ts";
import { replay } from "../../src/core/release/evolve.ts";
import type { Guard, Verdict } from "../../src/core/plan/guard.ts";
import type { Plan } from "../../src/core/plan/plan.ts";
import type { Step, Unclear } from "../../src/core/plan/step.ts";
import { DAY, HOUR, MINUTE, SECOND } from "../../src/core/time/time.ts";
import { GUARDS, planOf, step, USUAL, WEB, WORKER } from "../support/plans.ts";
import { errorsVerdict, PureWorld } from "../support/pure-world.ts";

const PASS = [errorsVerdict("pass")];
const FAIL = [errorsVerdict("fail", "rollback")];

function watching(plan = USUAL): PureWorld {
  const world = new PureWorld(plan);
  world.verdicts = PASS;
  return world.settle();
}

it("a step that passes with a warning says so, and not that no limit was broken", () => {
  const world = new PureWorld(USUAL);
  world.verdicts = [errorsVerdict("fail", "warn")];
  world.settle().pass(MINUTE);
  equal(world.share, 2_500);
  match(
    world.eventsOf("step-passed").at(-1)?.because.sentence ?? "",
    /^A warning, and no other limit broken: errors 5\.9%/,
  );
});

it("a first version that passes without visitors says so, and not that no limit was broken", () => {
  const world = new PureWorld(USUAL, null);
  world.verdicts = [errorsVerdict("no-data")];
  world.settle().pass(MINUTE);
  equal(world.release.state, "closed");
  match(
    world.eventsOf("step-passed").find(({ step: id }) => id === "shift-100")?.because.sentence ?? "",
    /^The first version, which need not wait for visitors: /,
  );
});

describe("a release that goes well", () => {
  it("gives 5%, 25%, 100%, each for its time, goes live, retires the standby and closes", () => {
    const world = watching();
    equal(world.share, 500);
    world.pass(MINUTE);
    equal(world.share, 2_500);
    world.pass(MINUTE);
    equal(world.share, 10_000);
    equal(world.release.state, "running");
    world.pass(MINUTE);
    equal(world.release.state, "closed");
    deepEqual(
      world.done.map(({ kind }) => kind),
      ["prepare", "start", "share", "share", "share", "stop", "prune-versions", "settle"],
    );
    ok(![...world.running.values()].some(({ version }) => version === "v1"));
  });

  it("never promotes before its hold ends", () => {
    const world = watching().pass(MINUTE - SECOND);
    equal(world.share, 500);
  });

  it("is live, not closed, while a sign-off waits for its day", () => {
    const world = watching(planOf([...USUAL.steps.slice(0, 4), step.approve("day-1", { afterMs: DAY })]));
    world.pass(3 * MINUTE);
    equal(world.release.state, "live");
    world.pass(23 * HOUR, HOUR);
    equal(world.eventsOf("held").length, 0);
    world.pass(2 * HOUR, HOUR);
    equal(world.release.hold?.needsPerson, true);
    equal(world.ask({ kind: "approve" }).kind, "accepted");
    equal(world.release.state, "closed");
  });

  it("lasts four weeks without deciding anything by itself in between", () => {
    const world = watching(
      planOf([step.start(), step.shift(5, 14 * DAY), step.shift(25, 14 * DAY), step.shift(100, HOUR), step.retire()]),
    );
    world.pass(14 * DAY - HOUR, HOUR);
    const before = world.history.length;
    equal(world.share, 500);
    world.pass(HOUR, HOUR);
    equal(world.share, 2_500);
    world.pass(14 * DAY + 2 * HOUR, HOUR);
    equal(world.release.state, "closed");
    ok(before < 40, `${before} events in two quiet weeks`);
  });
});

describe("a guard that is only tried out", () => {
  const DRY = { metric: "p95", dryRun: true } as const;
  const guards = [...GUARDS, ...GUARDS.map((guard): Guard => ({ ...guard, ...DRY }))];
  const plan = planOf([step.start(), step.shift(5, MINUTE, { guards }), step.shift(100, MINUTE, { guards })]);

  for (const [kind, level] of [
    ["fail", "rollback"],
    ["fail", "hold"],
    ["no-data"],
    ["source-down"],
    ["inconclusive"],
  ] as const) {
    it(`is told and keeps no step from passing: ${kind}${level === undefined ? "" : ` (${level})`}`, () => {
      const world = new PureWorld(plan);
      const tried = { ...errorsVerdict(kind, level), ...DRY };
      world.verdicts = [tried, ...PASS];
      world.settle();
      equal(world.share, 500);
      deepEqual(world.release.verdicts.p95, tried, "the journal has it");
      equal(world.release.hold, null);
      world.pass(MINUTE);
      equal(world.share, 10_000);
      const but = kind === "fail" ? " but one that is tried out" : "";
      match(world.eventsOf("step-passed").at(-1)?.because.sentence ?? "", new RegExp(`^No limit broken${but}: errors`));
    });
  }

  it("and says nothing at all does not keep a step from passing either, and is no reason to say that nobody watched", () => {
    const world = watching(plan).pass(MINUTE);
    equal(world.share, 10_000);
    const alone = planOf([step.start(), step.shift(5, MINUTE, { guards: guards.slice(1) }), step.shift(100, 0)]);
    const other = new PureWorld(alone);
    other.verdicts = [{ ...errorsVerdict("fail", "rollback"), ...DRY }];
    other.settle().pass(MINUTE);
    match(
      other.eventsOf("step-passed").find(({ step: id }) => id === "shift-5")?.because.sentence ?? "",
      /^Its time is over; nothing was watched but what is tried out: errors/,
    );
  });

  it("warns nobody", () => {
    const world = new PureWorld(plan);
    world.verdicts = [{ ...errorsVerdict("fail", "warn"), ...DRY }, ...PASS];
    world.settle();
    deepEqual(
      world.done.filter((effect) => effect.kind === "notify" && effect.message.topic === "warning"),
      [],
    );
  });
});

describe("a guard that could not tell so often that the plan waits no longer", () => {
  const overdue = (kind: Verdict["verdict"]): readonly Verdict[] => [{ ...errorsVerdict(kind), isOverdue: true }];
  const unclear = (how: Unclear | undefined): Plan =>
    planOf([
      step.start(),
      step.shift(5, 10 * MINUTE, how === undefined ? {} : { unclear: how }),
      step.shift(25, MINUTE),
      step.shift(100, MINUTE),
    ]);
  const early = (plan: Plan, verdicts: readonly Verdict[]): PureWorld => {
    const world = watching(plan).pass(MINUTE);
    world.verdicts = verdicts;
    return world.settle();
  };

  for (const kind of ["inconclusive", "no-data", "source-down"] as const) {
    it(`holds before the step's time is over, tells people, and goes on when there is data: ${kind}`, () => {
      const world = early(unclear(undefined), overdue(kind));
      deepEqual([world.release.hold?.because.kind, world.release.hold?.needsPerson], ["no-data", true]);
      world.verdicts = PASS;
      world.settle();
      equal(world.release.hold, null);
      equal(world.share, 500, "its time is not over yet");
      world.pass(9 * MINUTE);
      equal(world.share, 2_500);
    });
  }

  it("steps back or raises where the plan says so, and raises not before its time", () => {
    const lower = planOf([
      step.start(),
      step.shift(5, SECOND),
      step.shift(25, 10 * MINUTE, { unclear: "step-back" }),
      step.shift(100, SECOND),
    ]);
    const back = watching(lower).pass(5 * SECOND);
    equal(back.share, 2_500);
    back.verdicts = overdue("inconclusive");
    back.settle();
    equal(back.eventsOf("stepped-back").length, 1);

    const raised = early(unclear("raise"), overdue("inconclusive"));
    equal(raised.release.hold, null);
    equal(raised.share, 500);
    raised.pass(9 * MINUTE);
    equal(raised.share, 2_500);
  });

  for (const how of ["raise", "step-back"] as const) {
    it(`never takes a source that can't be read for more than a reason to hold, with \`unclear: ${how}\` too`, () => {
      const world = early(unclear(how), overdue("source-down"));
      equal(world.release.hold?.needsPerson, true);
      world.pass(DAY);
      deepEqual(
        [world.share, world.eventsOf("stepped-back").length, world.eventsOf("rollback-decided").length],
        [500, 0, 0],
      );
    });
  }

  it("keeps no first version from going on: that need not wait for visitors", () => {
    const world = new PureWorld(USUAL, null);
    world.verdicts = overdue("no-data");
    world.settle().pass(10 * MINUTE);
    equal(world.eventsOf("went-live").length, 1);
  });
});

describe("missing data (I4)", () => {
  for (const kind of ["no-data", "source-down", "inconclusive"] as const) {
    it(`holds on ${kind}, and goes on when there is data`, () => {
      const world = new PureWorld(USUAL);
      world.verdicts = [errorsVerdict(kind)];
      world.settle().pass(10 * MINUTE);
      equal(world.share, 500);
      equal(world.release.hold?.because.kind, "no-data");
      world.verdicts = PASS;
      world.settle();
      equal(world.share, 2_500);
      equal(world.release.hold, null);
      equal(world.eventsOf("hold-ended").length, 1, "that it goes on is told");
    });
  }

  it("asks nobody about a share so short that its first figures can't have come yet", () => {
    const world = new PureWorld(planOf([step.start(), step.shift(5, SECOND), step.shift(100, SECOND)]));
    world.verdicts = [errorsVerdict("no-data")];
    world.settle().pass(4 * SECOND);
    equal(world.share, 500);
    equal(world.eventsOf("held").length, 0);
    world.pass(2 * SECOND);
    equal(world.release.hold?.needsPerson, true);
  });

  it("of a guard that is not looked at yet keeps a first version waiting too, though it need not wait for visitors", () => {
    const world = new PureWorld(USUAL, null);
    world.verdicts = [{ ...errorsVerdict("no-data"), notBeforeMs: SECOND }];
    world.settle().pass(10 * MINUTE);
    equal(world.release.hold?.because.kind, "no-data");
    equal(world.eventsOf("went-live").length, 0);
    world.verdicts = [errorsVerdict("no-data")];
    world.settle();
    equal(world.eventsOf("went-live").length, 1);
  });

  it("holds while the data plane can't be asked, and never fails the candidate for it", () => {
    const world = watching();
    world.trafficAnswers = false;
    world.pass(5 * MINUTE);
    equal(world.share, 500);
    equal(world.release.undo, null);
    match(world.release.hold?.because.sentence ?? "", /can't be asked/);
  });

  it("counts no time in which the data plane can't be asked, and goes on where it was", () => {
    const world = watching(planOf([step.start(), step.shift(5, MINUTE), step.shift(100, MINUTE)])).pass(20 * SECOND);
    for (let times = 0; times < 2; times += 1) {
      world.trafficAnswers = false;
      world.pass(5 * MINUTE);
      world.trafficAnswers = true;
      world.settle().pass(15 * SECOND);
      equal(world.share, 500);
      equal(world.release.hold, null);
    }
    world.pass(15 * SECOND);
    equal(world.share, 10_000);
  });

  it("says which of several load balancers it waits for", () => {
    const world = watching();
    world.trafficAnswers = false;
    world.away = ["HAProxy at /run/two.sock can't be asked."];
    world.settle();
    match(world.release.hold?.because.sentence ?? "", /still gives 5%\. HAProxy at \/run\/two\.sock can't be asked\.$/);
  });
});

describe("a candidate that is worse", () => {
  it("goes back at once, in the order of undoing", () => {
    const world = watching(
      planOf([step.start(), step.run("make-cache", "drop-cache"), step.shift(5, MINUTE), step.shift(100, MINUTE)], {
        services: [WEB, WORKER],
      }),
    );
    world.verdicts = FAIL;
    world.settle();
    equal(world.release.state, "rolled-back");
    equal(world.share, 0);
    const undone = world.done.slice(world.done.findIndex((effect) => effect.kind === "share" && effect.share === 0));
    deepEqual(
      undone.map((effect) => (effect.kind === "command" ? effect.command : effect.kind)),
      ["share", "drop-cache", "gather-evidence", "stop", "settle"],
    );
    match(world.release.undo?.because.sentence ?? "", /errors 5\.9% \(4\/68\) against 0\.08%/);
  });

  it("runs stable's workers again before it stops the candidate's", () => {
    const world = watching(planOf(USUAL.steps, { services: [WEB, WORKER] })).pass(2 * MINUTE);
    equal(world.share, 10_000);
    ok(!world.running.has("worker-blue-0"));
    world.verdicts = FAIL;
    world.settle();
    const kinds = world.done.map((effect) =>
      effect.kind === "start" || effect.kind === "stop"
        ? `${effect.kind} ${effect.version} ${effect.services.join("+")}`
        : effect.kind,
    );
    ok(
      kinds.indexOf("start v1 worker") > 0 && kinds.indexOf("start v1 worker") < kinds.indexOf("stop v2 web+worker"),
      kinds.join(", "),
    );
    equal(world.release.state, "rolled-back");
  });

  it("holds instead when automatic rollback is off", () => {
    const world = watching({ ...USUAL, automaticRollback: false });
    world.verdicts = FAIL;
    world.pass(MINUTE);
    equal(world.share, 500);
    equal(world.release.hold?.needsPerson, true);
    equal(world.ask({ kind: "rollback" }).kind, "accepted");
    equal(world.release.state, "rolled-back");
  });

  it("steps back where the plan says so, and waits there for a person", () => {
    const world = watching(
      planOf([
        step.start(),
        step.shift(5, MINUTE),
        step.shift(25, MINUTE, { else: "step-back" }),
        step.shift(100, MINUTE),
      ]),
    ).pass(MINUTE);
    equal(world.share, 2_500);
    world.verdicts = ({ cursor, steps }) => (cursor === 2 && steps[2]?.attempt === 1 ? FAIL : PASS);
    world.settle();
    equal(world.share, 500);
    world.pass(5 * MINUTE);
    equal(world.share, 500);
    match(world.release.hold?.because.sentence ?? "", /Stepped back/);
    equal(world.ask({ kind: "retry" }).kind, "accepted");
    equal(world.share, 2_500);
    equal(world.release.steps[2]?.attempt, 2);
  });

  it("freezes and asks for a person when stable is as bad", () => {
    const world = watching();
    world.verdicts = FAIL;
    world.stableVerdicts = FAIL;
    world.pass(MINUTE);
    equal(world.release.undo, null);
    equal(world.release.hold?.because.kind, "environment");
    equal(world.share, 500);
  });

  it("is not begun anew by somebody who would retry it while it runs", () => {
    const world = watching();
    world.outcome = (effect) => (effect.kind === "stop" ? null : { observed: {} });
    world.ask({ kind: "rollback" });
    equal(world.release.undo?.effects["stop-candidate"]?.state, "requested");
    equal(world.ask({ kind: "retry" }).kind, "already");
    equal(world.eventsOf("retried").length, 0);
  });

  it("goes back when the candidate is no longer ready, but not when stable is not either", () => {
    const world = watching();
    world.isReady = () => false;
    world.pass(SECOND);
    equal(world.release.hold?.because.kind, "environment");
    world.isReady = ({ version }) => version === "v1";
    world.pass(SECOND);
    equal(world.release.state, "rolled-back");
  });

  it("can go back after the standby is retired, by starting the earlier version again first", () => {
    const world = watching(planOf([...USUAL.steps, step.approve("day-1", { afterMs: DAY })])).pass(3 * MINUTE);
    equal(world.release.state, "live");
    ok(world.release.standbyRetired);
    const answer = world.ask({ kind: "rollback" });
    equal(answer.kind, "accepted");
    match(answer.kind === "accepted" ? answer.sentence : "", /was retired: starts it again/);
    equal(world.release.state, "rolled-back");
    const kinds = world.done.map((effect) => ("version" in effect ? `${effect.kind} ${effect.version}` : effect.kind));
    ok(kinds.lastIndexOf("start v1") < kinds.lastIndexOf("share"), kinds.join(", "));
  });
});

describe("a start that fails", () => {
  it("rolls back before any traffic", () => {
    const world = new PureWorld(USUAL);
    world.outcome = (effect) =>
      effect.kind === "start"
        ? { fault: { code: "instance-not-ready", what: "web-green-0 exited with code 1." } }
        : { observed: {} };
    world.settle();
    equal(world.release.state, "rolled-back");
    ok(!world.done.some((effect) => effect.kind === "share" && effect.share > 0));
  });
});

describe("the first release of an empty place", () => {
  it("simply starts: partial shares are skipped", () => {
    const world = new PureWorld(USUAL, null);
    world.verdicts = [errorsVerdict("no-data")];
    world.settle();
    equal(world.share, 10_000);
    deepEqual(
      world.release.steps.map(({ state }) => state),
      ["passed", "skipped", "skipped", "running", "waiting"],
    );
    world.pass(MINUTE);
    equal(world.release.state, "closed");
  });

  it("holds for a person when it is bad, because there is nothing to go back to", () => {
    const world = new PureWorld(USUAL, null).settle();
    world.verdicts = FAIL;
    world.pass(SECOND);
    equal(world.release.undo, null);
    match(world.release.hold?.because.sentence ?? "", /no earlier version/);
  });
});

describe("an engine that dies", () => {
  it("repeats what is safe to repeat", () => {
    const world = new PureWorld(USUAL);
    world.outcome = (effect) => (effect.kind === "prepare" ? null : { observed: {} });
    world.settle();
    world.outcome = () => ({ observed: {} });
    world.verdicts = PASS;
    world.takeOver();
    equal(world.share, 500);
    equal(world.eventsOf("effect-requested").filter(({ name }) => name === "prepare").length, 2);
  });

  it("asks a person about a command that it can't repeat", () => {
    const world = new PureWorld(planOf([step.run("charge-customers"), step.start()]));
    world.outcome = (effect) => (effect.kind === "command" ? null : { observed: {} });
    world.settle().takeOver();
    equal(world.release.hold?.because.kind, "uncertain");
    world.outcome = () => ({ observed: {} });
    equal(world.ask({ kind: "promote" }).kind, "accepted");
    equal(world.release.steps[0]?.state, "passed");
    equal(world.done.filter(({ kind }) => kind === "command").length, 0);
  });

  it("asks about it too after a step back, before it is run again on the way up", () => {
    const plan = planOf([
      step.start(),
      step.shift(5, MINUTE),
      step.shift(25, MINUTE),
      step.run("charge"),
      step.shift(100, MINUTE),
    ]);
    const world = new PureWorld(plan);
    world.verdicts = PASS;
    world.outcome = (effect) => (effect.kind === "command" ? null : { observed: {} });
    world.settle().pass(3 * MINUTE);
    world.takeOver();
    equal(world.release.hold?.because.kind, "uncertain");
    equal(world.ask({ kind: "step-back" }).kind, "accepted");
    equal(world.share, 500);
    world.outcome = () => ({ observed: {} });
    world.pass(2 * MINUTE);
    equal(world.ask({ kind: "promote" }).kind, "accepted");
    world.pass(2 * MINUTE);
    equal(world.release.hold?.because.kind, "uncertain");
    equal(world.eventsOf("effect-requested").filter(({ effect }) => effect.kind === "command").length, 1);
    equal(world.ask({ kind: "retry" }).kind, "accepted");
    world.pass(5 * MINUTE);
    equal(world.eventsOf("effect-requested").filter(({ effect }) => effect.kind === "command").length, 2);
    equal(world.share, 10_000);
  });

  it("counts only watched time towards a hold", () => {
    const world = watching()
      .pass(30 * SECOND)
      .takeOver(HOUR);
    equal(world.share, 500);
    world.pass(31 * SECOND);
    equal(world.share, 2_500);
  });

  it("puts a share right that changed meanwhile (I2)", () => {
    const world = watching();
    world.share = 0;
    world.takeOver();
    equal(world.share, 500);
    equal(world.eventsOf("share-drifted").length, 1);
  });

  it("does not forget what was watched before a share drifted", () => {
    const world = watching().pass(50 * SECOND);
    world.share = 0;
    world.takeOver();
    equal(world.share, 500);
    world.pass(11 * SECOND);
    equal(world.share, 2_500);
  });
});

describe("people", () => {
  it("can't approve a release of their own, unless they are alone", () => {
    const plan = planOf([step.approve(), ...USUAL.steps], { people: { ann: ["approver"], bob: ["approver"], cy: [] } });
    const world = new PureWorld(plan).settle();
    equal(world.ask({ kind: "approve" }, "ann").kind, "refused");
    equal(world.ask({ kind: "approve" }, "cy").kind, "refused");
    equal(world.ask({ kind: "approve" }, "bob").kind, "accepted");
    equal(world.release.steps[0]?.state, "passed");
    const alone = new PureWorld(planOf([step.approve(), ...USUAL.steps])).settle();
    equal(alone.ask({ kind: "approve" }, "ann").kind, "accepted");
    equal(alone.eventsOf("approved")[0]?.own, true);
  });

  it("are told how far it has come, approval by approval", () => {
    const people = { ann: ["approver"], bob: ["approver"], cy: ["approver"], dan: ["qa"] };
    const world = new PureWorld(planOf([step.approve("go", { count: 2 }), ...USUAL.steps], { people })).settle();
    match(world.release.hold?.because.sentence ?? "", /0 of 2/);
    equal(world.ask({ kind: "approve" }, "bob").kind, "accepted");
    match(world.release.hold?.because.sentence ?? "", /1 of 2/);
    equal(world.ask({ kind: "approve" }, "bob").kind, "already");
    equal(world.release.hold?.because.sentence, "Waits for approval: 1 of 2 by a person with the role approver.");
    equal(world.ask({ kind: "approve" }, "cy").kind, "accepted");
    equal(world.release.hold, null);
  });

  it("are named who may approve: never who started the release", () => {
    const fixFor = (person: string, people: Readonly<Record<string, readonly string[]>>): string | undefined => {
      const world = new PureWorld(planOf([step.approve(), ...USUAL.steps], { people })).settle();
      const answer = world.ask({ kind: "approve" }, person);
      return answer.kind === "refused" ? answer.fault.fix : undefined;
    };
    equal(fixFor("cy", { ann: ["approver"], bob: ["approver"], cy: [] }), "ask bob");
    equal(fixFor("ann", { ann: ["approver"], bob: ["approver"], cy: [] }), "ask bob");
    equal(fixFor("ann", { ann: ["approver"], cy: [] }), "give somebody else the role in the plan file's people:");
  });

  it("can't sign a later day off before it has come", () => {
    const world = watching(planOf([...USUAL.steps.slice(0, 4), step.approve("day-1", { afterMs: DAY })]));
    const refusal = (): string | null => {
      const answer = world.ask({ kind: "approve", step: "day-1" });
      return answer.kind === "refused" ? `${answer.fault.code}: ${answer.fault.what}` : null;
    };
    equal(refusal(), 'not-due: "day-1" can be approved 1d after the release went live, and it is not live yet.');
    world.pass(3 * MINUTE);
    equal(refusal(), 'not-due: "day-1" can be approved 1d after the release went live: in 1d.');
    // Nobody acts when the day comes: the one who approves may be the first to look.
    world.wall += DAY;
    equal(refusal(), null);
    equal(world.release.state, "closed");
  });

  it("are refused an approval of a plan that they did not see (I9)", () => {
    const world = new PureWorld(planOf([step.approve(), ...USUAL.steps])).settle();
    equal(world.ask({ kind: "approve", planHash: "another" }).kind, "refused");
  });

  it("tick an item where it is still open, and once", () => {
    const check = (id: string): Step => ({
      ...step.start(),
      kind: "check",
      id,
      name: id,
      boundMs: MINUTE,
      checklist: { source: "list.md", items: [{ id: "backup", text: "Backup", headings: [], ticked: false }] },
    });
    const world = new PureWorld(
      planOf([check("before"), step.start(), check("after"), step.shift(100, MINUTE)]),
    ).settle();
    const tick = { kind: "tick", item: "backup" } as const;
    equal(world.ask(tick).kind, "accepted");
    equal(world.release.hold?.step, "after");
    equal(world.ask(tick).kind, "accepted");
    equal(world.share, 10_000);
    equal(world.ask(tick).kind, "already");
    equal(world.eventsOf("item-ticked").length, 2);
  });

  it("pause and resume; guards go on watching", () => {
    const world = watching();
    equal(world.ask({ kind: "pause" }).kind, "accepted");
    world.pass(10 * MINUTE);
    equal(world.share, 500);
    equal(world.ask({ kind: "pause" }).kind, "already");
    world.ask({ kind: "resume" });
    equal(world.share, 2_500);
    world.ask({ kind: "pause" });
    world.verdicts = FAIL;
    world.settle();
    equal(world.release.state, "rolled-back");
  });

  it("promote past the rest of a hold, and skip a step only with a reason", () => {
    const world = watching();
    equal(world.ask({ kind: "promote" }).kind, "accepted");
    equal(world.share, 2_500);
    equal(world.ask({ kind: "promote", skip: "retire" }).kind, "refused");
    equal(world.ask({ kind: "promote", skip: "retire" }, "bob", "we keep it").kind, "accepted");
    world.pass(2 * MINUTE);
    equal(world.release.state, "closed");
    ok([...world.running.values()].some(({ version }) => version === "v1"));
  });

  it("don't get past a start or a share by promoting it before it fails: it fails all the same", () => {
    for (const [kind, failing] of [
      ["start", "start"],
      ["shift", "share"],
    ] as const) {
      const world = new PureWorld(planOf([step.start(), step.shift(100, MINUTE), step.retire()]));
      world.outcome = (effect) => (effect.kind === failing ? null : { observed: {} });
      world.settle();
      equal(world.release.plan.steps[world.release.cursor]?.kind, kind);
      equal(world.ask({ kind: "promote" }).kind, "accepted");
      world.outcome = (effect) =>
        effect.kind === failing && world.release.undo === null
          ? { fault: { code: "traffic-table-refused", what: "It is refused." } }
          : { observed: {} };
      world.takeOver();
      world.pass(5 * MINUTE, SECOND);
      equal(world.release.state, "rolled-back", kind);
      equal(world.eventsOf("went-live").length, 0);
    }
  });

  it("don't promote a step that they did not see, when another one was quicker", () => {
    const world = watching();
    const seen = world.release.steps[world.release.cursor]?.step ?? "";
    equal(world.ask({ kind: "promote", step: seen }).kind, "accepted");
    equal(world.share, 2_500);
    equal(world.ask({ kind: "promote", step: seen }, "bob").kind, "already");
    equal(world.share, 2_500);
    const higher = world.release.steps[world.release.cursor]?.step ?? "";
    equal(world.ask({ kind: "step-back", step: higher }).kind, "accepted");
    equal(world.share, 500);
    equal(world.ask({ kind: "step-back", step: higher }, "bob").kind, "already");
    equal(world.share, 500);
  });
});

it("replaying the journal gives the live state (I5)", () => {
  const world = watching(
    planOf([
      step.start(),
      step.shift(5, MINUTE),
      step.shift(25, MINUTE, { else: "step-back" }),
      step.shift(100, MINUTE),
    ]),
  ).pass(90 * SECOND);
  world.verdicts = FAIL;
  world.pass(MINUTE).takeOver(MINUTE);
  world.ask({ kind: "rollback" });
  deepEqual(replay(world.history), world.release);
  deepEqual(decide(world.release, world.seen(), { wall: world.wall, watched: world.watched }), []);
});

describe("a version that was taken over", () => {
  const ADOPTED = { version: "v1", label: "adopted 127.0.0.1:3000", slot: "blue", adopted: "127.0.0.1:3000" } as const;

  function takingOver(plan = USUAL): PureWorld {
    const world = new PureWorld(plan, ADOPTED);
    world.verdicts = PASS;
    return world.settle();
  }

  it("serves through the front door before anything else is done", () => {
    const kinds = takingOver().done.map(({ kind }) => kind);
    deepEqual(kinds, ["settle", "prepare", "start", "share"]);
  });

  it("does so although the first step waits for a person", () => {
    const world = takingOver(planOf([step.approve("go"), ...USUAL.steps]));
    deepEqual(world.done, [{ kind: "settle", on: "stable" }]);
  });

  it("gets everything back at once as long as it is standby", () => {
    const world = takingOver();
    equal(world.ask({ kind: "rollback" }).kind, "accepted");
    equal(world.release.state, "rolled-back");
    equal(world.share, 0);
  });

  it("can't be gone back to once it is retired, and the answer says so", () => {
    const world = takingOver().pass(3 * MINUTE);
    equal(world.release.state, "closed");
    const answer = world.ask({ kind: "rollback" });
    equal(answer.kind === "refused" ? answer.fault.code : "", "no-way-back");
    match(rollbackSentence(world.release), /^Not possible: adopted 127\.0\.0\.1:3000 was retired/);
    ok([...world.running.values()].some(({ version }) => version === "v2"));
  });

  it("leaves the new version alone when a later step fails and there is no way back", () => {
    const world = takingOver(planOf([...USUAL.steps, step.run("purge")]));
    world.outcome = (effect) =>
      effect.kind === "command" ? { fault: { code: "command-failed", what: "It ended with 1." } } : { observed: {} };
    world.pass(5 * MINUTE);
    equal(world.release.hold?.needsPerson, true);
    match(world.release.hold?.because.sentence ?? "", /It ended with 1\. adopted .* was retired/);
    equal(world.release.undo, null);
    ok([...world.running.values()].some(({ version }) => version === "v2"));
  });
});
