import { deepEqual, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import { createMemoryJournal } from "../../src/adapters/journal/memory.ts";
import { FaultError } from "../../src/core/fault.ts";
import type { Plan } from "../../src/core/plan/plan.ts";
import type { Listener } from "../../src/core/traffic/routing.ts";
import { openDoors, settleDoors } from "../../src/engine/front-doors.ts";
import type { Ports } from "../../src/engine/api.ts";
import { at, isFault } from "../contract/journal.ts";
import { USUAL } from "../support/plans.ts";

const OLD = doorsOf(8_080);
const NEW = doorsOf(9_090);
const STABLE = { version: "v1", label: "v1", slot: "blue" } as const;
const BESIDE = { id: 2, app: "shop", environment: "production", plan: NEW, stable: STABLE };

function doorsOf(port: number): Plan {
  return { ...USUAL, traffic: { ...USUAL.traffic, listen: [{ host: "127.0.0.1", port }] } };
}

/** A data plane that can have all ports but one, with what it was asked to listen on; and the journal of release 1. */
async function place(taken?: number, code = "port-taken") {
  const asked: (readonly number[])[] = [];
  const traffic = {
    ensure: (listen: readonly Listener[]): Promise<void> => {
      asked.push(listen.map(({ port }) => port));
      return listen.some(({ port }) => port === taken)
        ? Promise.reject(new FaultError({ code, what: `Port ${taken} is taken.` }))
        : Promise.resolve();
    },
  } as unknown as Ports["traffic"];
  const journal = createMemoryJournal();
  const { id: _, ...of } = BESIDE;
  const planned = { type: "planned" as const, release: 1, ...of, plan: OLD, stable: null, candidate: STABLE };
  const events = [{ ...planned, offset: 0, planHash: "cafe", by: "ann" }, { type: "started" }, { type: "went-live" }];
  await journal.append(
    1,
    0,
    events.map((event) => at(event as Parameters<typeof at>[0])),
    1,
  );
  return { asked, traffic, journal };
}

describe("the front doors of a release whose plan names others than stable's", () => {
  it("are those of both plans, and its own alone where what was taken over serves", async () => {
    const { asked, ...ports } = await place();
    await openDoors(ports, BESIDE);
    await openDoors(ports, { ...BESIDE, stable: { ...STABLE, adopted: "127.0.0.1:3000" } });
    deepEqual(asked, [[9_090, 8_080], [9_090]]);
  });

  it("that somebody else has by now keep nobody from its own; one of its own that is taken does", async () => {
    const before = await place(8_080);
    await openDoors(before, BESIDE);
    deepEqual(before.asked, [[9_090, 8_080], [9_090]]);
    await rejects(openDoors(await place(9_090), BESIDE), isFault("port-taken"));
    const stale = await place(8_080, "stale-epoch");
    await rejects(openDoors(stale, BESIDE), isFault("stale-epoch"));
    deepEqual(stale.asked.length, 1, "a stale engine tries nothing else");
  });

  it("are stable's after a rollback, which does not fail for one that can't be had", async () => {
    const { asked, traffic } = await place();
    deepEqual(await settleDoors({ traffic }, OLD, NEW), []);
    deepEqual(await settleDoors({ traffic }, OLD, OLD), [], "nothing is asked for where nothing differs");
    deepEqual(asked, [[8_080]]);
    deepEqual(await settleDoors(await place(8_080), OLD, NEW), ["127.0.0.1:8080"]);
    await rejects(settleDoors(await place(8_080, "stale-epoch"), OLD, NEW), isFault("stale-epoch"));
  });
});
