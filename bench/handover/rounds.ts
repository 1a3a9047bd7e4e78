import { setTimeout as delay } from "node:timers/promises";
import { until } from "../../test/support/until.ts";
import type { LoadCounts } from "../load/load-program.ts";
import { startLoad } from "../load/started-load.ts";
import { type LastingCounts, startLasting } from "./lasting.ts";
import type { Place } from "./place.ts";

const CONNECTIONS = 24;
const FRESH = 8;
const LASTING = 4;
const UPLOAD_MS = 3_000;
/** Not all that the machine can do: what waits unread in its queues no process can count. */
const KILLED_PER_SECOND = 400;
/** Short, so that many fit into a measurement. */
const LEAVE_WITHIN = { longLivedMs: 1_000, requestsMs: 60_000 };
const ENDS_WITHIN_MS = 60_000;
/** Before and after, so that both processes are seen serving. */
const AROUND_MS = 300;

export interface Rounds {
  readonly what: string;
  readonly rounds: number;
  readonly requests: number;
  /** Refused connections among the failed. */
  readonly refused: number;
  readonly failed: number;
  readonly failures: readonly string[];
  readonly seconds: number;
}

export interface HandOvers extends Rounds {
  readonly webSockets: LastingCounts;
  readonly eventStreams: LastingCounts;
  readonly uploads: LastingCounts;
}

/** Restarts the proxy again and again until enough has been asked, with everything open that a connection may be. */
export async function handOvers(place: Place, least: number, boundMs: number): Promise<HandOvers> {
  const startedAt = performance.now();
  await using load = startLoad(place.port, CONNECTIONS, 0, FRESH);
  const lasting = startLasting(place.port, LASTING, UPLOAD_MS);
  let rounds = 0;
  while (performance.now() - startedAt < boundMs && (rounds < 3 || (await load.counts()).requests < least)) {
    await delay(AROUND_MS);
    await place.restartProxy(LEAVE_WITHIN);
    rounds += 1;
    await until(
      "the old process to end",
      async () => (await place.keeper()).proxy?.leaving.length === 0,
      ENDS_WITHIN_MS,
    );
  }
  const counts = await load.stop();
  await lasting.stop();
  const { webSockets, eventStreams, uploads } = lasting;
  return { ...roundsOf("proxy restarted", rounds, counts, startedAt), webSockets, eventStreams, uploads };
}

/** Puts a new keeper in the place of the running one. */
export async function keepersReplaced(place: Place, rounds: number): Promise<Rounds> {
  const startedAt = performance.now();
  await using load = startLoad(place.port, CONNECTIONS, 0, FRESH);
  for (let round = 0; round < rounds; round += 1) {
    await delay(AROUND_MS);
    await place.restartKeeper();
  }
  await delay(AROUND_MS);
  return roundsOf("keeper replaced", rounds, await load.stop(), startedAt);
}

export interface Kills extends Rounds {
  /** Connections that ended under a request. */
  readonly cut: number;
  /** What the killed processes had in flight by their own count. */
  readonly counted: number;
  /** Of clients, open then: on each of them one request may have been cut. */
  readonly connections: number;
}

/** Kills the proxy with SIGKILL; `afterKeeper`: after the keeper that had started it, so that another one holds its sockets. */
export async function kills(place: Place, rounds: number, afterKeeper: boolean): Promise<Kills> {
  const startedAt = performance.now();
  const before = (await place.plane()).lost ?? [];
  await using load = startLoad(place.port, CONNECTIONS, KILLED_PER_SECOND, FRESH);
  for (let round = 0; round < rounds; round += 1) {
    await delay(AROUND_MS);
    if (afterKeeper) {
      const { pid } = await place.keeper();
      process.kill(pid, "SIGKILL");
      // Longer than its pid shows: the kernel closes its sockets when the last of its threads has ended.
      await until("its end", async () => (await place.keeper().catch(() => null)) === null);
      await place.ensureKeeper();
    }
    const { pid } = await place.plane();
    process.kill(pid, "SIGKILL");
    await until("another process", async () => {
      const now = await place.plane().catch(() => null);
      return now !== null && now.pid !== pid && now.listening.length > 0;
    });
  }
  await delay(AROUND_MS);
  const counts = await load.stop();
  const lost = ((await place.plane()).lost ?? []).filter(({ proxy }) => !before.some((each) => each.proxy === proxy));
  const counted = lost.flatMap(({ requests }) => Object.values(requests)).reduce((sum, each) => sum + each, 0);
  const connections = lost.reduce((sum, each) => sum + each.connections, 0);
  const what = afterKeeper ? "keeper, then proxy, killed" : "proxy killed";
  const { reset = 0, truncated = 0 } = counts.byFailure;
  return { ...roundsOf(what, rounds, counts, startedAt), cut: reset + truncated, counted, connections };
}

function roundsOf(what: string, rounds: number, counts: LoadCounts, startedAt: number): Rounds {
  const { requests, failed, failures, byFailure } = counts;
  const seconds = Math.round((performance.now() - startedAt) / 1_000);
  return { what, rounds, requests, refused: byFailure.refused ?? 0, failed, failures, seconds };
}
