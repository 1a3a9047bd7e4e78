import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import { createMemoryJournal } from "../../src/adapters/journal/memory.ts";
import type { Evidence } from "../../src/core/diagnosis/evidence.ts";
import { replay } from "../../src/core/release/evolve.ts";
import { DAY, HOUR, MINUTE, SECOND } from "../../src/core/time/time.ts";
import type { Engine } from "../../src/engine/api.ts";
import { engineUnderTest, type EngineUnderTest } from "../support/engine-under-test.ts";
import { isFault } from "../contract/journal.ts";
import type { Guard } from "../../src/core/plan/guard.ts";
import { GUARDS, planOf, step, USUAL, WEB, WORKER } from "../support/plans.ts";

/** The engine with v1 live and closed, the way every team's second release finds it. */
async function withV1(
  plan = USUAL,
): Promise<{ under: EngineUnderTest; engine: Engine; state: (release: number) => Promise<string> }> {
  const under = engineUnderTest();
  const engine = await under.start();
  const state = async (release: number): Promise<string> => (await engine.status(release))?.state ?? "";
  equal((await under.release(engine, plan, "v1")).kind, "accepted");
  await under.until(async () => ["closed", "live"].includes(await state(1)));
  return { under, engine, state };
}

const stop = (engine: Engine, under: EngineUnderTest): Promise<unknown> =>
  Promise.all([engine[Symbol.asyncDispose](), under.clock.advance(5 * SECOND)]);

describe("the engine", () => {
  it("releases the first version of an empty place, then the next beside it", async () => {
    const { under, engine, state } = await withV1();
    equal(under.traffic.table?.stable?.version, "v1");
    equal((await under.release(engine, USUAL, "v2")).kind, "accepted");
    await under.until(() => under.traffic.table?.share === 500);
    equal(under.traffic.table?.candidate?.version, "v2");
    equal(under.traffic.table?.lease?.unwatchedMs, 2 * MINUTE);
    await under.until(async () => (await state(2)) === "closed");
    deepEqual(
      under.traffic.writes.map(({ share }) => share).filter((share, index, all) => share !== all[index - 1]),
      [0, 10_000, 0, 500, 2_500, 10_000, 0],
    );
    equal(under.traffic.table?.stable?.version, "v2");
    equal(under.traffic.table?.candidate, null);
    await stop(engine, under);
  });

  it("rolls back a bad version within seconds and says why", async () => {
    const { under, engine, state } = await withV1();
    under.load = { perSecond: 200, badShare: { v2: 0.3 } };
    await under.release(engine, USUAL, "v2");
    await under.until(async () => (await state(2)) === "rolled-back");
    const status = await engine.status(2);
    match(status?.sentence ?? "", /^Rolled back at 5%: errors 30% \(\d+\/\d+\) against 0% .*, limit 1%\.$/);
    equal(under.traffic.table?.stable?.version, "v1");
    equal(under.traffic.table?.candidate, null);
    ok((await under.runtime.instances()).every(({ version, state: is }) => version === "v1" || is === "exited"));

    const again = { kind: "release", plan: USUAL, version: "v2", supersede: false, unlessPutBack: true } as const;
    const asked = engine.ask(again, null, "ann");
    await under.until(async () => (await under.journal.openRequests()).length === 0);
    const refused = await asked;
    equal(refused.kind === "refused" ? refused.fault.code : "", "version-put-back");
    match(refused.kind === "refused" ? refused.fault.what : "", /^Release 2 put v2 back at 5%: errors 30%/);
    await stop(engine, under);
  });

  it("does nothing of what a guard says that is only tried out, and tells it", async () => {
    const { under, engine, state } = await withV1();
    under.load = { perSecond: 200, badShare: { v2: 0.3 } };
    const guards = GUARDS.map((guard): Guard => ({ ...guard, dryRun: true }));
    const plan = planOf([step.start(), step.shift(5, 20 * SECOND, { guards }), step.shift(100, MINUTE, { guards })]);
    await under.release(engine, plan, "v2");
    await under.until(() => under.traffic.table?.share === 500);
    await under.pass(15 * SECOND);
    const [verdict] = (await engine.status(2))?.verdicts ?? [];
    deepEqual([verdict?.verdict, verdict?.level, verdict?.dryRun], ["fail", "rollback", true]);
    match(verdict?.sentence ?? "", /^errors 30% \(\d+\/\d+\) against 0% .*, limit 1% \(dry run, it would roll back\)$/);
    equal((await engine.status(2))?.hold, null);
    await under.until(async () => (await state(2)) === "closed");
    await stop(engine, under);
  });

  it("looks at a guard only after its delay, and finds then what is still bad", async () => {
    const { under, engine, state } = await withV1();
    under.load = { perSecond: 200, badShare: { v2: 0.3 } };
    const guards = GUARDS.map((guard): Guard => ({ ...guard, delayMs: 30 * SECOND }));
    const plan = planOf([step.start(), step.shift(5, MINUTE, { guards }), step.shift(100, MINUTE, { guards })]);
    await under.release(engine, plan, "v2");
    await under.until(() => under.traffic.table?.share === 500);
    await under.pass(20 * SECOND);
    const early = await engine.status(2);
    equal(early?.state, "running");
    match(early?.sentence ?? "", /^Watching at 5%: errors not looked at for another \d+s\.$/);
    await under.until(async () => (await state(2)) === "rolled-back");
    const ended = await engine.status(2);
    match(ended?.sentence ?? "", /^Rolled back at 5%: errors 30%/);
    const seenFor = (ended?.endedAtMs ?? 0) - (early?.startedAtMs ?? 0);
    ok(seenFor >= 30 * SECOND, `${seenFor} ms`);
    await stop(engine, under);
  });

  it("holds once its looks could not tell as often as the plan has patience for, and goes on when they can", async () => {
    const { under, engine, state } = await withV1();
    under.load = { perSecond: 20, badShare: {} };
    const guards = GUARDS.map((guard): Guard => ({ ...guard, inconclusive: 20 }));
    const plan = planOf([step.start(), step.shift(5, 2 * MINUTE, { guards }), step.shift(100, SECOND)]);
    await under.release(engine, plan, "v2");
    await under.until(async () => (await engine.status(2))?.hold !== null);
    const held = await engine.status(2);
    match(held?.hold?.sentence ?? "", /^errors 0% \(0\/\d+\) .*, n = \d+ of 50 needed \(\d+ looks in a row\)$/);
    equal(held?.hold?.needsPerson, true);
    ok((held?.elapsedMs ?? 0) < MINUTE, `${held?.elapsedMs} ms`);
    under.load = { perSecond: 200, badShare: {} };
    await under.until(async () => (await state(2)) === "closed");
    await stop(engine, under);
  });

  it("puts back what fails too often in a step, though never for long", async () => {
    const { under, engine, state } = await withV1();
    const guards = GUARDS.map((guard): Guard => ({
      ...guard,
      windowMs: 2 * SECOND,
      minRequests: 10,
      breaches: 30,
      failures: 5,
    }));
    const plan = planOf([step.start(), step.shift(5, 10 * MINUTE, { guards }), step.shift(100, MINUTE)]);
    await under.release(engine, plan, "v2");
    await under.until(() => under.traffic.table?.share === 500);
    for (let burst = 0; burst < 6 && (await state(2)) === "running"; burst += 1) {
      under.load = { perSecond: 200, badShare: { v2: 0.5 } };
      await under.pass(SECOND);
      under.load = { perSecond: 200, badShare: {} };
      await under.pass(15 * SECOND);
    }
    await under.until(async () => (await state(2)) === "rolled-back");
    match((await engine.status(2))?.sentence ?? "", /limit 1% \(broken in 5 looks of this step\)\.$/);
    await stop(engine, under);
  });

  it("tells what a start that never gets ready is answered, while it waits", async () => {
    const { under, engine, state } = await withV1();
    under.runtime.script({ readyAfterMs: "never" }, "v2");
    await under.release(engine, USUAL, "v2");
    const seen = async (): Promise<string | undefined> => (await engine.status(2))?.current?.seen;
    await under.pass(SECOND);
    equal(await seen(), undefined, "at first that is no news");
    await under.until(async () => (await seen()) !== undefined);
    match((await seen()) ?? "", /v2 is not ready yet, last answer to \/health: 503 not yet; a start may take 30s\.$/);
    await under.until(async () => (await state(2)) === "rolled-back");
    await stop(engine, under);
  });

  it("starts a data plane that nobody runs any more, before it puts traffic back", async () => {
    const { under, engine, state } = await withV1();
    await under.release(engine, USUAL, "v2");
    await under.until(() => under.traffic.table?.share === 500);
    under.traffic.stop();
    const asked = engine.ask({ kind: "command", command: { kind: "rollback" } }, 2, "ann");
    await under.until(async () => (await state(2)) === "rolled-back");
    equal((await asked).kind, "accepted");
    equal(under.traffic.table?.stable?.version, "v1");
    equal(under.traffic.table?.candidate, null);
    await stop(engine, under);
  });
  for (const [inFlight, waits] of [
    [0, [0, 3_500]],
    [1, [4_000, 6_000]],
  ] as const) {
    it(`gathers the evidence once all is counted, with ${inFlight} requests of the bad version still in flight`, async () => {
      const { under, engine, state } = await withV1();
      let gatheredAt = 0;
      const gather = async (): Promise<Evidence> => {
        gatheredAt = under.clock.wall();
        return { routes: [], lines: [], commits: [], missing: [] };
      };
      Object.assign(under.ports, { evidence: { gather } });
      under.traffic.setInFlight("v2", inFlight);
      under.load.badShare = { v2: 1 };
      await under.release(engine, USUAL, "v2");
      await under.until(async () => (await state(2)) === "rolled-back");
      const decided = (await under.journal.read(2)).find(({ event }) => event.type === "rollback-decided");
      const waited = gatheredAt - (decided?.at.wall ?? 0);
      ok(waited >= waits[0] && waited <= waits[1], `${waited} ms after the decision`);
      await stop(engine, under);
    });
  }

  it("refuses a second release while one runs, and with --supersede undoes the first completely before it begins", async () => {
    const { under, engine, state } = await withV1();
    await under.release(engine, USUAL, "v2");
    await under.until(() => under.traffic.table?.share === 500);
    const refused = await under.release(engine, USUAL, "v3");
    equal(refused.kind === "refused" ? refused.fault.code : "", "release-running");
    equal((await under.release(engine, USUAL, "v3", { supersede: true })).kind, "accepted");
    equal(await state(2), "rolled-back");
    // Never the mix: no table ever had v2 and v3.
    ok(
      !under.traffic.writes.some(
        ({ stable, candidate }) =>
          [stable?.version, candidate?.version].toSorted((a = "", b = "") => (a < b ? -1 : 1)).join() === "v2,v3",
      ),
    );
    await under.until(async () => (await state(3)) === "closed");
    equal(under.traffic.table?.stable?.version, "v3");
    await stop(engine, under);
  });

  it("starts a hotfix while the last release still waits for its sign-off, and retires that one's standby first", async () => {
    const plan = planOf([...USUAL.steps.slice(0, 4), step.approve("day-1", { afterMs: DAY }), step.retire()]);
    const { under, engine, state } = await withV1(plan);
    await under.release(engine, plan, "v2");
    await under.until(async () => (await state(2)) === "live");
    ok((await under.runtime.instances()).some(({ version }) => version === "v1"));
    equal((await under.release(engine, plan, "v3")).kind, "accepted");
    ok(!(await under.runtime.instances()).some(({ version, state: is }) => version === "v1" && is !== "exited"));
    await under.until(async () => (await state(3)) === "live");
    equal(await state(2), "live");
    deepEqual(
      (await under.journal.read(2)).filter(({ event }) => event.type === "retirement-brought-forward").length,
      1,
    );
    const late = engine.ask({ kind: "command", command: { kind: "rollback" } }, 2, "ann");
    await under.pass(SECOND);
    equal((await late).kind, "refused");
    await stop(engine, under);
  });

  it("refuses the version that serves already, and an unknown release", async () => {
    const { under, engine } = await withV1();
    const same = await under.release(engine, USUAL, "v1");
    equal(same.kind === "refused" ? same.fault.code : "", "version-serves-already");
    const unknown = engine.ask({ kind: "command", command: { kind: "pause" } }, 99, "ann");
    await under.pass(SECOND);
    const answer = await unknown;
    equal(answer.kind === "refused" ? answer.fault.code : "", "release-unknown");
    await stop(engine, under);
  });

  it("takes a running instance over as stable", async () => {
    const under = engineUnderTest();
    const engine = await under.start();

    const adopting = { ...under.ports.health };
    Object.assign(under.ports.health, {
      http: async (url: string, ms: number) =>
        url.includes(":3000")
          ? { at: under.clock.wall(), ok: true, status: 200, tookMs: 1, text: "ok" }
          : adopting.http(url, ms),
    });
    equal((await under.release(engine, USUAL, "v1", { adopt: "127.0.0.1:3000" })).kind, "accepted");
    await under.until(() => under.traffic.table?.share === 500);
    deepEqual(
      under.traffic.table?.stable?.instances.map(({ host, port }) => `${host}:${port}`),
      ["127.0.0.1:3000"],
    );
    await stop(engine, under);
  });

  it("does not give traffic to a version whose smoke test fails", async () => {
    const { under, engine, state } = await withV1();
    under.smokeFails = "GET /health: expected 200, got 500";
    const smoke = {
      ...step.start(),
      kind: "smoke" as const,
      id: "smoke",
      name: "smoke",
      flows: [{ name: "critical", service: "web", requests: [], cleanup: [], variables: {} }],
    };
    await under.release(engine, planOf([step.start(), smoke, ...USUAL.steps.slice(1)]), "v2");
    await under.until(async () => (await state(2)) === "rolled-back");
    ok(under.traffic.writes.every(({ share, candidate }) => candidate?.version !== "v2" || share === 0));
    match((await engine.status(2))?.sentence ?? "", /smoke flows failed/);
    await stop(engine, under);
  });

  it("shows why a version could not start", async () => {
    const { under, engine, state } = await withV1();
    under.runtime.script(
      {
        readyAfterMs: "never",
        crashAfterMs: 500,
        explanation: { code: "instance-exited", what: "web-green-0 exited with code 1.", detail: ["Error: boom"] },
      },
      "v2",
    );
    await under.release(engine, USUAL, "v2");
    await under.until(async () => (await state(2)) === "rolled-back");
    match((await engine.status(2))?.sentence ?? "", /exited with code 1/);
    await stop(engine, under);
  });

  it("rolls back a version that crashes under traffic", async () => {
    const { under, engine, state } = await withV1();
    under.runtime.script({ crashAfterMs: 20 * SECOND, restartAfterMs: HOUR }, "v2");
    await under.release(engine, USUAL, "v2");
    await under.until(async () => (await state(2)) === "rolled-back");
    match((await engine.status(2))?.sentence ?? "", /can no longer serve/);
    await stop(engine, under);
  });

  it("undoes commands in reverse, and moves workers with the traffic", async () => {
    const plan = planOf([step.run("one", "undo-one"), step.run("two", "undo-two"), ...USUAL.steps], {
      services: [WEB, WORKER],
    });
    const { under, engine, state } = await withV1(plan);
    under.commands.length = 0;
    await under.release(engine, plan, "v2");
    await under.until(() => under.traffic.table?.share === 10_000);
    await under.pass(5 * SECOND);
    const workers = async (): Promise<readonly string[]> =>
      (await under.runtime.instances())
        .filter(({ service, state: is }) => service === "worker" && is === "running")
        .map(({ version }) => version);
    deepEqual(await workers(), ["v2"]);
    under.load = { perSecond: 200, badShare: { v2: 0.5 } };
    await under.until(async () => (await state(2)) === "rolled-back");
    deepEqual(under.commands, ["one", "two", "undo-two", "undo-one"]);
    deepEqual(await workers(), ["v1"]);
    await stop(engine, under);
  });

  it("takes a first version that is put back out of the table, not only its share", async () => {
    const { under, engine, state } = await withV1();
    equal(under.traffic.table?.stable?.version, "v1");
    const answer = engine.ask({ kind: "command", command: { kind: "rollback" } }, 1, "ann");
    await under.until(async () => (await state(1)) === "rolled-back");
    equal((await answer).kind, "accepted");
    const shares = under.traffic.writes.map(({ stable, candidate, share }) =>
      [stable?.version ?? null, candidate?.version ?? null, share].join(),
    );
    deepEqual(shares.slice(-3), [",v1,0", ",v1,0", ",,0"]);
    await stop(engine, under);
  });

  it("hands the plane a pin token's value, and none that it does not have", async () => {
    const plan = { ...USUAL, traffic: { ...USUAL.traffic, pins: { header: "x-pin", token: "${PIN_TOKEN}" } } };
    const under = engineUnderTest();
    const engine = await under.start({ secrets: { PIN_TOKEN: "s3cret" } });
    await under.release(engine, plan, "v1");
    await under.until(() => under.traffic.table !== null);
    deepEqual(under.traffic.table?.pins, { header: "x-pin", token: "s3cret" });
    ok(!JSON.stringify(await under.journal.read(1)).includes("s3cret"));
    await stop(engine, under);
    const without = engineUnderTest();
    const other = await without.start();
    await without.release(other, plan, "v1");
    await without.until(() => without.traffic.table !== null);
    deepEqual(without.traffic.table?.pins, { header: "x-pin" });
    await stop(other, without);
  });

  it("does not stop a standby that it was draining for a newer release when a rollback needs it", async () => {
    const { under, engine, state } = await withV1();
    await under.release(engine, planOf(USUAL.steps.slice(0, 4)), "v2");
    await under.until(async () => (await state(2)) === "closed");
    const drained = under.traffic.holdNext("drain");
    const third = engine.ask({ kind: "release", plan: USUAL, version: "v3", supersede: false }, null, "bob");
    await under.until(() => under.traffic.calls.some(({ method }) => method === "drain"));
    const back = engine.ask({ kind: "command", command: { kind: "rollback" } }, 2, "ann");
    await under.pass(SECOND);
    drained();
    await under.until(async () => (await state(2)) === "rolled-back");
    equal((await back).kind, "accepted");
    equal((await third).kind, "refused");
    equal(under.traffic.table?.stable?.version, "v1");
    ok((await under.runtime.instances()).some(({ version, state: is }) => version === "v1" && is === "running"));
    ok(!under.runtime.calls.some(({ method, arguments: [id] }) => method === "stop" && String(id).includes("v1")));
    await stop(engine, under);
  });

  it("gives nothing back to the candidate of which somebody has taken it, when it starts stable for a rollback", async () => {
    const { under, engine, state } = await withV1();
    const drained = under.traffic.holdNext("drain");
    await under.release(engine, USUAL, "v2");
    await under.until(() => under.traffic.calls.some(({ method }) => method === "drain"));
    const { table } = under.traffic;
    ok(table !== null && table.share === 10_000);
    const lease = { unwatchedMs: 120_000, do: "stable" } as const;
    await under.traffic.write({ ...table, revision: table.revision + 1, share: 100, lease }, table.revision);
    const before = under.traffic.writes.length;
    const back = engine.ask({ kind: "command", command: { kind: "rollback" } }, 2, "ann");
    await under.pass(SECOND);
    drained();
    await under.until(async () => (await state(2)) === "rolled-back");
    equal((await back).kind, "accepted");
    const shares = under.traffic.writes.slice(before).map(({ share }) => share);
    ok(shares.length > 1 && shares.every((share) => share <= 100), shares.join());
    await stop(engine, under);
  });

  it("sends nobody to what it drains, whoever has given it a share meanwhile", async () => {
    const { under, engine, state } = await withV1();
    await under.release(engine, USUAL, "v2");
    await under.until(() => under.traffic.table?.share === 500);
    const drained = under.traffic.holdNext("drain");
    const answer = engine.ask({ kind: "command", command: { kind: "rollback" } }, 2, "ann");
    await under.until(() => under.traffic.table?.share === 0);
    equal((await answer).kind, "accepted");
    const { table } = under.traffic;
    if (table === null) throw new Error("A table is in force.");
    await under.traffic.write({ ...table, revision: table.revision + 1, share: 5_000 }, table.revision);
    await under.until(() => under.traffic.calls.some(({ method }) => method === "drain"));
    equal(under.traffic.table?.share, 0);
    ok(under.traffic.table?.candidate?.instances.every(({ draining }) => draining));
    drained();
    await under.until(async () => (await state(2)) === "rolled-back");
    await stop(engine, under);
  });

  it("tells people once of start and end", async () => {
    const plan = { ...USUAL, notify: [{ kind: "terminal" as const }] };
    const { under, engine, state } = await withV1(plan);
    under.messages.length = 0;
    await under.release(engine, plan, "v2");
    await under.until(async () => (await state(2)) === "closed");
    deepEqual(
      under.messages.map(({ topic }) => topic),
      ["started", "live"],
    );
    await stop(engine, under);
  });
});

describe("a clock that is set", () => {
  const BOTH_WAYS = [HOUR, -HOUR];

  for (const jump of BOTH_WAYS) {
    it(`by ${jump > 0 ? "an hour ahead" : "an hour back"} neither ends nor stretches a hold, nor breaks a guard`, async () => {
      const { under, engine, state } = await withV1();
      await under.release(engine, USUAL, "v2");
      await under.until(() => under.traffic.table?.share === 500);
      await under.pass(10 * SECOND);
      const left = (await engine.status(2))?.current?.nextDecisionInMs ?? 0;
      ok(left > 5 * SECOND, `${left} ms are left`);
      under.clock.setWall(under.clock.wall() + jump);
      await under.pass(left - 3 * SECOND);
      equal(under.traffic.table?.share, 500);
      await under.pass(15 * SECOND);
      equal(under.traffic.table?.share, 2_500);
      await under.until(async () => (await state(2)) === "closed");
      ok(!(await under.journal.read(2)).some(({ event }) => event.type === "held"));
      await stop(engine, under);
    });

    it(`by ${jump > 0 ? "an hour ahead" : "an hour back"} does not hide a bad version`, async () => {
      const { under, engine, state } = await withV1();
      await under.release(engine, USUAL, "v2");
      await under.until(() => under.traffic.table?.share === 500);
      under.clock.setWall(under.clock.wall() + jump);
      under.load = { perSecond: 200, badShare: { v2: 0.3 } };
      await under.until(async () => (await state(2)) === "rolled-back", 30 * SECOND);
      await stop(engine, under);
    });
  }
});

describe("an engine that goes away", () => {
  it("leaves the release where it is; the next one goes on, and the journal replays to the same state", async () => {
    const { under, engine } = await withV1();
    await under.release(engine, USUAL, "v2");
    await under.until(() => under.traffic.table?.share === 500);
    await under.pass(30 * SECOND);
    await stop(engine, under);
    await under.pass(HOUR, MINUTE);
    // Nobody renewed the lease: the plane went back to stable by itself (I11).
    equal(under.traffic.table?.share, 0);
    const next = await under.start();
    ok(next.epoch > engine.epoch);
    await under.pass(20 * SECOND);
    equal(under.traffic.table?.share, 500);
    match(
      (await under.journal.read(2)).flatMap(({ event }) =>
        event.type === "share-drifted" ? [event.sentence] : [],
      )[0] ?? "",
      /nobody watched, so the data plane went back to stable by itself/,
    );
    await under.until(async () => (await next.status(2))?.state === "closed");
    const release = replay(await under.journal.read(2));
    equal(release?.state, "closed");
    await stop(next, under);
  });

  it("is followed by one that tells people what it could not tell them any more", async () => {
    const plan = { ...USUAL, notify: [{ kind: "terminal" as const }] };
    const { under, engine, state } = await withV1(plan);
    const { notifier } = under.ports;
    Object.assign(under.ports, { notifier: { deliver: () => new Promise(() => undefined) } });
    await under.release(engine, plan, "v2");
    await under.until(async () => (await state(2)) === "closed");
    await stop(engine, under);
    under.messages.length = 0;
    Object.assign(under.ports, { notifier });
    const next = await under.start();
    await under.until(() => under.messages.length === 2);
    deepEqual(
      under.messages.map(({ topic }) => topic),
      ["started", "live"],
    );
    await stop(next, under);
  });

  it("costs the next one nothing for the releases that have ended", async () => {
    const { under, engine } = await withV1();
    await under.release(engine, USUAL, "v2");
    await under.until(async () => (await under.journal.open()).length === 0);
    await stop(engine, under);
    const read: number[] = [];
    const { journal } = under;
    const watched = { ...journal, read: (id: number, from?: number) => (read.push(id), journal.read(id, from)) };
    Object.assign(under.ports, { journal: watched });
    const next = await under.start();
    deepEqual(read, [2]);
    await stop(next, under);
  });

  it("goes beyond the epoch that the plane remembers when the journal was lost", async () => {
    const under = engineUnderTest();
    await under.traffic.ensure([]);
    await under.traffic.claim(900);
    const engine = await under.start();
    ok(engine.epoch > 900);
    equal((await under.release(engine, USUAL, "v1")).kind, "accepted");
    await under.until(() => under.traffic.table?.share === 10_000);
    await stop(engine, under);
  });

  it("is followed by one that brings back what a reboot ended, and watches the share anew", async () => {
    const { under, engine } = await withV1();
    await under.release(engine, USUAL, "v2");
    await under.until(() => under.traffic.table?.share === 500);
    await under.pass(30 * SECOND);
    await stop(engine, under);
    const before = new Set((await under.runtime.instances()).map(({ id }) => id));
    under.runtime.loseAll();
    const next = await under.start();
    await under.pass(10 * SECOND);
    const now = (await under.runtime.instances()).filter(({ state: is }) => is === "running");
    deepEqual(new Set(now.map(({ id }) => id)), before);
    // They listen elsewhere now, and the plane was told.
    const known = [under.traffic.table?.stable, under.traffic.table?.candidate].flatMap((backend) =>
      (backend?.instances ?? []).map(({ id, host, port }) => `${id} ${host}:${port}`),
    );
    deepEqual(new Set(known), new Set(now.map(({ id, address }) => `${id} ${address}`)));
    ok(
      (await under.journal.read(2)).some(
        ({ event }) => event.type === "share-drifted" && event.sentence.startsWith("Both versions were started again"),
      ),
    );
    await under.until(async () => (await next.status(2))?.state === "closed");
    await stop(next, under);
  });

  it("is followed by one that brings back what served, when no release was under way", async () => {
    const { under, engine } = await withV1();
    await stop(engine, under);
    under.runtime.loseAll();
    const next = await under.start();
    await under.pass(2 * SECOND);
    deepEqual(
      (await under.runtime.instances()).map(({ version, state: is }) => `${version} ${is}`),
      ["v1 running"],
    );
    await stop(next, under);
  });

  it("begins beside what serves when the journal was lost: nobody is sent to nowhere", async () => {
    const { under, engine } = await withV1();
    await stop(engine, under);
    Object.assign(under.ports, { journal: createMemoryJournal() });
    const before = under.traffic.writes.length;
    const next = await under.start();
    equal((await under.release(next, USUAL, "v2")).kind, "accepted");
    await under.until(async () => (await next.status(1))?.state === "closed");
    equal((await next.status(1))?.stable?.version, "v1");
    ok(
      under.traffic.writes
        .slice(before)
        .every(({ stable, candidate, share }) => stable !== null || (candidate !== null && share === 10_000)),
    );
    await stop(next, under);
  });

  it("is refused what it asks late, by a data plane too that could not be asked when the next one took over (I3)", async () => {
    const { under, engine } = await withV1();
    await under.release(engine, USUAL, "v2");
    await under.until(() => under.traffic.table?.share === 500);
    await stop(engine, under);
    under.traffic.setAway(true);
    const next = await under.start();
    await under.pass(SECOND);
    under.traffic.setAway(false);
    await under.pass(SECOND);
    await rejects(under.traffic.renew(engine.epoch), isFault("stale-epoch"));
    await stop(next, under);
  });

  it("keeps a second engine from acting at the same time (I3)", async () => {
    const under = engineUnderTest();
    const engine = await under.start();
    equal(
      (
        await import("../../src/engine/engine.ts").then(({ createEngine }) =>
          createEngine(under.ports, { engineToken: "t", secrets: {}, patrol: false }),
        )
      ).kind,
      "another-acts",
    );
    await stop(engine, under);
  });

  it("holds, and never fails the candidate, while the data plane is away", async () => {
    const { under, engine, state } = await withV1();
    await under.release(engine, USUAL, "v2");
    await under.until(() => under.traffic.table?.share === 500);
    under.traffic.setAway(true);
    await under.pass(5 * MINUTE);
    equal(await state(2), "running");
    equal((await engine.status(2))?.sharePercent, 5);
    under.traffic.setAway(false);
    await under.until(async () => (await state(2)) === "closed");
    await stop(engine, under);
  });

  for (const lie of ["answer-lost", "not-in-force"] as const) {
    it(`never counts a share as given that the plane does not confirm (${lie})`, async () => {
      const { under, engine, state } = await withV1();
      await under.release(engine, USUAL, "v2");
      await under.until(() => under.traffic.table?.candidate?.version === "v2");
      under.traffic.lieNext(lie);
      await under.until(async () => (await state(2)) === "closed");
      const shares = (await under.journal.read(2)).flatMap(({ event }) =>
        event.type === "effect-requested" && event.effect.kind === "share" ? [event.effect.share] : [],
      );
      ok(shares.length > 3, shares.join());
      await stop(engine, under);
    });
  }

  it("can't write any more once another engine has taken over", async () => {
    const { under, engine } = await withV1();
    await under.release(engine, USUAL, "v2");
    await under.until(() => under.traffic.table?.share === 500);
    const before = under.traffic.writes.length;
    await under.traffic.claim(99);
    await under.pass(5 * MINUTE);
    equal(under.traffic.writes.length, before);
    // Its lease was not renewed either.
    equal(under.traffic.table?.share, 0);
    await stop(engine, under);
  });

  it("waits with the journal when it can't be written, and loses nothing", async () => {
    const { under, engine, state } = await withV1();
    await under.release(engine, USUAL, "v2");
    await under.until(() => under.traffic.table?.share === 500);
    under.journal.failNext({ code: "journal-unavailable", what: "The disk is full." });
    await under.until(async () => (await state(2)) === "closed");
    await stop(engine, under);
  });
});

it("carries a plan of four weeks to its end on a virtual clock", async () => {
  const plan = planOf([
    step.start(),
    step.shift(5, 7 * DAY),
    step.shift(25, 7 * DAY),
    step.shift(100, HOUR),
    step.approve("day-7", { afterMs: 7 * DAY }),
    step.retire(),
    step.approve("week-4", { afterMs: 13 * DAY }),
  ]);
  const under = engineUnderTest();
  // One second of every minute is counted, so it stands for the whole minute.
  under.load = { perSecond: 4_000, badShare: {} };
  const engine = await under.start({ pace: { busyMs: MINUTE, idleMs: MINUTE } });
  const state = async (release: number): Promise<string> => (await engine.status(release))?.state ?? "";
  await under.release(engine, planOf(USUAL.steps.slice(0, 4)), "v1");
  await under.until(async () => (await state(1)) === "closed", HOUR);
  await under.release(engine, plan, "v2");
  await under.pass(13 * DAY, MINUTE);
  equal(under.traffic.table?.share, 2_500);
  await under.pass(2 * DAY, MINUTE);
  equal(await state(2), "live");
  const approve = async (): Promise<void> => {
    const answer = engine.ask({ kind: "command", command: { kind: "approve" } }, 2, "ann");
    await under.pass(2 * MINUTE);
    equal((await answer).kind, "accepted");
  };
  await under.pass(7 * DAY, HOUR);
  await approve();
  await under.pass(7 * DAY, HOUR);
  await approve();
  await under.pass(HOUR, MINUTE);
  equal(await state(2), "closed");
  const bytes = (await under.journal.read(2)).reduce((sum, { event }) => sum + JSON.stringify(event).length + 150, 0);
  ok(bytes < 5_000_000, `${bytes} bytes of journal`);
  await stop(engine, under);
});
