import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import type { Command } from "../../src/core/command/command.ts";
import { decide } from "../../src/core/decide/decide.ts";
import type { VerdictKind } from "../../src/core/plan/guard.ts";
import type { Plan } from "../../src/core/plan/plan.ts";
import type { OnFailure } from "../../src/core/plan/step.ts";
import { replay } from "../../src/core/release/evolve.ts";
import { isEnded } from "../../src/core/release/release.ts";
import { MINUTE, SECOND } from "../../src/core/time/time.ts";
import { planOf, step, WEB, WORKER } from "../support/plans.ts";
import { errorsVerdict, PureWorld } from "../support/pure-world.ts";

type Happening =
  | { readonly kind: "time"; readonly ms: number }
  | { readonly kind: "verdict"; readonly verdict: VerdictKind; readonly stableToo: boolean }
  | { readonly kind: "ask"; readonly command: Command }
  | { readonly kind: "take-over"; readonly awayMs: number }
  | { readonly kind: "drift"; readonly share: number }
  | { readonly kind: "unready"; readonly version: string | null }
  | { readonly kind: "plane"; readonly answers: boolean }
  | { readonly kind: "effects"; readonly mode: "work" | "fail" | "hang" };

const commands: fc.Arbitrary<Command> = fc.oneof(
  fc.constantFrom<Command>(
    { kind: "pause" },
    { kind: "resume" },
    { kind: "promote" },
    { kind: "retry" },
    { kind: "step-back" },
    { kind: "approve" },
    { kind: "rollback" },
  ),
  fc.constantFrom("shift-5", "approve", "retire", "run-a").map((skip): Command => ({ kind: "promote", skip })),
);

const happenings: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 120 }).map((s): Happening => ({ kind: "time", ms: s * SECOND })) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("verdict" as const),
      verdict: fc.constantFrom<VerdictKind>("pass", "pass", "fail", "inconclusive", "no-data", "source-down"),
      stableToo: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: commands.map((command): Happening => ({ kind: "ask", command })) },
  fc.integer({ min: 0, max: 3600 }).map((s): Happening => ({ kind: "take-over", awayMs: s * SECOND })),
  fc.constantFrom(0, 300, 10_000).map((share): Happening => ({ kind: "drift", share })),
  fc.constantFrom("v1", "v2", null).map((version): Happening => ({ kind: "unready", version })),
  fc.boolean().map((answers): Happening => ({ kind: "plane", answers })),
  fc.constantFrom("work", "work", "fail", "hang").map((mode): Happening => ({ kind: "effects", mode: mode as "work" })),
);

const plans: fc.Arbitrary<Plan> = fc
  .record({
    otherwise: fc.constantFrom<OnFailure>("rollback", "hold", "step-back"),
    workers: fc.boolean(),
    command: fc.constantFrom("none", "safe", "ask"),
    approve: fc.boolean(),
    automaticRollback: fc.boolean(),
    leaves: fc.boolean(),
  })
  .map(({ otherwise, workers, command, approve, automaticRollback, leaves }) =>
    planOf(
      [
        ...(approve ? [step.approve()] : []),
        ...(command === "none" ? [] : [step.run("a", "undo-a", { repeat: command as "ask", else: otherwise })]),
        step.start(),
        step.shift(5, MINUTE, { else: otherwise }),
        step.shift(25, MINUTE, { else: otherwise }),
        step.shift(100, MINUTE, { else: otherwise }),
        step.retire(),
      ],
      { services: workers ? [WEB, WORKER] : [WEB], automaticRollback, ...(leaves ? { drift: "leave" } : {}) },
    ),
  );

function play(world: PureWorld, happening: Happening): void {
  switch (happening.kind) {
    case "time":
      world.pass(happening.ms, 5 * SECOND);
      return;
    case "verdict":
      world.verdicts = [errorsVerdict(happening.verdict, happening.verdict === "fail" ? "rollback" : undefined)];
      world.stableVerdicts = happening.stableToo ? world.verdicts : [];
      break;
    case "ask":
      world.ask(happening.command, "bob", "because");
      return;
    case "take-over":
      world.takeOver(happening.awayMs);
      return;
    case "drift":
      if (world.candidateInTable) world.share = happening.share;
      break;
    case "unready":
      world.isReady = ({ version }) => version !== happening.version;
      break;
    case "plane":
      world.trafficAnswers = happening.answers;
      break;
    case "effects":
      world.outcome = outcomes[happening.mode];
      break;
  }
  world.settle();
}

const outcomes = {
  work: () => ({ observed: {} }),
  fail: () => ({ fault: { code: "broken", what: "It does not work." } }),
  hang: () => null,
} satisfies Record<string, PureWorld["outcome"]>;

/** What hung is given up by a new engine; everything works again, and time passes. */
function heal(world: PureWorld): void {
  world.outcome = outcomes.work;
  world.isReady = () => true;
  world.trafficAnswers = true;
  world.verdicts = [errorsVerdict("pass")];
  world.stableVerdicts = [];
  world.takeOver();
}

describe("whatever happens to a release", () => {
  it("comes to rest, and its journal replays to the live state (I5)", () => {
    fc.assert(
      fc.property(plans, fc.boolean(), fc.array(happenings, { maxLength: 25 }), (plan, isFirst, happened) => {
        const world = isFirst ? new PureWorld(plan, null) : new PureWorld(plan);
        world.settle();
        for (const each of happened) play(world, each);
        deepEqual(replay(world.history), world.release);
        deepEqual(decide(world.release, world.seen(), { wall: world.wall, watched: world.watched }), []);
      }),
      { numRuns: 300 },
    );
  });

  it("can be rolled back at every moment until it has ended (I7)", () => {
    fc.assert(
      fc.property(plans, fc.array(happenings, { maxLength: 25 }), (plan, happened) => {
        const world = new PureWorld(plan);
        world.settle();
        for (const each of happened) play(world, each);
        if (isEnded(world.release)) return;
        heal(world);
        world.ask({ kind: "rollback" }, "bob", "because");
        world.pass(5 * MINUTE, SECOND);
        if (world.release.state === "closed") return;
        equal(world.release.state, "rolled-back", JSON.stringify(world.release.undo));
        equal(world.share, 0);
        ok([...world.running.values()].some(({ version, service }) => version === "v1" && service === "web"));
        ok(![...world.running.values()].some(({ version }) => version === "v2"));
      }),
      { numRuns: 300 },
    );
  });

  it("never gets a higher share while a guard has no data or fails (I4)", () => {
    const bad = fc.constantFrom<VerdictKind>("fail", "inconclusive", "no-data", "source-down");
    const quiet = happenings.filter(
      ({ kind }) => kind === "time" || kind === "take-over" || kind === "effects" || kind === "plane",
    );
    fc.assert(
      fc.property(plans, bad, fc.array(quiet, { maxLength: 20 }), (plan, verdict, happened) => {
        const world = new PureWorld(plan);
        world.verdicts = [errorsVerdict(verdict, verdict === "fail" ? "hold" : undefined)];
        world.settle();
        for (const each of happened) play(world, each);
        ok(world.share <= 500, `share ${world.share}`);
      }),
      { numRuns: 200 },
    );
  });
});
