import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Effect, Message } from "../../src/core/release/effect.ts";
import type { Plan } from "../../src/core/plan/plan.ts";
import type { Step } from "../../src/core/plan/step.ts";
import type { NotifyTarget } from "../../src/core/plan/receiver.ts";
import { untoldStatus } from "../../src/core/status/people-told.ts";
import { isSettled } from "../../src/core/release/settled.ts";
import { DAY, HOUR, MINUTE, SECOND } from "../../src/core/time/time.ts";
import { planOf, step, USUAL } from "../support/plans.ts";
import { errorsVerdict, type Outcome, PureWorld } from "../support/pure-world.ts";

const TERMINAL: NotifyTarget = { kind: "terminal" };
const CHAT: NotifyTarget = { kind: "webhook", name: "chat", url: "${CHAT}" };
const PAGER: NotifyTarget = { kind: "webhook", name: "pager", url: "${PAGER}" };

type Notify = Extract<Effect, { kind: "notify" }>;

function watching(plan: Plan, outcome: (effect: Notify) => Outcome | null = () => ({ observed: {} })): PureWorld {
  const world = new PureWorld(plan);
  world.verdicts = [errorsVerdict("pass")];
  world.outcome = (effect) => (effect.kind === "notify" ? outcome(effect) : { observed: {} });
  return world.settle();
}

/** Whom each message was handed for, as often as it was: `chat started`. */
function handed(world: PureWorld): readonly string[] {
  return world
    .eventsOf("effect-requested")
    .flatMap(({ effect }) =>
      effect.kind === "notify" ? [`${effect.to.map(named).join("+")} ${topicOf(effect)}`] : [],
    );
}

/** What each receiver was warned of, a message an entry. */
function warned(world: PureWorld): readonly string[] {
  return world
    .eventsOf("effect-requested")
    .flatMap(({ effect }) =>
      effect.kind === "notify" && effect.message.topic === "warning"
        ? [`${effect.to.map(named).join("+")}: ${effect.message.sentence}`]
        : [],
    );
}

function topicOf({ message }: { readonly message: Message }): string {
  return message.topic;
}

function named(target: NotifyTarget): string {
  return target.kind === "webhook" ? target.name : target.kind;
}

function say(message: string, to: readonly string[] = []): Step {
  return { kind: "notify", id: `say-${message}`, name: "say", guards: [], else: "rollback", message, to };
}

const NOBODY: Outcome = { fault: { code: "notification-not-delivered", what: "The webhook did not take it." } };

describe("people are told", () => {
  it("of start and end, each target by itself and once", () => {
    const world = watching({ ...USUAL, notify: [TERMINAL, CHAT] }).pass(10 * MINUTE);
    equal(world.release.state, "closed");
    deepEqual(handed(world), ["terminal started", "chat started", "terminal live", "chat live"]);
  });

  it("of phases when they begin, with what they are for, and of the end of a plan that has sign-offs", () => {
    const phase = { name: "Canary phase", objective: "real traffic, early" };
    const plan = planOf(
      [
        step.start(),
        step.shift(5, MINUTE, { phase }),
        step.shift(25, MINUTE, { phase }),
        step.shift(100, MINUTE, { phase: { name: "all" } }),
        step.approve("day-1", { afterMs: DAY }),
      ],
      { notify: [CHAT] },
    );
    const world = watching(plan).pass(MINUTE / 2);
    deepEqual(handed(world), ["chat started", "chat phase"]);
    world.pass(3 * MINUTE).pass(DAY, HOUR);
    world.ask({ kind: "approve" });
    deepEqual(handed(world).slice(1), ["chat phase", "chat phase", "chat live", "chat needs-person", "chat closed"]);
    const sentences = world.done.flatMap((effect) => (effect.kind === "notify" ? [effect.message.sentence] : []));
    deepEqual(sentences.slice(1, 3), ["Canary phase begins: real traffic, early.", "all begins."]);
  });

  it("of a broken limit that only warns, once a step", () => {
    const world = watching(
      planOf([step.start(), step.shift(5, 5 * MINUTE), step.shift(100, HOUR)], { notify: [CHAT] }),
    );
    const verdicts = [errorsVerdict("fail", "warn"), errorsVerdict("pass")];
    for (let look = 0; look < 20; look += 1) {
      world.verdicts = verdicts.slice(look % 2, (look % 2) + 1);
      world.pass(10 * SECOND);
    }
    deepEqual(handed(world), ["chat started", "chat warning"]);
    world.verdicts = verdicts.slice(0, 1);
    world.pass(3 * MINUTE);
    equal(world.share, 10_000);
    deepEqual(handed(world), ["chat started", "chat warning", "chat warning"]);
  });

  it("of several broken limits that only warn in one message, and of what comes right after it in the next", () => {
    const world = watching(planOf([step.start(), step.shift(5, 10 * MINUTE)], { notify: [CHAT, PAGER] }));
    const broken = ["p95", "cpu", "carts"].map((metric) => ({
      ...errorsVerdict("fail", "warn"),
      metric,
      sentence: `${metric} is high`,
    }));
    world.verdicts = broken.slice(0, 2);
    world.pass(3 * SECOND);
    deepEqual(warned(world), ["chat: p95 is high. cpu is high.", "pager: p95 is high. cpu is high."]);
    world.verdicts = broken;
    world.pass(20 * SECOND);
    equal(warned(world).length, 2);
    world.verdicts = [...broken, { ...errorsVerdict("fail", "warn"), metric: "queue", sentence: "queue is long" }];
    world.pass(5 * MINUTE);
    deepEqual(warned(world).slice(2), ["chat: carts is high. queue is long.", "pager: carts is high. queue is long."]);
  });

  it("of several broken limits together again when nobody took the message, by one engine or the next", () => {
    const plan = planOf([step.start(), step.shift(5, HOUR)], { notify: [CHAT] });
    const world = watching(plan, ({ message }) => (message.topic === "warning" ? NOBODY : { observed: {} }));
    world.verdicts = ["p95", "cpu"].map((metric) => ({
      ...errorsVerdict("fail", "warn"),
      metric,
      sentence: `${metric} is high`,
    }));
    world.pass(5 * MINUTE);
    deepEqual([...new Set(warned(world))], ["chat: p95 is high. cpu is high."]);
    equal(untoldStatus(world.release, world.wall).length, 1);
    const tries = warned(world).length;
    ok(tries > 1, String(tries));
    world.takeOver(MINUTE).pass(30 * MINUTE);
    equal(warned(world).length, 5);
    deepEqual([...new Set(warned(world))], ["chat: p95 is high. cpu is high."]);
    equal(
      new Set(
        world
          .eventsOf("effect-requested")
          .flatMap(({ effect, key }) => (effect.kind === "notify" && effect.message.topic === "warning" ? [key] : [])),
      ).size,
      1,
    );
  });

  it("of a hold that lasts, once a step and reason, and not of one that is over at once", () => {
    const world = watching({ ...USUAL, notify: [CHAT] });
    const held = [errorsVerdict("fail", "hold")];
    world.verdicts = held;
    world.pass(3 * SECOND);
    world.verdicts = [errorsVerdict("pass")];
    world.pass(3 * SECOND);
    deepEqual(handed(world), ["chat started"]);
    for (let look = 0; look < 4; look += 1) {
      world.verdicts = held;
      world.pass(7 * SECOND);
      world.verdicts = [errorsVerdict("pass")];
      world.pass(SECOND);
    }
    deepEqual(handed(world), ["chat started", "chat held"]);
  });

  it("of a rollback", () => {
    const world = watching({ ...USUAL, notify: [CHAT] });
    world.verdicts = [errorsVerdict("fail", "rollback")];
    world.settle();
    equal(world.release.state, "rolled-back");
    deepEqual(handed(world), ["chat started", "chat rolled-back"]);
  });
});

describe("a notify step", () => {
  it("says its text to whom it names", () => {
    const plan = { ...planOf([say("out goes ${version}", ["chat"]), ...USUAL.steps]), notify: [TERMINAL, CHAT, PAGER] };
    const world = watching(plan);
    const said = world.done.flatMap((effect) =>
      effect.kind === "notify" && effect.message.topic === "announcement" ? [effect] : [],
    );
    deepEqual(
      said.map(({ to, message }) => [to.map(named), message.title, message.sentence]),
      [[["chat"], "shop v2", "out goes v2"]],
    );
  });

  it("waits for nobody who does not answer", () => {
    const plan = { ...planOf([say("out it goes"), ...USUAL.steps]), notify: [CHAT, PAGER] };
    const world = watching(plan, () => null);
    equal(world.share, 500);
    equal(world.release.steps[0]?.state, "passed");
    world.pass(5 * MINUTE);
    equal(world.release.state, "closed");
  });
});

describe("a message that nobody takes", () => {
  it("is tried a few times after growing pauses, and keeps nothing from the others", () => {
    const world = watching({ ...USUAL, notify: [CHAT, PAGER] }, ({ to }) =>
      to[0] === PAGER ? NOBODY : { observed: {} },
    );
    const tries = (topic: string): number => handed(world).filter((each) => each === `pager ${topic}`).length;
    equal(tries("started"), 1);
    world.pass(15 * SECOND);
    equal(tries("started"), 2);
    world.pass(5 * SECOND);
    equal(tries("started"), 2);
    world.pass(30 * MINUTE);
    equal(world.release.state, "closed");
    deepEqual([tries("started"), tries("live")], [5, 5]);
    deepEqual(
      handed(world).filter((each) => each.startsWith("chat")),
      ["chat started", "chat live"],
    );
    equal(isSettled(world.release, world.wall), true);
  });

  it("is tried again by the next engine, but not for ever, and not when it is old news", () => {
    const world = watching({ ...USUAL, notify: [CHAT] }, () => null);
    const requested = (): number => handed(world).length;
    equal(requested(), 1);
    for (let engines = 0; engines < 9; engines += 1) world.takeOver();
    equal(requested(), 5);
    const later = watching({ ...USUAL, notify: [CHAT] }, () => null);
    later.takeOver(2 * HOUR);
    equal(handed(later).length, 1);
    later.pass(10 * MINUTE).takeOver(2 * HOUR);
    equal(later.release.state, "closed");
    equal(isSettled(later.release, later.wall), true);
  });

  it("about something that is over keeps no release open", () => {
    const plan = planOf([step.approve(), ...USUAL.steps], { notify: [CHAT] });
    const world = watching(plan, ({ message }) => (message.topic === "needs-person" ? NOBODY : { observed: {} }));
    world.ask({ kind: "approve" });
    world.pass(10 * MINUTE);
    equal(world.release.state, "closed");
    equal(isSettled(world.release, world.wall), true);
    deepEqual(handed(world), ["chat started", "chat needs-person", "chat live"]);
  });
});
