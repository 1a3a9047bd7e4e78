import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { type Emergency, emergencyTable } from "../../src/core/release/emergency.ts";
import type { EventOf, EventType } from "../../src/core/release/event.ts";
import { replay } from "../../src/core/release/evolve.ts";
import type { RoutingTable } from "../../src/core/traffic/routing.ts";
import { MINUTE, SECOND } from "../../src/core/time/time.ts";
import type { Engine } from "../../src/engine/api.ts";
import { engineUnderTest, type EngineUnderTest } from "../support/engine-under-test.ts";
import { planOf, step, USUAL } from "../support/plans.ts";

const PLAN = planOf([
  step.start(),
  step.run("one", "undo-one"),
  step.shift(5, 5 * MINUTE),
  step.shift(100, MINUTE),
  step.retire(),
]);

/** v1 is live, and v2 has 5 % of the traffic for five minutes. */
async function atFivePercent(): Promise<{ under: EngineUnderTest; engine: Engine }> {
  const under = engineUnderTest();
  const engine = await under.start();
  await under.release(engine, USUAL, "v1");
  await under.until(async () => (await engine.status(1))?.state === "closed");
  await under.release(engine, PLAN, "v2");
  await under.until(() => under.traffic.table?.share === 500);
  await under.pass(10 * SECOND);
  return { under, engine };
}

const stop = (engine: Engine, under: EngineUnderTest): Promise<unknown> =>
  Promise.all([engine[Symbol.asyncDispose](), under.clock.advance(5 * SECOND)]);

async function eventsOf<T extends EventType>(under: EngineUnderTest, type: T): Promise<readonly EventOf<T>[]> {
  return (await under.journal.read(2)).flatMap(({ event }) => (event.type === type ? [event as EventOf<T>] : []));
}

/** What `rollback --now` does to the data plane. */
async function putBackByHand(under: EngineUnderTest, outcome: Emergency["outcome"] = "put-back"): Promise<Emergency> {
  const { table } = under.traffic;
  ok(table !== null && table.stable !== null && table.candidate !== null);
  const emergency: Emergency = {
    format: 1,
    id: `by-hand-${under.clock.wall()}`,
    outcome,
    app: table.app,
    environment: table.environment,
    release: table.release,
    stable: table.stable.version,
    candidate: table.candidate.version,
    fromShare: table.share,
    epoch: table.epoch + 5,
    at: under.clock.wall(),
    by: "bob",
    because: { kind: "person", sentence: "Put back by bob: checkout is broken." },
  };
  await under.traffic.write(emergencyTable(table, emergency), table.revision);
  return emergency;
}

describe("a rollback that the journal refuses", () => {
  it("puts traffic back all the same, and nothing else; the rest follows when the journal is there again", async () => {
    const { under, engine } = await atFivePercent();
    under.journal.setRefusing(true);
    under.load = { perSecond: 200, badShare: { v2: 0.5 } };
    await under.until(() => under.traffic.table?.share === 0);
    await under.pass(MINUTE);

    equal(under.traffic.table?.emergency?.by, null);
    match(under.traffic.table?.emergency?.because.sentence ?? "", /^errors \d+%/);
    equal((await under.emergencies.pending()).length, 1);
    const shown = await engine.status(2);
    equal(shown?.state, "rolling-back");
    equal(shown?.sharePercent, 0);
    equal(shown?.fault?.code, "journal-unavailable");
    deepEqual(under.commands, ["one"], "what was changed beside is not undone before the journal knows");
    equal((await eventsOf(under, "rollback-decided")).length, 0);

    under.journal.setRefusing(false);
    await under.until(async () => (await engine.status(2))?.state === "rolled-back");
    deepEqual(under.commands, ["one", "undo-one"]);
    const [noted] = await eventsOf(under, "emergency-noted-late");
    equal(noted?.emergency.fromShare, 500);
    equal((await eventsOf(under, "rollback-decided")).length, 1);
    deepEqual(await under.emergencies.pending(), []);
    const status = await engine.status(2);
    equal(status?.rollback?.undone[0]?.name, "put-back-early");
    equal(status.rollback.fromSharePercent, 5);
    deepEqual(replay(await under.journal.read(2)), replay(structuredClone(await under.journal.read(2))));
    equal(under.traffic.table?.emergency, undefined, "the mark is gone with the next table");
    await stop(engine, under);
  });

  it("is finished by the next engine where this one dies, told once", async () => {
    const { under, engine } = await atFivePercent();
    under.journal.setRefusing(true);
    under.load = { perSecond: 200, badShare: { v2: 0.5 } };
    await under.until(() => under.traffic.table?.share === 0);
    await stop(engine, under);
    under.journal.setRefusing(false);
    // The file can't be cleared: what the journal has must not be told again.
    under.emergencies.setRefusing(true);

    const next = await under.start();
    await under.until(async () => (await next.status(2))?.state === "rolled-back");
    await stop(next, under);
    equal((await under.emergencies.pending()).length, 1);
    under.emergencies.setRefusing(false);
    const third = await under.start();
    await under.pass(10 * SECOND);
    equal((await eventsOf(under, "emergency-noted-late")).length, 1);
    equal((await third.status(2))?.state, "rolled-back");
    await stop(third, under);
  });

  it("does nothing in the other direction: no share is given that the journal does not know of", async () => {
    const { under, engine } = await atFivePercent();
    under.journal.setRefusing(true);
    const writes = under.traffic.writes.length;
    await under.pass(7 * MINUTE);
    equal(under.traffic.table?.share, 500);
    equal(under.traffic.writes.length, writes);
    under.journal.setRefusing(false);
    await under.until(async () => (await engine.status(2))?.state === "closed");
    await stop(engine, under);
  });

  it("forgets no outcome of what was under way when the disk filled up", async () => {
    const under = engineUnderTest();
    const engine = await under.start();
    await under.release(engine, USUAL, "v1");
    await under.until(async () => (await engine.status(1))?.state === "closed");
    const goOn = under.traffic.holdNext("write");
    await under.release(engine, PLAN, "v2");
    await under.until(() =>
      under.traffic.calls.some(
        ({ method, arguments: [table] }) => method === "write" && (table as RoutingTable).release === 2,
      ),
    );
    under.journal.setRefusing(true);
    goOn();
    await under.pass(30 * SECOND);
    under.journal.setRefusing(false);
    await under.until(() => under.traffic.table?.share === 500);
    await stop(engine, under);
  });
});

describe("an engine that somebody with a higher epoch has put aside", () => {
  it("stops acting and says who did it; the next one tells the journal late and finishes in the order of undoing", async () => {
    const { under, engine } = await atFivePercent();
    const emergency = await putBackByHand(under);
    const writes = under.traffic.writes.length;
    await under.until(() => engine.fenced() !== null);
    equal(engine.fenced()?.code, "stale-epoch");
    match(
      engine.fenced()?.what ?? "",
      /epoch \d+ has taken over at the data plane, by `tidegate rollback --now` of bob/,
    );
    await under.pass(MINUTE);
    equal(under.traffic.writes.length, writes);
    equal((await eventsOf(under, "emergency-noted-late")).length, 0);

    const next = await under.start();
    ok(next.epoch > emergency.epoch);
    await under.until(async () => (await next.status(2))?.state === "rolled-back");
    const history = (await under.journal.read(2)).map(({ event }) => event);
    const from = history.findIndex(({ type }) => type === "rollback-decided");
    deepEqual(
      history
        .slice(from)
        .flatMap((event) => (event.type === "effect-requested" ? [event.name] : [event.type]))
        .filter((name) => name !== "effect-confirmed"),
      [
        "rollback-decided",
        "emergency-noted-late",
        "share-to-stable",
        "undo-run-one",
        "gather-evidence",
        "stop-candidate",
        "settle-stable",
        "rolled-back",
      ],
    );
    match((await next.status(2))?.sentence ?? "", /^Rolled back at 5%: Put back by bob: checkout is broken\./);
    await stop(next, under);
    await stop(engine, under);
  });

  it("never gives the share again, though the plane answered nobody when the next one took over", async () => {
    const { under, engine } = await atFivePercent();
    await putBackByHand(under);
    await under.until(() => engine.fenced() !== null);
    await stop(engine, under);
    under.traffic.setAway(true);
    const next = await under.start();
    await under.pass(10 * SECOND);
    const writes = under.traffic.writes.length;
    under.traffic.setAway(false);
    // Its epoch could not be claimed: it is put aside at once, and the one after it goes on.
    await under.until(() => next.fenced() !== null);
    equal(under.traffic.writes.length, writes);
    await stop(next, under);
    const third = await under.start();
    await under.until(async () => (await third.status(2))?.state === "rolled-back");
    ok(under.traffic.writes.slice(writes).every(({ share }) => share === 0));
    await stop(third, under);
  });

  it("frozen, the release is paused for a person, keeps its share, and goes on when resumed", async () => {
    const { under, engine } = await atFivePercent();
    await putBackByHand(under, "frozen");
    await under.until(() => engine.fenced() !== null);
    await stop(engine, under);
    await under.pass(10 * MINUTE);
    equal(under.traffic.table?.share, 500, "nobody renews, and yet nothing goes to a stable that can't serve");
    const next = await under.start();
    await under.until(async () => (await next.status(2))?.paused !== null);
    match((await next.status(2))?.sentence ?? "", /^Paused at 5% by bob: Put back by bob/);
    const answer = next.ask({ kind: "command", command: { kind: "resume" } }, 2, "ann");
    await under.pass(5 * SECOND);
    equal((await answer).kind, "accepted");
    await under.until(async () => (await next.status(2))?.state === "closed");
    await stop(next, under);
  });

  it("a release that is closed and still has its standby goes back too", async () => {
    const under = engineUnderTest();
    const engine = await under.start();
    const withStandby = planOf(USUAL.steps.slice(0, 4));
    await under.release(engine, withStandby, "v1");
    await under.until(async () => (await engine.status(1))?.state === "closed");
    await under.release(engine, withStandby, "v2");
    await under.until(async () => (await engine.status(2))?.state === "closed");
    await putBackByHand(under);
    await under.until(() => engine.fenced() !== null);
    await stop(engine, under);
    const next = await under.start();
    await under.until(async () => (await next.status(2))?.state === "rolled-back");
    equal(under.traffic.table?.stable?.version, "v1");
    equal(under.traffic.table?.candidate, null);
    await stop(next, under);
  });
});
