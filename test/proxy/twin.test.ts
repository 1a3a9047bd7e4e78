import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crc32 } from "node:zlib";
import { type RoutingTable, twinName } from "../../src/core/traffic/routing.ts";
import { cohortOf, isInCandidate, isInTwin } from "../../src/core/traffic/share.ts";
import { usualCounting } from "../support/counting.ts";
import { backend, endpoint, eventually, get, startApp, startPlane } from "./plane-under-test.ts";

const OFFSET = 4_321;
const TWIN = twinName("v1");
const IDS = Array.from({ length: 120 }, (_, at) => `visitor-number-${at}-of-this-test`);

/** Stable, a candidate and a twin of stable, each of which tells who it is; whoever asks for /bad fails on all of them. */
async function startThree(changes: Partial<RoutingTable> = {}) {
  const named = (name: string) =>
    startApp((request, response) => {
      request.resume();
      response.statusCode = request.url === "/bad" ? 500 : 200;
      response.end(name);
    });
  const [stable, candidate, twin] = [await named("stable"), await named("candidate"), await named("twin")];
  const plane = await startPlane({
    release: 7,
    offset: OFFSET,
    counting: usualCounting(7),
    stable: backend("v1", endpoint("web-blue-1", stable)),
    candidate: backend("v2", endpoint("web-green-1", candidate)),
    twin: { ...backend("v1", endpoint("web-twin-1", twin)), slot: "twin" },
    share: 2_500,
    ...changes,
  });
  const { observations } = plane.plane;
  return {
    plane,
    twin,
    ask: async (id: string, path = "/", headers = {}): Promise<string> =>
      (await get(plane.port, path, { cookie: `tidegate=${id}`, ...headers })).body,
    /** Of a version, by the name that it is counted by: when the rows tell of so many requests of all. */
    async counted(version: string, ofAll: number) {
      await eventually(`${ofAll} requests in rows`, () => {
        const all = observations.batch(0).rows.reduce((sum, { requests }) => sum + requests, 0);
        return all >= ofAll;
      });
      const mine = observations.batch(0).rows.filter((row) => row.version === version);
      const of = (figure: (row: (typeof mine)[number]) => number | undefined): number =>
        mine.reduce((sum, row) => sum + (figure(row) ?? 0), 0);
      return {
        requests: of(({ requests }) => requests),
        failed: of(({ status }) => status.server + status.failed),
        byVisitors: of(({ counted }) => counted?.errors?.requests),
        visitors: of(({ newVisitors }) => newVisitors),
      };
    },
    async [Symbol.asyncDispose]() {
      await plane[Symbol.asyncDispose]();
      await Promise.all([stable, candidate, twin].map((app) => app.close()));
    },
  };
}

type Three = Awaited<ReturnType<typeof startThree>>;

const sideOf = (id: string, share: number): string => {
  const cohort = cohortOf(crc32(id));
  if (isInCandidate(cohort, OFFSET, share)) return "candidate";
  return isInTwin(cohort, OFFSET, share) ? "twin" : "stable";
};

const sides = async ({ ask }: Three): Promise<readonly string[]> => Promise.all(IDS.map((id) => ask(id)));

describe("a twin of stable", () => {
  it("gets as much as the candidate, of other visitors, who stay as the shares grow", async () => {
    await using three = await startThree();
    let before: readonly string[] | null = null;
    for (const share of [500, 2_500, 5_000]) {
      await three.plane.put({ share });
      const now = await sides(three);
      assert.deepEqual(
        now,
        IDS.map((id) => sideOf(id, share)),
      );
      const moved: readonly string[] = before?.filter((side, at) => side !== "stable" && side !== now[at]) ?? [];
      assert.deepEqual(moved, []);
      before = now;
    }
    assert.equal(before?.includes("stable"), false, "at half of the traffic each they have all of it");
    await three.plane.put({ share: 7_500 });
    assert.deepEqual(
      await sides(three),
      IDS.map((id) => sideOf(id, 7_500)),
    );
  });

  it("has nothing left once the candidate has nothing, or all", async () => {
    await using three = await startThree();
    await three.plane.put({ share: 0 });
    assert.deepEqual(new Set(await sides(three)), new Set(["stable"]));
    await three.plane.put({ share: 10_000 });
    assert.deepEqual(new Set(await sides(three)), new Set(["candidate"]));
  });

  it("is counted apart from stable, and by visitors in its place", async () => {
    await using three = await startThree();
    const mine = (side: string): number => IDS.filter((id) => sideOf(id, 2_500) === side).length;
    // One by one, and each followed by a good one: no instance is set aside for failures in a row.
    for (const id of IDS) {
      await three.ask(id, "/bad");
      await three.ask(id);
    }
    const all = 2 * IDS.length;
    const [twin, stable, candidate] = [
      await three.counted(TWIN, all),
      await three.counted("v1", all),
      await three.counted("v2", all),
    ];
    // Each has been bad once, and does not count again for a while.
    assert.deepEqual(twin, {
      requests: 2 * mine("twin"),
      failed: mine("twin"),
      byVisitors: mine("twin"),
      visitors: mine("twin"),
    });
    assert.deepEqual(
      [candidate.requests, candidate.byVisitors, candidate.visitors],
      [2 * mine("candidate"), mine("candidate"), mine("candidate")],
    );
    assert.deepEqual([stable.requests, stable.byVisitors, stable.visitors], [2 * mine("stable"), 0, 0]);
  });

  it("leaves its visitors to stable when it can't answer, and no failure is made of it", async () => {
    await using three = await startThree();
    await three.twin.close();
    const seen = await sides(three);
    assert.deepEqual(
      seen,
      IDS.map((id) => (sideOf(id, 2_500) === "candidate" ? "candidate" : "stable")),
    );
    assert.deepEqual(await three.counted(TWIN, IDS.length), { requests: 0, failed: 0, byVisitors: 0, visitors: 0 });
  });

  it("can be asked for by who may choose", async () => {
    await using three = await startThree({ share: 0 });
    const pin = { "x-tidegate-version": "twin", "x-tidegate-token": "engine-token" };
    assert.equal(await three.ask(IDS[0] ?? "", "/", pin), "twin");
    await three.plane.put({ twin: undefined as never });
    assert.equal((await get(three.plane.port, "/", pin)).headers.get("x-tidegate-error"), "unknown-version");
  });
});
