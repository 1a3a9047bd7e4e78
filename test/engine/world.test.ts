import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import type { InstanceSeen, ObservationBatch } from "../../src/core/observation.ts";
import { FaultError } from "../../src/core/fault.ts";
import { routingTable } from "../../src/core/traffic/table.ts";
import type { TrafficState } from "../../src/core/traffic/routing.ts";
import type { Release } from "../../src/core/release/release.ts";
import { createWatch } from "../../src/engine/watch.ts";
import { createWorld } from "../../src/engine/world.ts";
import { engineUnderTest } from "../support/engine-under-test.ts";
import { USUAL } from "../support/plans.ts";
import { PureWorld } from "../support/pure-world.ts";

it("nothing is known before the first look, which is not that no data plane runs", async () => {
  const { ports } = engineUnderTest();
  const { release } = new PureWorld(USUAL);
  const world = createWorld(ports, () => undefined);
  const watch = createWatch(world, { rounds: () => [] }, { readings: () => ({}) }, () => null);
  const at = { wall: 10_000, watched: 10_000 };
  const shifting: Release = {
    ...release,
    cursor: release.plan.steps.findIndex(({ kind }) => kind === "shift"),
    share: 500,
    steps: release.steps.map((step) => ({ ...step, state: "running", attempt: 1, startedAt: at, readyAt: at })),
  };
  deepEqual(watch.look(shifting, at).verdicts, []);
  await world.look([]);
  deepEqual(
    watch.look(shifting, at).verdicts.map(({ verdict, sentence }) => `${verdict}: ${sentence}`),
    ["source-down: errors unknown: no data plane runs"],
  );
});

it("one look reads all that the data plane keeps, however many parts it is handed on in", async () => {
  const { ports, clock } = engineUnderTest();
  await ports.traffic.ensure([]);
  const { proxy } = (await ports.traffic.read()) ?? { proxy: "" };
  const at = clock.wall();
  const kept = Array.from({ length: 450 }, (_, index) => ({
    second: Math.floor(at / 1_000) - 450 + index,
    version: "v1",
    requests: 1,
    status: { ok: 1, redirect: 0, client: 0, server: 0, failed: 0 },
    latency: {},
    webSockets: { opened: 0, failed: 0 },
    worst: [],
    mixed: false,
  }));
  let asked = 0;
  const observations = (since: number): Promise<ObservationBatch> => {
    asked += 1;
    const rows = kept.slice(since, since + 200);
    return Promise.resolve({ proxy, next: since + rows.length, rows, lost: 0, inFlight: {}, at });
  };
  const world = createWorld({ ...ports, traffic: { ...ports.traffic, observations } }, () => undefined);
  await world.look([]);
  equal(world.rows().length, 450);
  equal(asked, 3);
});

it("a runtime that hangs keeps nobody from looking at the traffic, and what was seen last stays", async () => {
  const { ports, clock } = engineUnderTest();
  const one: InstanceSeen = {
    id: "web-1",
    service: "web",
    slot: "blue",
    version: "v1",
    state: "running",
    restarts: 0,
    adopted: false,
  };
  let asked = 0;
  let answer: ((found: readonly InstanceSeen[]) => void) | undefined;
  const instances = (): Promise<readonly InstanceSeen[]> =>
    (asked += 1) === 1 ? Promise.resolve([one]) : new Promise((resolve) => (answer = resolve));
  const world = createWorld({ ...ports, runtime: { ...ports.runtime, instances } }, () => undefined);
  await world.look([]);
  await ports.traffic.ensure([]);
  const hanging = world.look([]);
  await clock.advance(2_000);
  await hanging;
  deepEqual(world.instances(), [one]);
  equal(world.traffic()?.table, null, "the traffic was looked at");
  const still = world.look([]);
  await clock.advance(2_000);
  await still;
  equal(asked, 2, "it is not asked again while it owes an answer");
  answer?.([]);
  await world.look([]);
  deepEqual(world.instances(), []);
});

it("a look at the data plane that began before a write does not undo what the write told", async () => {
  const { ports } = engineUnderTest();
  const { release } = new PureWorld(USUAL);
  const base = {
    release,
    on: "both",
    hasTwin: false,
    instances: [],
    draining: new Set<string>(),
    epoch: 1,
    engineToken: "",
  } as const;
  await ports.traffic.ensure([]);
  await ports.traffic.write(routingTable({ ...base, share: 0, revision: 1 }), 0);
  let answer: ((state: TrafficState | null) => void) | undefined;
  const before = await ports.traffic.read();
  let isSlow = true;
  const slowly = (): Promise<TrafficState | null> => new Promise((resolve) => (answer = resolve));
  const traffic = { ...ports.traffic, read: () => (isSlow ? slowly() : ports.traffic.read()) };
  const world = createWorld({ ...ports, traffic }, () => undefined);
  const first = world.look([]);
  answer?.(before);
  await first;
  equal(world.traffic()?.table?.share, 0);
  const late = world.look([]);
  const readLate = answer;
  isSlow = false;
  await world.changeTable(
    (_, revision) => routingTable({ ...base, share: 500, revision }),
    new AbortController().signal,
  );
  equal(world.traffic()?.table?.share, 500);
  readLate?.(before);
  await late;
  equal(world.traffic()?.table?.share, 500);
});

describe("a change of the table", () => {
  const changed = async (whenMs: number | null) => {
    const { ports, traffic, clock } = engineUnderTest();
    const base = {
      release: new PureWorld(USUAL).release,
      on: "both",
      hasTwin: false,
      instances: [],
      epoch: 1,
      engineToken: "",
    } as const;
    await traffic.ensure([]);
    await traffic.write(routingTable({ ...base, draining: new Set(), share: 0, revision: 1 }), 0);
    const world = createWorld(ports, () => undefined);
    await world.look([]);
    traffic.lieNext("not-in-force");
    const change = world.changeTable(
      (_, revision) => routingTable({ ...base, draining: new Set(), share: 500, revision }),
      new AbortController().signal,
    );
    const ended = change.then(
      (state) => state.table?.share,
      (error: unknown) => (error instanceof FaultError ? error.fault.code : error),
    );
    for (let passedMs = 0; passedMs < 3_000; passedMs += 10) {
      if (passedMs === whenMs) traffic.bringInForce();
      await clock.advance(10);
    }
    return { told: await ended, share: world.traffic()?.table?.share ?? null };
  };

  it("counts when the plane, asked again, says that it is in force, and not when it says so at once", async () => {
    deepEqual(await changed(120), { told: 500, share: 500 });
  });

  it("that does not come in force is told, and nobody believes in it", async () => {
    deepEqual(await changed(null), { told: "traffic-table-not-in-force", share: null });
  });
});
