import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { alertsToRenew } from "../../src/core/decide/alerts.ts";
import type { Guard } from "../../src/core/plan/guard.ts";
import type { Plan } from "../../src/core/plan/plan.ts";
import { type NotifyTarget, receiverName } from "../../src/core/plan/receiver.ts";
import type { Effect } from "../../src/core/release/effect.ts";
import { isSettled } from "../../src/core/release/settled.ts";
import { alertStatus, untoldStatus } from "../../src/core/status/people-told.ts";
import { HOUR, MINUTE, SECOND } from "../../src/core/time/time.ts";
import { GUARDS, planOf, step, USUAL } from "../support/plans.ts";
import { errorsVerdict, type Outcome, PureWorld } from "../support/pure-world.ts";

const CHAT: NotifyTarget = { kind: "slack", name: "chat", to: { kind: "webhook", url: "${CHAT}" } };
const MAIL: NotifyTarget = { kind: "email", name: "mail", to: ["a@example.com"], smtp: "${SMTP}" };
const PAGER: NotifyTarget = {
  kind: "pagerduty",
  name: "pager",
  key: "${PD_KEY}",
  url: "https://events.pagerduty.com",
  api: "https://api.pagerduty.com",
};
const KEEPER: NotifyTarget = { kind: "alertmanager", name: "keeper", url: "http://a", labels: {} };
const HOOK: NotifyTarget = { kind: "webhook", name: "hook", url: "${HOOK}" };
const NOBODY: Outcome = { fault: { code: "notification-not-delivered", what: "It did not take it." } };
const PERHAPS: Outcome = { fault: { code: "notification-uncertain", what: "It may not have taken it." } };

type Notify = Extract<Effect, { kind: "notify" }>;

function watching(plan: Plan, outcome: (effect: Notify) => Outcome | null = () => ({ observed: {} })): PureWorld {
  const world = new PureWorld(plan);
  world.verdicts = [errorsVerdict("pass")];
  world.outcome = (effect) => (effect.kind === "notify" ? outcome(effect) : { observed: {} });
  return world.settle();
}

/** Who was told what, in order: `chat started`, `pager needs-person open`. */
function handed(world: PureWorld): readonly string[] {
  return world.eventsOf("effect-requested").flatMap(({ effect }) => {
    if (effect.kind !== "notify") return [];
    const [target] = effect.to;
    const { topic, alert } = effect.message;
    return target === undefined
      ? []
      : [[receiverName(target), topic, ...(alert === undefined ? [] : [alert.act])].join(" ")];
  });
}

function messagesTo(world: PureWorld, name: string): readonly Notify["message"][] {
  return world
    .eventsOf("effect-requested")
    .flatMap(({ effect }) =>
      effect.kind === "notify" && effect.to.some((target) => receiverName(target) === name) ? [effect.message] : [],
    );
}

/** No figures for twice its time: a person is asked. */
function comesToAHold(world: PureWorld): PureWorld {
  world.verdicts = [errorsVerdict("no-data")];
  return world.pass(3 * MINUTE);
}

const PAGED: Plan = {
  ...USUAL,
  notify: [CHAT],
  page: { to: [PAGER], on: ["needs-person", "failed"], ackMs: 5 * MINUTE, else: [MAIL] },
};

describe("a release that goes well", () => {
  it("is two messages, and calls nobody", () => {
    const phase = { name: "canary" };
    const on = ["started", "warning", "held", "needs-person", "live", "rolled-back", "failed"] as const;
    const steps = [step.start(), step.shift(5, MINUTE, { phase }), step.shift(100, MINUTE), step.retire()];
    const world = watching({ ...PAGED, steps, notify: [{ ...CHAT, on }, KEEPER] }).pass(10 * MINUTE);
    equal(world.release.state, "closed");
    deepEqual(handed(world), ["chat started", "chat live"]);
  });
});

describe("when a person is needed", () => {
  it("the pager is called once, with the sentence and how to acknowledge it", () => {
    const world = comesToAHold(watching(PAGED));
    deepEqual(handed(world), ["chat started", "chat needs-person", "pager needs-person open"]);
    const [message] = messagesTo(world, "pager");
    equal(message?.command, "tidegate ack 1");
    match(message?.alert?.key ?? "", /^shop\/production\/1-[0-9a-z]+\/held-1$/);
    equal(message?.sentence, messagesTo(world, "chat").at(-1)?.sentence);
  });

  it("somebody else is called when nobody acknowledges in time, once", () => {
    const world = comesToAHold(watching(PAGED));
    const before = handed(world).length;
    equal(isSettled(world.release, world.wall), false, "whoever acts stays until then");
    const [alert] = alertStatus(world.release, world.wall);
    world.pass((alert?.escalatesAtMs ?? 0) - world.wall - SECOND);
    equal(handed(world).length, before);
    world.pass(SECOND);
    deepEqual(handed(world).slice(before), ["mail needs-person open"]);
    match(messagesTo(world, "mail")[0]?.sentence ?? "", /^Nobody has acknowledged this within 5m\. /);
    world.pass(HOUR);
    equal(handed(world).length, before + 1);
    equal(isSettled(world.release, world.wall), true);
  });

  it("nobody else is called once somebody has acknowledged, and the pager hears of it", () => {
    const world = comesToAHold(watching(PAGED));
    const answer = world.ask({ kind: "acknowledge" }, "eve", "looking");
    match(
      answer.kind === "accepted" ? answer.sentence : "",
      /^Acknowledged by eve, and nobody else is called for it: /,
    );
    world.pass(HOUR);
    deepEqual(handed(world).slice(-2), ["pager needs-person open", "pager needs-person acknowledge"]);
    equal(messagesTo(world, "pager").at(-1)?.sentence, "Acknowledged by eve: looking.");
    deepEqual(
      alertStatus(world.release, world.wall).map(({ acknowledged, escalatesAtMs }) => [
        acknowledged?.by,
        escalatesAtMs,
      ]),
      [["eve", null]],
    );
    deepEqual(world.ask({ kind: "acknowledge" }, "bob"), { kind: "already", sentence: "Acknowledged by eve already." });
  });

  it("who acknowledged at the pager is not told to it again", () => {
    const world = comesToAHold(watching(PAGED));
    world.happens({ type: "acknowledged", alerts: ["held-1"], by: "eve, in PagerDuty", via: "pager" });
    world.pass(HOUR);
    equal(handed(world).at(-1), "pager needs-person open");
  });

  it("it is over for the pager when it is over, in the words with which it began", () => {
    const world = comesToAHold(watching(PAGED));
    world.verdicts = [errorsVerdict("pass")];
    world.pass(SECOND);
    equal(world.release.hold, null);
    const [opened, resolved] = messagesTo(world, "pager");
    deepEqual(resolved, { ...opened, alert: { ...opened?.alert, act: "resolve" } });
    world.pass(HOUR);
    equal(messagesTo(world, "pager").length, 2);
    const nothing = world.ask({ kind: "acknowledge" });
    equal(nothing.kind === "refused" && nothing.fault.code, "nothing-to-acknowledge");
  });

  it("and a pager that can't be reached is no reason to wait: somebody else is called as soon as the time is over", () => {
    const world = comesToAHold(watching(PAGED, ({ to }) => (to[0] === PAGER ? NOBODY : { observed: {} })));
    const since = alertStatus(world.release, world.wall)[0]?.sinceMs ?? 0;
    world.pass(since + 5 * MINUTE - world.wall + SECOND);
    ok(handed(world).includes("mail needs-person open"));
    equal(untoldStatus(world.release, world.wall)[0]?.receiver, "pager");
  });

  it("an approval that the plan waits for wakes nobody up", () => {
    const world = watching({ ...PAGED, steps: [step.approve(), ...USUAL.steps] }).pass(HOUR);
    deepEqual(handed(world), ["chat started", "chat needs-person"]);
    equal(messagesTo(world, "chat").at(-1)?.command, "tidegate approve --release 1");
    equal(isSettled(world.release, world.wall), true);
  });
});

describe("a rollback", () => {
  const page = { to: [PAGER], on: ["rolled-back"], ackMs: MINUTE, else: [] } as const;

  it("calls somebody where the plan says so, until they acknowledge", () => {
    const world = watching({ ...PAGED, page });
    world.verdicts = [errorsVerdict("fail", "rollback")];
    world.settle();
    equal(handed(world).at(-1), "pager rolled-back open");
    world.ask({ kind: "acknowledge" }, "eve");
    deepEqual(handed(world).slice(-2).toSorted(), ["pager rolled-back acknowledge", "pager rolled-back resolve"]);
  });

  it("by a person calls nobody: they know", () => {
    const world = watching({ ...PAGED, page });
    world.ask({ kind: "rollback" }, "eve", "odd");
    equal(world.release.state, "rolled-back");
    deepEqual(handed(world), ["chat started", "chat rolled-back"]);
  });
});

describe("alerts for Alertmanager", () => {
  it("are told again and again while they last, and are over when what they are about is", () => {
    const world = watching({ ...USUAL, notify: [KEEPER] });
    const renewed = (): number => alertsToRenew(world.release, world.wall).length;
    world.verdicts = [errorsVerdict("fail", "hold")];
    world.pass(10 * SECOND);
    deepEqual([handed(world), renewed()], [["keeper held open"], 1]);
    world.verdicts = [errorsVerdict("pass")];
    world.pass(10 * SECOND);
    deepEqual([handed(world), renewed()], [["keeper held open", "keeper held resolve"], 0]);
    equal(world.pass(10 * MINUTE).release.state, "closed");
    equal(handed(world).length, 2);
  });
});

describe("whom a guard names", () => {
  const of = (to: readonly string[]): readonly Guard[] => GUARDS.map((guard) => ({ ...guard, to }));
  const quiet: NotifyTarget = { ...HOOK, on: [] };
  const plan = (guards: readonly Guard[]): Plan =>
    planOf([step.start(), step.shift(5, MINUTE, { guards }), step.shift(100, MINUTE)], { notify: [CHAT, quiet] });

  it("alone hears of its warning", () => {
    const world = watching(plan(of(["hook"])));
    world.verdicts = [errorsVerdict("fail", "warn")];
    world.pass(10 * SECOND);
    deepEqual(handed(world), ["chat started", "hook warning"]);
  });

  it("hears of its rollback beside everybody else, and of nothing that it does not name", () => {
    const world = watching(plan(of(["hook"])));
    world.verdicts = [errorsVerdict("fail", "rollback")];
    world.settle();
    deepEqual(handed(world), ["chat started", "chat rolled-back", "hook rolled-back"]);
    const other = watching(plan(GUARDS));
    other.verdicts = [errorsVerdict("fail", "rollback")];
    other.settle();
    deepEqual(handed(other), ["chat started", "chat rolled-back"]);
  });
});

describe("a message that may have arrived", () => {
  const tries = (target: NotifyTarget, outcome: Outcome | null): number => {
    const world = watching({ ...USUAL, notify: [target] }, ({ message }) =>
      message.topic === "started" ? outcome : { observed: {} },
    );
    world.takeOver().pass(10 * MINUTE);
    return handed(world).filter((each) => each.endsWith(" started")).length;
  };

  it("is told once more only where a second one can be told from the first", () => {
    deepEqual([tries(HOOK, PERHAPS), tries(CHAT, PERHAPS), tries(MAIL, PERHAPS), tries(PAGER, PERHAPS)], [5, 1, 1, 1]);
  });

  it("also across an engine that was killed while it was sent", () => {
    deepEqual([tries(HOOK, null), tries(CHAT, null), tries(MAIL, null)], [2, 1, 1]);
  });

  it("and one that surely did not is tried again with all", () => {
    deepEqual([tries(HOOK, NOBODY), tries(CHAT, NOBODY), tries(MAIL, NOBODY)], [5, 5, 5]);
  });

  it("is said to be lost where nobody tries again", () => {
    const world = watching({ ...USUAL, notify: [CHAT] }, () => null);
    deepEqual(untoldStatus(world.release, world.wall), []);
    world.takeOver();
    const [lost] = untoldStatus(world.release, world.wall);
    deepEqual([lost?.receiver, lost?.topic, lost?.isTriedAgain], ["chat", "started", false]);
    match(lost?.sentence ?? "", /^It may not have arrived: the engine ended while it was sent/);
  });
});

it("later messages go beneath what the receiver called the first", () => {
  const world = watching({ ...USUAL, notify: [CHAT, HOOK] }, ({ to, message }) => ({
    observed: to[0] === CHAT && message.topic === "started" ? { thread: "17.5" } : {},
  }));
  world.pass(10 * MINUTE);
  const threads = world
    .eventsOf("effect-requested")
    .flatMap(({ effect, name }) => (effect.kind === "notify" ? [[name, effect.thread]] : []));
  deepEqual(threads, [
    ["started@chat", undefined],
    ["started@hook", undefined],
    ["live@chat", "17.5"],
    ["live@hook", undefined],
  ]);
});

it("a recipient whom a mail server refuses is told, though the others got theirs", () => {
  const refused = ["bob@example.com: 550 no such user"];
  const world = watching({ ...USUAL, notify: [MAIL] }, () => ({ observed: { refused } }));
  const [told] = untoldStatus(world.release, world.wall);
  equal(told?.sentence, "Not taken for bob@example.com: 550 no such user.");
});
