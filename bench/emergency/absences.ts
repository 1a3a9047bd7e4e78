import { setTimeout as delay } from "node:timers/promises";
import { openSqliteJournal } from "../../src/adapters/journal/sqlite.ts";
import { until } from "../../test/support/until.ts";
import { startLoad } from "../load/started-load.ts";
import type { UnderLoad } from "../switching/under-load.ts";
import { openPlace, type Place } from "./place.ts";

const CONNECTIONS = 16;
const REQUESTS_PER_SECOND = 300;
const UNWATCHED_MS = 5_000;

export interface Absences extends UnderLoad {
  /** From kill -9 of the engine to its successor acting, by its event in the journal, ms: a `serve` that stood by. */
  readonly standbyActsMs: readonly number[];
  /** The same for `tidegate attach`, started in the moment of the kill. */
  readonly attachActsMs: readonly number[];
  readonly unwatchedMs: number;
  /** From kill -9 of the engine, with nobody to follow, to all traffic on stable, ms. */
  readonly returnedMs: readonly number[];
}

/** Engines that are killed in the middle of a release with half of the traffic, and who or what notices. */
export async function measureAbsences(folder: string, times: number): Promise<Absences> {
  await using closing = new AsyncDisposableStack();
  const place = closing.use(await openPlace(folder, UNWATCHED_MS));
  const load = closing.use(startLoad(place.port, CONNECTIONS, REQUESTS_PER_SECOND));
  let engine = place.start("release", "v2", "--yes", "--json");
  await place.untilHalf();
  const kill = (): number => {
    process.kill(engine.pid, "SIGKILL");
    return Date.now();
  };

  const attachActsMs: number[] = [];
  for (let round = 0; round < times; round += 1) {
    await delay(500);
    const acting = await engineOf(place);
    const killedAt = kill();
    engine = place.start("attach", "--json");
    attachActsMs.push((await nextEngine(place, acting)) - killedAt);
  }
  const standbyActsMs: number[] = [];
  for (let round = 0; round < times; round += 1) {
    const standby = place.start("serve", "--json");
    await delay(1_500);
    const acting = await engineOf(place);
    const killedAt = kill();
    engine = standby;
    standbyActsMs.push((await nextEngine(place, acting)) - killedAt);
  }
  const returnedMs: number[] = [];
  for (let round = 0; round < times; round += 1) {
    await place.untilHalf();
    // Each time at another moment between two renewals.
    await delay(400 + ((round * 370) % 1_700));
    const killedAt = kill();
    const { returnedAt } = await until(
      "the data plane goes back by itself",
      async () => {
        const plane = await place.plane();
        return plane.returnedAt !== null && plane.returnedAt >= killedAt ? plane : undefined;
      },
      3 * UNWATCHED_MS,
    );
    returnedMs.push((returnedAt ?? Number.NaN) - killedAt);
    engine = place.start("serve", "--json");
  }
  await place.untilHalf();
  await place.run("rollback", "--now", "--json");
  const { requests, failed, failures, byVersion } = await load.stop();
  await engine[Symbol.asyncDispose]();
  return {
    what: `${3 * times} engines killed, at ${REQUESTS_PER_SECOND} requests/s`,
    count: 3 * times,
    requests,
    failed,
    failures,
    byVersion,
    standbyActsMs,
    attachActsMs,
    unwatchedMs: UNWATCHED_MS,
    returnedMs,
  };
}

/** Number of the newest take-over of the release, and when it was. */
async function newestTakeOver(place: Place): Promise<{ readonly epoch: number; readonly at: number }> {
  await using journal = await openSqliteJournal(place.state);
  const newest = (await journal.read(2)).findLast(({ event }) => event.type === "engine-took-over");
  return { epoch: newest?.epoch ?? 0, at: newest?.at.wall ?? 0 };
}

async function engineOf(place: Place): Promise<number> {
  return (await newestTakeOver(place)).epoch;
}

/** Wall ms at which another engine acted. */
async function nextEngine(place: Place, before: number): Promise<number> {
  return await until(
    "another engine acts",
    async () => {
      const { epoch, at } = await newestTakeOver(place);
      return epoch > before ? at : undefined;
    },
    30_000,
  );
}
