import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FaultError } from "../../src/core/fault.ts";
import type { Counter } from "../../src/core/traffic/counting.ts";
import { usualCounting } from "../support/counting.ts";
import type { Backend, Listener, RoutingTable } from "../../src/core/traffic/routing.ts";
import { twinShare } from "../../src/core/traffic/share.ts";
import type { Duration } from "../../src/core/time/time.ts";
import type { Traffic } from "../../src/ports/traffic.ts";
import { until } from "../support/until.ts";

const ERRORS: Counter = { id: "errors", bad: { kind: "failed" } };

/** A world of its own for one test, in which no data plane runs yet. */
export interface TrafficWorld extends AsyncDisposable {
  readonly traffic: Traffic;
  readonly listeners: readonly Listener[];
  /** Where an instance answers that the tables may name. */
  readonly instance: { readonly host: string; readonly port: number };
  /** One request to the version that the table sends it to; returns when its second is over. */
  serve(version: string): Promise<void>;
  /** Lets time pass. */
  pass(time: Duration): Promise<void>;
  /** The data plane dies. */
  kill(): Promise<void>;
}

/** What every data plane promises. `make` opens a fresh world; `hasTwins`: it can give a twin of stable its part. */
export function trafficContract(name: string, make: () => Promise<TrafficWorld>, hasTwins = true): void {
  const tableIn = ({ instance }: TrafficWorld, changes: Partial<RoutingTable> = {}): RoutingTable => ({
    revision: 1,
    epoch: 1,
    app: "shop",
    environment: "production",
    release: 42,
    offset: 17,
    stable: {
      version: "v1",
      slot: "blue",
      instances: [{ id: "web-blue-1", service: "web", ...instance, draining: false }],
    },
    candidate: {
      version: "v2",
      slot: "green",
      instances: [{ id: "web-green-1", service: "web", ...instance, draining: false }],
    },
    share: 500,
    routes: [{ path: "/", service: "web" }],
    sticky: { kind: "cookie", name: "tidegate" },
    pins: { header: "x-tidegate-version" },
    engineToken: "token",
    health: {},
    lease: null,
    ...changes,
  });

  describe(`traffic: ${name}`, () => {
    it("has nothing to say of a day of which it has no figures, if it remembers other days at all", async () => {
      await using world = await make();
      await world.traffic.ensure(world.listeners);
      const to = Math.floor(Date.now() / 60_000) * 60_000 - 3 * 86_400_000;
      const past = await world.traffic.past?.(to - 1_800_000, to);
      if (past === undefined) return;
      const nothing = { requests: 0, bad: 0, latency: {}, webSockets: { opened: 0, failed: 0 } };
      assert.deepEqual(past, { from: to - 1_800_000, to, countedMs: 0, requests: 0, stable: nothing, features: {} });
    });

    it("is not there before it was asked for, and there however often it was", async () => {
      await using world = await make();
      assert.equal(await world.traffic.read(), null);
      await assert.rejects(world.traffic.observations(0), fault("traffic-unreachable"));
      await world.traffic.ensure(world.listeners);
      const first = await world.traffic.read();
      await world.traffic.ensure(world.listeners);
      const second = await world.traffic.read();
      assert.equal(first?.table, null);
      assert.equal(first?.proxy, second?.proxy);
      assert.equal(second?.listening.length, world.listeners.length);
    });

    it("puts a table in force whole, and answers what is in force", async () => {
      await using world = await make();
      await world.traffic.ensure(world.listeners);
      const table = tableIn(world);
      assert.deepEqual((await world.traffic.write(table, 0)).table, table);
      assert.deepEqual((await world.traffic.read())?.table, table);
      const next = tableIn(world, { revision: 2, share: 2_500 });
      await world.traffic.write(next, 1);
      assert.deepEqual((await world.traffic.read())?.table, next);
    });

    it("refuses a writer who has not seen the table in force", async () => {
      await using world = await make();
      await world.traffic.ensure(world.listeners);
      await world.traffic.write(tableIn(world), 0);
      await assert.rejects(world.traffic.write(tableIn(world, { share: 0 }), 0), fault("revision-conflict"));
      await assert.rejects(world.traffic.write(tableIn(world, { revision: 8 }), 7), fault("revision-conflict"));
      assert.equal((await world.traffic.read())?.table?.share, 500);
    });

    it("refuses engines of older epochs: claims, tables, renewals", async () => {
      await using world = await make();
      await world.traffic.ensure(world.listeners);
      await world.traffic.claim(3);
      await world.traffic.claim(3);
      await assert.rejects(world.traffic.claim(2), fault("stale-epoch"));
      await assert.rejects(world.traffic.write(tableIn(world, { epoch: 2 }), 0), fault("stale-epoch"));
      await assert.rejects(world.traffic.renew(2), fault("stale-epoch"));
      await world.traffic.write(tableIn(world, { epoch: 5 }), 0);
      await assert.rejects(world.traffic.claim(4), fault("stale-epoch"));
    });

    it("refuses a table that can't be served, and keeps the one before", async () => {
      await using world = await make();
      await world.traffic.ensure(world.listeners);
      await world.traffic.write(tableIn(world), 0);
      for (const changes of [
        { share: 10_001 },
        { share: -1 },
        { candidate: null, share: 100 },
        { candidate: tableIn(world).stable },
        { revision: 3 },
        { counting: { ...usualCounting(42), onceMs: 0 } },
        { counting: { ...usualCounting(42), counters: [ERRORS, ERRORS] } },
      ]) {
        await assert.rejects(
          world.traffic.write(tableIn(world, { revision: 2, ...changes }), 1),
          fault("traffic-table-refused"),
        );
      }
      assert.deepEqual((await world.traffic.read())?.table, tableIn(world));
    });

    it(
      hasTwins
        ? "has a twin of stable beside the candidate, until the lease of both has ended"
        : "refuses a twin of stable that it would never send anybody to",
      async () => {
        await using world = await make();
        await world.traffic.ensure(world.listeners);
        const twinOf = (version: string): Backend => ({
          version,
          slot: "twin",
          instances: [{ id: "web-twin-1", service: "web", ...world.instance, draining: false }],
        });
        const table = tableIn(world, { twin: twinOf("v1"), lease: { unwatchedMs: 1_000, do: "stable" } });
        if (!hasTwins) return await assert.rejects(world.traffic.write(table, 0), fault("traffic-table-refused"));
        for (const version of ["v2", "v3"])
          await assert.rejects(
            world.traffic.write({ ...table, twin: twinOf(version) }, 0),
            fault("traffic-table-refused"),
          );
        assert.deepEqual((await world.traffic.write(table, 0)).table, table);
        await world.pass(1_100);
        const state = await until("the plane to return", async () => {
          const seen = await world.traffic.read();
          return seen?.returnedAt === null ? null : seen;
        });
        // Its part follows from the share, so that nothing is left of it.
        assert.deepEqual([state.table?.share, twinShare(state.table?.share ?? -1)], [0, 0]);
        await world.serve("v1");
      },
    );

    it("goes back to stable by itself when nobody renews the lease, and says so", async () => {
      await using world = await make();
      await world.traffic.ensure(world.listeners);
      await world.traffic.renew(1);
      await world.traffic.write(tableIn(world, { lease: { unwatchedMs: 1_000, do: "stable" } }), 0);
      for (let i = 0; i < 3; i += 1) {
        await world.pass(500);
        await world.traffic.renew(1);
      }
      assert.equal((await world.traffic.read())?.table?.share, 500);
      await world.pass(1_100);
      const state = await until("the plane to return", async () => {
        const seen = await world.traffic.read();
        return seen?.returnedAt === null ? null : seen;
      });
      assert.equal(state.table?.share, 0);
      assert.equal(state.table?.revision, 2);
      await assert.rejects(world.traffic.renew(1), fault("lease-ended"));
      const next = await world.traffic.write(tableIn(world, { revision: 3 }), 2);
      assert.equal(next.returnedAt, null);
    });

    it("drains an instance that has nothing in flight at once", async () => {
      await using world = await make();
      await world.traffic.ensure(world.listeners);
      await world.traffic.write(tableIn(world), 0);
      assert.deepEqual(await world.traffic.drain("web-green-1", 60_000), { left: 0 });
    });

    it("tells what it served, each second once", async () => {
      await using world = await make();
      await world.traffic.ensure(world.listeners);
      await world.traffic.write(tableIn(world, { share: 0 }), 0);
      await world.serve("v1");
      const first = await world.traffic.observations(0);
      assert.equal(first.proxy, (await world.traffic.read())?.proxy);
      assert.equal(first.lost, 0);
      assert.deepEqual(
        first.rows.map(({ version, requests, status }) => ({ version, requests, ok: status.ok })),
        [{ version: "v1", requests: 1, ok: 1 }],
      );
      assert.deepEqual((await world.traffic.observations(first.next)).rows, []);
      await world.serve("v1");
      const second = await world.traffic.observations(first.next);
      assert.equal(second.rows.length, 1);
      assert.ok((second.rows[0]?.second ?? 0) > (first.rows[0]?.second ?? 0));
    });

    it("counts by visitors too while there is a candidate and the table asks for it", async () => {
      await using world = await make();
      await world.traffic.ensure(world.listeners);
      await world.traffic.write(tableIn(world, { share: 0 }), 0);
      await world.serve("v1");
      const before = await world.traffic.observations(0);
      for (const field of ["counted", "newVisitors", "cohorts"]) assert.ok(!(field in (before.rows[0] ?? {})), field);
      const counting = usualCounting(42);
      await world.traffic.write(tableIn(world, { revision: 2, share: 0, counting }), 1);
      await world.serve("v1");
      const { rows } = await world.traffic.observations(before.next);
      const [row] = rows;
      // Of latencies too little is known to say what is slow.
      assert.deepEqual(row?.counted, { errors: { requests: 1, bad: 0, newlyBad: 0 } });
      assert.equal(row?.newVisitors, 1);
      assert.deepEqual(Object.keys(row?.cohorts ?? {}), ["errors"]);
      assert.deepEqual(Object.values(row?.cohorts?.errors ?? {}), [[1, 0]]);
    });

    it("says that it does not answer when it is dead", async () => {
      await using world = await make();
      await world.traffic.ensure(world.listeners);
      await world.kill();
      assert.equal(await world.traffic.read(), null);
      for (const call of [
        () => world.traffic.write(tableIn(world), 0),
        () => world.traffic.claim(1),
        () => world.traffic.renew(1),
        () => world.traffic.drain("web-green-1", 10),
        () => world.traffic.observations(0),
      ]) {
        await assert.rejects(call, fault("traffic-unreachable"));
      }
    });
  });
}

function fault(code: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof FaultError, String(error));
    assert.equal(error.fault.code, code);
    return true;
  };
}
