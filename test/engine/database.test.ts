import { deepEqual, equal, match } from "node:assert/strict";
import { describe, it } from "node:test";
import { FaultError } from "../../src/core/fault.ts";
import type { DatabasePlan } from "../../src/core/plan/database.ts";
import type { Plan } from "../../src/core/plan/plan.ts";
import type { Step } from "../../src/core/plan/step.ts";
import { replay } from "../../src/core/release/evolve.ts";
import { MINUTE } from "../../src/core/time/time.ts";
import { type EngineUnderTest, engineUnderTest } from "../support/engine-under-test.ts";
import { planOf, step, USUAL } from "../support/plans.ts";

const DATABASE: DatabasePlan = {
  kind: "postgres",
  url: "${DATABASE_URL}",
  migrations: { kind: "files", folder: "db/migrations" },
  backups: { folder: ".tidegate/backups", keep: { newest: 3 }, encryptTo: [] },
  assertions: [],
};

function planWith(...steps: readonly Step[]): Plan {
  return planOf(steps, { database: DATABASE });
}

const CONTRACTING = planWith(step.start(), step.shift(100, MINUTE), step.retire(), step.migrate("contract"));

/** v1 serves, and nothing else runs. */
async function withV1(under: EngineUnderTest): ReturnType<EngineUnderTest["start"]> {
  const engine = await under.start();
  await under.release(engine, USUAL, "v1");
  await under.until(async () => (await engine.status(1))?.state === "closed");
  return engine;
}

async function stateOf(under: EngineUnderTest, plan: Plan): Promise<string> {
  await using engine = await withV1(under);
  await under.release(engine, plan, "v2");
  const isOver = async (): Promise<boolean> => {
    const state = (await engine.status(2))?.state;
    return state === "closed" || state === "rolled-back";
  };
  await under.until(isOver);
  const status = await engine.status(2);
  return `${status?.state}: ${status?.sentence}`;
}

describe("the engine, with a database", () => {
  it("backs up, applies what the step names, and the rest when its step comes", async () => {
    const under = engineUnderTest();
    under.database.files = [
      { file: "1_add.sql", phase: "expand" },
      { file: "2_drop.sql", phase: "contract" },
    ];
    const plan = planWith(
      step.backup(),
      step.migrate("expand"),
      step.start(),
      step.shift(100, MINUTE),
      step.retire(),
      step.migrate("contract"),
    );
    match(await stateOf(under, plan), /^closed/);
    deepEqual(under.database.made, ["restore"]);
    deepEqual(under.database.applied, [
      { file: "1_add.sql", release: 2 },
      { file: "2_drop.sql", release: 2 },
    ]);
  });

  it("does not begin with all while something is pending that the old version would miss", async () => {
    const under = engineUnderTest();
    under.database.files = [
      { file: "1_add.sql", phase: "expand" },
      { file: "2_drop.sql", phase: "contract" },
    ];
    const told = await stateOf(under, planWith(step.migrate("all"), step.start(), step.shift(100, MINUTE)));
    match(told, /^rolled-back: .*2_drop\.sql takes away what v1 needs, and it still serves\./);
    deepEqual(under.database.applied, []);
  });

  it("backs nothing up for the first version of an empty place, and does not go on without a backup later", async () => {
    const under = engineUnderTest();
    Object.assign(under.ports.databases, {
      backups: async () => ({
        make: async () => {
          throw new FaultError({ code: "database-not-made-yet", what: "There is no database file of this name." });
        },
      }),
    });
    await using engine = await under.start();
    const plan = planWith(step.backup(), step.migrate("expand"), step.start(), step.shift(100, MINUTE));
    await under.release(engine, plan, "v1");
    await under.until(async () => (await engine.status(1))?.state === "closed");
    await under.release(engine, plan, "v2");
    await under.until(async () => (await engine.status(2))?.state === "rolled-back");
    match((await engine.status(2))?.sentence ?? "", /There is no database file of this name\./);
  });

  it("knows a contract that was refused from one that broke off: only that is the point of no return", async () => {
    const under = engineUnderTest();
    under.database.files = [{ file: "1_drop.sql", phase: "contract" }];
    await using engine = await withV1(under);
    under.database.fails = "Somebody else migrates this database now. Nothing was run.";
    await under.release(engine, CONTRACTING, "v2");
    const held = async (): Promise<boolean> => (await engine.status(2))?.hold?.needsPerson === true;
    await under.until(held);
    const refused = await engine.status(2);
    equal(refused?.canRollBack, true);
    match(refused.sentence, /Nothing was run\. Nothing was taken away, so the way back to v1 is open\.$/);

    // It was begun and never got its locks, say: its transaction took everything back.
    under.database.fails = null;
    under.database.takesBack = "1_drop.sql";
    void engine.ask({ kind: "command", command: { kind: "retry" } }, 2, "ann");
    await under.until(async () => (await engine.status(2))?.sentence.includes("1_drop.sql fails.") === true);
    await under.until(held);
    const takenBack = await engine.status(2);
    equal(takenBack?.canRollBack, true);
    match(takenBack.sentence, /1_drop\.sql fails\. Nothing was taken away, so the way back to v1 is open\.$/);

    under.database.takesBack = null;
    under.database.breaksIn = "1_drop.sql";
    void engine.ask({ kind: "command", command: { kind: "retry" } }, 2, "ann");
    await under.until(async () => (await engine.status(2))?.canRollBack === false);
    await under.until(held);
    match((await engine.status(2))?.sentence ?? "", /1_drop\.sql fails\. The contract step has begun/);
  });

  it("advises after a migration that failed to begin the release again, and not to migrate by hand", async () => {
    const under = engineUnderTest();
    under.database.files = [
      { file: "1_add.sql", phase: "expand" },
      { file: "2_drop.sql", phase: "contract" },
    ];
    await using engine = await withV1(under);
    under.database.takesBack = "1_add.sql";
    const whole = planWith(
      step.migrate("expand"),
      step.start(),
      step.shift(100, MINUTE),
      step.retire(),
      step.migrate("contract"),
    );
    const adviceOf = async (id: number): Promise<string | undefined> =>
      (replay(await under.journal.read(id))?.steps ?? [])
        .flatMap(({ effects }) => Object.values(effects))
        .findLast(({ fault }) => fault !== null)?.fault?.fix;
    await under.release(engine, whole, "v2");
    await under.until(async () => (await engine.status(2))?.state === "rolled-back");
    equal(await adviceOf(2), "mend it, then run it again: tidegate release VERSION");

    under.database.takesBack = "2_drop.sql";
    await under.release(engine, whole, "v3");
    await under.until(async () => (await engine.status(3))?.hold?.needsPerson === true);
    equal(
      await adviceOf(3),
      "mend it, then run it again: tidegate retry 3 (a file that is mended is another version: tidegate release VERSION)",
    );
  });

  it("goes back while a contract waits for its locks, of which nothing is done then", async () => {
    const under = engineUnderTest();
    under.database.files = [{ file: "1_drop.sql", phase: "contract" }];
    await using engine = await withV1(under);
    under.database.blocks = "1_drop.sql";
    await under.release(engine, CONTRACTING, "v2");
    await under.until(
      async () => (await engine.status(2))?.current?.seen?.includes("somebody else has a lock") === true,
    );
    equal((await engine.status(2))?.canRollBack, true);
    void engine.ask({ kind: "command", command: { kind: "rollback" } }, 2, "ann");
    await under.until(async () => (await engine.status(2))?.state === "rolled-back");
    deepEqual(under.database.applied, []);
    const status = await engine.status(2);
    equal(status?.rollback?.schema, "Nothing of the schema had been changed.");
    match(JSON.stringify(await under.journal.read(2)), /It was called off before anything of it was done\./);
  });

  it("takes nothing away that the journal was not told of before", async () => {
    const under = engineUnderTest();
    under.database.files = [{ file: "1_drop.sql", phase: "contract" }];
    await using engine = await withV1(under);
    const append: typeof under.ports.journal.append = under.ports.journal.append.bind(under.ports.journal);
    under.ports.journal.append = async (release, after, events, epoch) => {
      if (events.some(({ event }) => event.type === "contract-started")) {
        deepEqual(under.database.applied, []);
        throw new FaultError({ code: "journal-full", what: "There is no room left." });
      }
      return await append(release, after, events, epoch);
    };
    await under.release(engine, CONTRACTING, "v2");
    await under.until(async () => (await engine.status(2))?.hold?.needsPerson === true);
    deepEqual(under.database.applied, []);
    equal((await engine.status(2))?.canRollBack, true);
    under.ports.journal.append = append;
    void engine.ask({ kind: "command", command: { kind: "retry" } }, 2, "ann");
    await under.until(async () => (await engine.status(2))?.state === "closed");
    deepEqual(under.database.applied, [{ file: "1_drop.sql", release: 2 }]);
  });

  it("has no way back once one contract is done, although the next was taken back whole", async () => {
    const under = engineUnderTest();
    under.database.files = [
      { file: "1_drop.sql", phase: "contract" },
      { file: "2_drop.sql", phase: "contract" },
    ];
    await using engine = await withV1(under);
    under.database.takesBack = "2_drop.sql";
    await under.release(engine, CONTRACTING, "v2");
    await under.until(async () => (await engine.status(2))?.hold?.needsPerson === true);
    const status = await engine.status(2);
    equal(status?.canRollBack, false);
    match(status.sentence, /2_drop\.sql fails\. The contract step has begun/);
  });

  it("does not say that the schema is as it was where a migration broke off", async () => {
    const under = engineUnderTest();
    under.database.files = [
      { file: "1_add.sql", phase: "expand" },
      { file: "2_index.sql", phase: "expand" },
    ];
    under.database.breaksIn = "2_index.sql";
    const told = await stateOf(under, planWith(step.migrate("expand"), step.start(), step.shift(100, MINUTE)));
    match(told, /^rolled-back/);
    const [event] = (await under.journal.read(2))
      .map((each) => each.event)
      .filter(({ type }) => type === "rolled-back");
    match(
      event?.type === "rolled-back" ? event.sentence : "",
      /Of the schema 2 migrations taken back; what broke off may have left something \(tidegate migrate status\): 2_index\.sql fails\.$/,
    );
  });

  it("takes back what it can when the version is worse, and says what stays", async () => {
    const under = engineUnderTest();
    under.database.files = [
      { file: "1_add.sql", phase: "expand" },
      { file: "2_fill.sql", phase: "expand", kept: "orders.note holds 3 values that were not there before" },
      { file: "3_old.sql", phase: "expand", thinned: ["customers"] },
    ];
    under.load.badShare = { v2: 0.5 };
    const told = await stateOf(
      under,
      planWith(step.migrate("all"), step.start(), step.shift(50, MINUTE), step.shift(100, MINUTE)),
    );
    match(told, /^rolled-back/);
    deepEqual(under.database.applied, [{ file: "2_fill.sql", release: 2 }]);
    const rolledBack = (await under.journal.read(2))
      .map(({ event }) => event)
      .find(({ type }) => type === "rolled-back");
    equal(
      rolledBack?.type === "rolled-back" ? rolledBack.sentence : "",
      "100% on v1, read back. Of the schema 2 migrations taken back, 1 migration left, expanded: 2_fill.sql: orders.note holds 3 values that were not there before. What the migrations have taken away does not come back: the rows that were deleted from customers.",
    );
  });
});
