import { deepEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Happened } from "../../src/core/release/event.ts";
import { replay } from "../../src/core/release/evolve.ts";
import { EVENT_FORMAT, type StoredBody, upcast } from "../../src/core/release/upcast.ts";
import { statusOf } from "../../src/core/status/status.ts";
import { MINUTE } from "../../src/core/time/time.ts";
import { planOf, step } from "../support/plans.ts";
import { errorsVerdict, PureWorld } from "../support/pure-world.ts";

/** A contract step failed, and a person went over it. */
function promotedPast(): PureWorld {
  const plan = planOf([step.start(), step.shift(100, MINUTE), step.retire(), step.migrate("contract")]);
  const world = new PureWorld(plan);
  world.verdicts = [errorsVerdict("pass")];
  world.outcome = (effect) =>
    effect.kind === "migrate" ? { fault: { code: "migration-failed", what: "3_c.sql fails." } } : { observed: {} };
  world.settle().pass(3 * MINUTE);
  world.ask({ kind: "promote" });
  return world;
}

/** As a journal has it. */
const stored = ({ event }: Happened): StoredBody => JSON.parse(JSON.stringify(event)) as StoredBody;

/** Before format 3 the sentence alone said it. */
function asFormat2(body: StoredBody): StoredBody {
  const { isPromotedPast: _, ...because } = (body["because"] ?? {}) as Readonly<Record<string, unknown>>;
  return "because" in body ? { ...body, because } : body;
}

const overIn = (history: readonly Happened[]): readonly string[] => {
  const release = replay(history);
  const steps = release === null ? [] : statusOf(release, { wall: 0, watched: 0 }, null).steps;
  return steps.filter(({ isPromotedPast }) => isPromotedPast === true).map(({ id }) => id);
};

describe("A step that a person promoted past", () => {
  it("says so in its event, whatever the sentence is", () => {
    const { history } = promotedPast();
    deepEqual(overIn(history), ["migrate-contract"]);
    const otherWords = history.map(({ event, at }): Happened => {
      if (event.type !== "step-passed") return { event, at };
      return { event: { ...event, because: { ...event.because, sentence: "In other words." } }, at };
    });
    deepEqual(overIn(otherWords), ["migrate-contract"]);
    const saidAlone = history.map((each): Happened => ({
      ...each,
      event: upcast(EVENT_FORMAT, asFormat2(stored(each))),
    }));
    deepEqual(overIn(saidAlone), []);
  });

  it("is known by its sentence in journals of before, and no other step is", () => {
    const { history } = promotedPast();
    const before = history.map((each): Happened => ({ ...each, event: upcast(2, asFormat2(stored(each))) }));
    const passed = (events: readonly Happened[]): readonly Happened[] =>
      events.filter(({ event }) => event.type === "step-passed");
    deepEqual(passed(before), passed(history));
    deepEqual(overIn(before), ["migrate-contract"]);
    const because = { kind: "guard", sentence: "Promoted past it by a person." } as const;
    const other = { type: "step-passed", step: "shift", because } as const;
    deepEqual(upcast(2, other), other);
  });
});
