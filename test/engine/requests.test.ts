import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { FaultError } from "../../src/core/fault.ts";
import { DAY, SECOND } from "../../src/core/time/time.ts";
import type { Engine, Ports, RequestAnswer } from "../../src/engine/api.ts";
import { createEngine } from "../../src/engine/engine.ts";
import { engineUnderTest, type EngineUnderTest } from "../support/engine-under-test.ts";
import { planOf, step, USUAL } from "../support/plans.ts";

const REFUSED = { code: "journal-unavailable", what: "The disk is full." };

/** v2 at 5 %, on ports of which the test may change what it likes. */
async function atFivePercent(
  change: (ports: Ports) => Partial<Ports>,
): Promise<{ under: EngineUnderTest; engine: Engine }> {
  const under = engineUnderTest();
  const ports = { ...under.ports, ...change(under.ports) };
  const start = await createEngine(ports, { engineToken: "t", secrets: {}, patrol: false });
  if (start.kind !== "acting") throw new Error("Another engine acts.");
  const { engine } = start;
  await under.release(engine, planOf(USUAL.steps.slice(0, 4)), "v1");
  await under.until(async () => (await engine.status(1))?.state === "closed");
  await under.release(engine, planOf([step.start(), step.shift(5, DAY), step.shift(100, DAY)]), "v2");
  await under.until(() => under.traffic.table?.share === 500);
  return { under, engine };
}

const stop = (engine: Engine, under: EngineUnderTest): Promise<unknown> =>
  Promise.all([engine[Symbol.asyncDispose](), under.clock.advance(5 * SECOND)]);

describe("a request", () => {
  it("stays open while the journal can't be written, and is done and answered when it can", async () => {
    const { under, engine } = await atFivePercent(() => ({}));
    under.journal.failNext(REFUSED);
    const answer = engine.ask({ kind: "command", command: { kind: "pause" } }, 2, "ann");
    await under.pass(5 * SECOND);
    equal((await answer).kind, "accepted");
    equal((await engine.status(2))?.paused?.by, "ann");
    await stop(engine, under);
  });

  it("whose answer can't be written is not done again: it is answered when that is possible", async () => {
    let refusals = 0;
    const { under, engine } = await atFivePercent(({ journal }) => ({
      journal: {
        ...journal,
        answer: async (request: number, answer: unknown, epoch: number) => {
          if ((answer as RequestAnswer).kind === "accepted" && refusals-- > 0) throw new FaultError(REFUSED);
          await journal.answer(request, answer, epoch);
        },
      },
    }));
    refusals = 3;
    const answer = engine.ask({ kind: "command", command: { kind: "tick", item: "none" } }, 2, "ann");
    const promoted = engine.ask({ kind: "command", command: { kind: "promote", step: "shift-5" } }, 2, "ann");
    await under.pass(10 * SECOND);
    equal((await answer).kind, "refused");
    equal((await promoted).kind, "accepted");
    deepEqual((await under.journal.read(2)).filter(({ event }) => event.type === "promoted").length, 1);
    await stop(engine, under);
  });

  it("for a release is found begun when the journal said no to what it had written", async () => {
    let says: "yes" | "no" = "yes";
    const { under, engine } = await atFivePercent(({ journal }) => ({
      journal: {
        ...journal,
        append: async (...args: Parameters<typeof journal.append>) => {
          const done = await journal.append(...args);
          if (says === "yes" || args[1] !== 0) return done;
          says = "yes";
          throw new FaultError(REFUSED);
        },
      },
    }));
    says = "no";
    equal((await under.release(engine, planOf(USUAL.steps.slice(0, 4)), "v3", { supersede: true })).kind, "accepted");
    await under.until(() => under.traffic.table?.candidate?.version === "v3");
    deepEqual(await under.journal.releases(), [3, 2, 1]);
    await stop(engine, under);
  });

  it("that an engine can't know to be another's by now is left to that one", async () => {
    const { under, engine } = await atFivePercent(() => ({}));
    await under.journal.raiseEpoch();
    const request = await under.journal.ask({
      release: 2,
      body: { kind: "command", command: { kind: "pause" } },
      by: "ann",
      at: 0,
    });
    await under.pass(5 * SECOND);
    equal(await under.journal.answerTo(request), null);
    equal(engine.fenced()?.code, "stale-epoch");
    await stop(engine, under);
  });
});
