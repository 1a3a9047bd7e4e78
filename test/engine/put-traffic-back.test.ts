import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import { systemClock } from "../../src/adapters/clock/system.ts";
import { createMemoryEmergencyLog } from "../../src/adapters/emergency/memory.ts";
import { createMemoryTraffic, type MemoryTraffic } from "../../src/adapters/traffic/memory.ts";
import { FaultError } from "../../src/core/fault.ts";
import type { Backend, RoutingTable } from "../../src/core/traffic/routing.ts";
import { putTrafficBack, type PutBackOrder } from "../../src/engine/put-traffic-back.ts";
import type { EmergencyExit, EpochHolder } from "../../src/ports/emergency-exit.ts";

const ANN: PutBackOrder = { by: "ann", anyway: false };

function backend(version: string, port: number): Backend {
  const instances = [{ id: `web-${version}`, service: "web", host: "127.0.0.1", port, draining: false }];
  return { version, slot: version === "v1" ? "blue" : "green", instances };
}

const TABLE: RoutingTable = {
  revision: 1,
  epoch: 4,
  app: "shop",
  environment: "production",
  release: 2,
  offset: 0,
  stable: backend("v1", 1),
  candidate: backend("v2", 2),
  share: 2_500,
  routes: [{ path: "/", service: "web" }],
  sticky: { kind: "none" },
  pins: { header: "x-tidegate-version" },
  engineToken: "token",
  health: { web: { path: "/health", everyMs: 1_000, timeoutMs: 1_000, rise: 1, fall: 3 } },
  lease: { unwatchedMs: 120_000, do: "stable" },
};

interface World {
  readonly exit: EmergencyExit;
  readonly traffic: MemoryTraffic;
  readonly log: ReturnType<typeof createMemoryEmergencyLog>;
  readonly onDisk: { table: RoutingTable | null };
}

async function worldWith(
  table: RoutingTable,
  more: {
    readonly others?: readonly EpochHolder[];
    readonly status?: number | null;
    readonly accepts?: boolean;
    readonly startAnew?: (traffic: MemoryTraffic) => string | null;
  } = {},
): Promise<World> {
  const traffic = createMemoryTraffic({ clock: systemClock });
  await traffic.ensure([{ host: "127.0.0.1", port: 8080 }]);
  await traffic.write(table, 0);
  const log = createMemoryEmergencyLog();
  const onDisk: World["onDisk"] = { table };
  const { status = 200, accepts = true } = more;
  const at = { at: 0, tookMs: 1 };
  const exit: EmergencyExit = {
    clock: systemClock,
    traffic,
    log,
    health: {
      http: async () =>
        status === null ? { ...at, ok: false, text: "no answer" } : { ...at, ok: status === 200, status, text: "" },
      tcp: async () => ({ ...at, ok: accepts, text: "" }),
    },
    others: more.others ?? [],
    lastResort: {
      read: async () => (onDisk.table === null ? null : { table: onDisk.table, epoch: onDisk.table.epoch }),
      write: async (next) => void (onDisk.table = next),
      startAnew: async () => more.startAnew?.(traffic) ?? null,
    },
  };
  return { exit, traffic, log, onDisk };
}

const isFault =
  (code: string, what: RegExp = /./) =>
  (error: unknown): boolean =>
    error instanceof FaultError && error.fault.code === code && what.test(error.fault.what);

describe("traffic is put back with nothing but the data plane", () => {
  it("gives stable everything under a higher epoch, reads it back, marks the table and writes it down", async () => {
    const { exit, traffic, log } = await worldWith(TABLE);
    const report = await putTrafficBack(exit, { ...ANN, reason: "checkout is broken" });
    equal(report.outcome, "put-back");
    equal(traffic.table?.share, 0);
    equal(traffic.table?.lease, null);
    equal(traffic.table?.epoch, 5);
    deepEqual(traffic.table?.emergency?.id, report.emergency.id);
    equal(report.emergency.fromShare, 2_500);
    match(report.emergency.because.sentence, /^Put back at once by ann: checkout is broken\.$/);
    const [noted] = await log.pending();
    equal(noted?.id, report.emergency.id);
    equal(noted.tookMs, report.tookMs);
    await rejects(traffic.write({ ...TABLE, revision: 3 }, 2), isFault("stale-epoch"));
  });

  it("done twice, it is done once", async () => {
    const { exit, traffic, log } = await worldWith(TABLE);
    const first = await putTrafficBack(exit, ANN);
    const writes = traffic.writes.length;
    const second = await putTrafficBack(exit, { by: "bob", anyway: false });
    equal(second.outcome, "already");
    equal(second.emergency.id, first.emergency.id);
    equal(traffic.writes.length, writes);
    equal((await log.pending()).length, 1);
  });

  it("changes nothing where the data plane is another app's or environment's than is meant, and says how to name it", async () => {
    for (const [app, environment] of [
      ["blog", "production"],
      ["shop", "staging"],
      [null, "staging"],
    ] as const) {
      const { exit, traffic, log } = await worldWith(TABLE);
      const place = { app, environment, state: "/srv/shop/.tidegate", options: "--state /srv/shop/.tidegate" };
      await rejects(putTrafficBack(exit, { ...ANN, place }), (error) => {
        ok(
          isFault(
            "state-foreign",
            /is the one of shop in production, and the plan file is for \w+ in \w+\. Nothing/,
          )(error),
        );
        match((error as FaultError).fault.fix ?? "", /to put shop back: .* --state \/srv\/shop\/\.tidegate$/m);
        return true;
      });
      equal(traffic.table?.share, 2_500);
      deepEqual(await log.pending(), []);
    }
    for (const app of ["shop", null]) {
      const { exit } = await worldWith(TABLE);
      const place = {
        app,
        environment: "production",
        state: "/srv/shop/.tidegate",
        options: "--state /srv/shop/.tidegate",
      };
      equal((await putTrafficBack(exit, { ...ANN, place })).outcome, "put-back");
    }
  });

  it("puts aside a release that has no traffic yet", async () => {
    const { exit, traffic } = await worldWith({ ...TABLE, share: 0, lease: null });
    const report = await putTrafficBack(exit, ANN);
    equal(report.outcome, "put-back");
    equal(traffic.table?.epoch, 5);
  });

  it("wins against an engine that writes in the same moment", async () => {
    const { exit, traffic } = await worldWith(TABLE);
    const write: MemoryTraffic["write"] = (table, ifRevision) => traffic.write(table, ifRevision);
    let others = 0;
    const busy = {
      ...exit,
      traffic: {
        ...exit.traffic,
        read: () => traffic.read(),
        write: async (table: RoutingTable, ifRevision: number) => {
          others += 1;
          // Between the look and the write, and once right after it.
          if (others === 1) await write({ ...TABLE, revision: 2, epoch: 9, share: 5_000 }, 1);
          const state = await write(table, ifRevision);
          if (others === 2) await write({ ...TABLE, revision: 4, epoch: table.epoch + 3, share: 6_000 }, 3);
          return state;
        },
      },
    };
    const report = await putTrafficBack(busy, ANN);
    equal(report.outcome, "put-back");
    equal(traffic.table?.share, 0);
    equal(report.emergency.fromShare, 6_000);
    ok(report.emergency.epoch > 12);
  });

  it("believes what is in force, not what could not be saved: the plane's disk is full", async () => {
    const { exit, traffic } = await worldWith(TABLE);
    const full = {
      ...exit,
      traffic: {
        ...exit.traffic,
        read: () => traffic.read(),
        write: async (table: RoutingTable, ifRevision: number) => {
          await traffic.write(table, ifRevision);
          throw new FaultError({ code: "table-not-saved", what: "The disk is full." });
        },
      },
    };
    equal((await putTrafficBack(full, ANN)).outcome, "put-back");
    equal(traffic.table?.share, 0);
  });

  it("says where it could not be written down, and that the data plane knows", async () => {
    const { exit, log, traffic } = await worldWith(TABLE);
    log.setRefusing(true);
    const report = await putTrafficBack(exit, ANN);
    equal(report.outcome, "put-back");
    ok(report.recorded !== true);
    equal(report.recorded.code, "emergency-not-recorded");
    ok(traffic.table?.emergency !== undefined);
  });

  it("sends traffic to instances that were being drained, because nobody else is left", async () => {
    const stable = backend("v1", 1);
    const draining = { ...stable, instances: stable.instances.map((each) => ({ ...each, draining: true })) };
    const { exit, traffic } = await worldWith({ ...TABLE, stable: draining });
    equal((await putTrafficBack(exit, ANN)).outcome, "put-back");
    equal(traffic.table?.stable?.instances[0]?.draining, false);
  });
});

describe("a stable version that could not take the traffic", () => {
  for (const [how, more] of [
    ["answers 503", { status: 503 }],
    ["is gone", { status: null, accepts: false }],
    ["accepts and does not answer, and the data plane thinks nothing of it", { status: null }],
  ] as const) {
    it(`${how}: nothing is sent into the void, and nobody may change anything`, async () => {
      const { exit, traffic, log } = await worldWith(TABLE, more);
      const report = await putTrafficBack(exit, ANN);
      equal(report.outcome, "frozen");
      equal(traffic.table?.share, 2_500);
      equal(traffic.table?.lease?.do, "hold", "it does not go there by itself either");
      equal(traffic.table?.epoch, 5);
      match(
        report.emergency.because.sentence,
        /^ann wanted everything back, but web-v1 (is not ready|does not answer)/,
      );
      equal((await log.pending())[0]?.outcome, "frozen");
    });
  }

  it("gets it all the same where a person says so", async () => {
    const { exit, traffic } = await worldWith(TABLE, { status: 503 });
    equal((await putTrafficBack(exit, { ...ANN, anyway: true })).outcome, "put-back");
    equal(traffic.table?.share, 0);
  });

  it("gets it where it is slow, and the data plane finds it healthy", async () => {
    const { exit, traffic } = await worldWith(TABLE, { status: null });
    traffic.setEndpoint("web-v1", { healthy: true });
    equal((await putTrafficBack(exit, ANN)).outcome, "put-back");
  });

  it("gets it later, once it is well, although everything was frozen before", async () => {
    let status = 503;
    const { exit, traffic } = await worldWith(TABLE);
    const at = { at: 0, tookMs: 1, text: "" };
    const ill = { ...exit, health: { ...exit.health, http: async () => ({ ...at, ok: status === 200, status }) } };
    equal((await putTrafficBack(ill, ANN)).outcome, "frozen");
    status = 200;
    equal((await putTrafficBack(ill, ANN)).outcome, "put-back");
    equal(traffic.table?.share, 0);
  });
});

describe("where there is nothing to put back, nothing is changed", () => {
  for (const [how, table, what] of [
    ["one version alone", { candidate: null, share: 0, lease: null }, /All traffic is on v1/],
    ["the first version", { stable: null, share: 10_000, lease: null }, /v2 is the first version/],
  ] as const) {
    it(how, async () => {
      const { exit, traffic } = await worldWith({ ...TABLE, ...table });
      await rejects(putTrafficBack(exit, ANN), isFault("nothing-to-put-back", what));
      equal(traffic.writes.length, 1);
      equal(traffic.table?.epoch, 4);
    });
  }

  it("another release than the one that was named", async () => {
    const { exit, traffic } = await worldWith(TABLE);
    await rejects(putTrafficBack(exit, { ...ANN, release: 7 }), isFault("release-unknown", /has release 2, not 7/));
    equal(traffic.writes.length, 1);
  });
});

describe("whoever acted is refused everywhere", () => {
  const holder = (name: string, knows: number | null, claims: number[]): EpochHolder => ({
    name,
    epoch: async () => knows,
    claim: async (epoch) => void claims.push(epoch),
  });

  it("with 1 + the highest epoch that is known anywhere, at the data plane too", async () => {
    const claims: number[] = [];
    const journal: EpochHolder = { name: "the journal", epoch: async () => 30 };
    const { exit, traffic } = await worldWith(TABLE, { others: [holder("the keeper", 6, claims), journal] });
    const report = await putTrafficBack(exit, ANN);
    deepEqual(claims, [31]);
    equal((await traffic.read())?.epoch, 31);
    ok(report.fencing.every(({ isFenced }) => isFenced));
  });

  it("says who does not answer, and does not wait for them with the traffic", async () => {
    const never: EpochHolder = {
      name: "the keeper",
      epoch: () => Promise.reject(new Error("it hangs")),
      claim: () => Promise.reject(new FaultError({ code: "unreachable", what: "It does not answer." })),
    };
    const { exit, traffic } = await worldWith(TABLE, { others: [never] });
    const report = await putTrafficBack(exit, ANN);
    equal(traffic.table?.share, 0);
    deepEqual(report.fencing, [{ name: "the keeper", isFenced: false, why: "It does not answer." }]);
  });
});

describe("a data plane that answers nobody", () => {
  it("begins again with all traffic on stable, and is read back", async () => {
    const { exit, traffic, onDisk, log } = await worldWith(TABLE, {
      startAnew: (plane) => {
        plane.setAway(false);
        return null;
      },
    });
    traffic.setAway(true);
    const report = await putTrafficBack(exit, ANN);
    equal(onDisk.table?.share, 0);
    // This one had not read the file yet: it is told like any other.
    equal(traffic.table?.share, 0);
    equal(report.outcome, "put-back");
    equal((await log.pending())[0]?.outcome, "put-back");
  });

  it("is left alone where nobody would start it again, and the answer says what is done and what not", async () => {
    const { exit, traffic, onDisk } = await worldWith(TABLE, { startAnew: () => "The keeper does not answer either." });
    traffic.setAway(true);
    const report = await putTrafficBack(exit, ANN);
    equal(report.outcome, "on-disk");
    equal(onDisk.table?.share, 0);
    equal(onDisk.table.epoch, 5);
    deepEqual(report.troubles, ["The keeper does not answer either."]);
  });

  it("started anew and silent still, is told as what it is: on the disk, written down, and not read back", async () => {
    const { exit, traffic, onDisk, log } = await worldWith(TABLE);
    traffic.setAway(true);
    const failing = {
      ...exit,
      traffic: {
        ...exit.traffic,
        read: () => Promise.reject(new FaultError({ code: "traffic-unreachable", what: "It does not answer." })),
      },
    };
    const report = await putTrafficBack(failing, ANN);
    equal(report.outcome, "on-disk");
    equal(onDisk.table?.emergency?.id, report.emergency.id);
    deepEqual(
      (await log.pending()).map(({ id }) => id),
      [report.emergency.id],
    );
    deepEqual(report.troubles, ["It does not answer.", "It does not answer."]);

    // Who does it again writes nothing over what perhaps only the table knows.
    const again = await putTrafficBack(failing, { by: "bob", anyway: false });
    equal(again.emergency.id, report.emergency.id);
    equal(onDisk.table.emergency.id, report.emergency.id);
    equal(onDisk.table.epoch, 5);
  });

  it("has nothing to put back where its table has one version: nobody is said to be served by it", async () => {
    for (const [how, table] of [
      ["after `tidegate down`", { candidate: null, share: 0, lease: null }],
      ["after the first release", { stable: null, share: 10_000, lease: null }],
    ] as const) {
      const { exit, traffic, onDisk } = await worldWith({ ...TABLE, ...table });
      traffic.setAway(true);
      const served = table.share === 0 ? "v1" : "v2";
      await rejects(putTrafficBack(exit, ANN), (error) => {
        ok(
          isFault(
            "traffic-unreachable",
            /^No data plane runs here, so nobody is served\. .* nothing to put back\.$/,
          )(error),
          how,
        );
        match((error as FaultError).fault.fix ?? "", new RegExp(`tidegate release ${served}\n.*tidegate serve$`));
        return true;
      });
      equal(onDisk.table?.epoch, 4);
      const hanging = () => Promise.reject(new FaultError({ code: "traffic-unreachable", what: "It hangs." }));
      await rejects(
        putTrafficBack({ ...exit, traffic: { ...exit.traffic, read: hanging } }, ANN),
        isFault("traffic-unreachable", /^The data plane does not answer\. .* nothing to put back\.$/),
      );
    }
  });

  it("is said not to run where stable does not run either", async () => {
    const { exit, traffic } = await worldWith(TABLE, { status: null, accepts: false });
    traffic.setAway(true);
    await rejects(
      putTrafficBack(exit, ANN),
      isFault("stable-not-ready", /^No data plane runs here, so nobody is served, and v1/),
    );
  });

  it("nothing is changed for a stable version that is not ready, nor without a table", async () => {
    const ill = await worldWith(TABLE, { status: 503 });
    ill.traffic.setAway(true);
    await rejects(putTrafficBack(ill.exit, ANN), isFault("stable-not-ready", /Nothing was changed/));
    equal(ill.onDisk.table?.share, 2_500);
    const bare = await worldWith(TABLE);
    bare.traffic.setAway(true);
    bare.onDisk.table = null;
    await rejects(putTrafficBack(bare.exit, ANN), isFault("traffic-unreachable"));
  });
});
