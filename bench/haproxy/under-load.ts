import { setTimeout as delay } from "node:timers/promises";
import { startLoad } from "../load/started-load.ts";
import { startListening } from "../measure/started-program.ts";
import type { UnderLoad } from "../switching/under-load.ts";
import { startPlace, versionIn } from "./place.ts";

const INSTANCE = new URL("../load/instance.ts", import.meta.url);
const CONNECTIONS = 16;
const BETWEEN_MS = 50;
const DRAIN_MS = 5_000;

/** Changes the share again and again, from none to all and back. */
export async function changeShares(changes: number): Promise<UnderLoad> {
  await using beside = await startBeside();
  const { place } = beside;
  await using load = startLoad(place.port, CONNECTIONS);
  await delay(500);
  for (let change = 1; change <= changes; change += 1) {
    const share = change % 4 === 0 ? 0 : change % 4 === 2 ? 10_000 : Math.floor((10_000 * change) / changes);
    await place.change({ share });
    await delay(BETWEEN_MS);
  }
  return { what: `${changes} changes of the share`, count: changes, ...(await load.stop()) };
}

/** Two versions side by side, behind an HAProxy that gives the candidate nothing yet. */
async function startBeside() {
  const opened = new AsyncDisposableStack();
  const stable = opened.use(await startListening(INSTANCE, ["v1"]));
  const candidate = opened.use(await startListening(INSTANCE, ["v2"]));
  const place = opened.use(await startPlace());
  await place.change({
    stable: versionIn("blue", "v1", stable.port),
    candidate: versionIn("green", "v2", candidate.port),
  });
  return { place, candidatePid: candidate.child.pid, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** Puts a new version in the place of the old one again and again; the old one is drained, then killed with SIGKILL. */
export async function swapVersions(swaps: number): Promise<UnderLoad> {
  await using instances = new AsyncDisposableStack();
  await using place = await startPlace();
  const start = async (version: string) => instances.use(await startListening(INSTANCE, [version]));
  let old = await start("v0");
  let stable = versionIn("blue", "v0", old.port);
  await place.change({ stable });
  await using load = startLoad(place.port, CONNECTIONS);
  await delay(500);
  for (let swap = 1; swap <= swaps; swap += 1) {
    const instance = await start(`v${swap}`);
    const candidate = versionIn(swap % 2 === 1 ? "green" : "blue", `v${swap}`, instance.port);
    for (const share of [500, 5_000, 10_000]) {
      await place.change({ stable, candidate, share });
      await delay(80);
    }
    const draining = stable.instances.map((each) => ({ ...each, draining: true }));
    await place.change({ stable: { ...stable, instances: draining } });
    const { left } = await place.traffic.drain(stable.instances[0]?.id ?? "", DRAIN_MS);
    if (left > 0) throw new Error(`${left} requests were still open on v${swap - 1} after ${DRAIN_MS} ms`);
    await place.change({ stable: candidate, candidate: null, share: 0 });
    old.child.kill("SIGKILL");
    old = instance;
    stable = candidate;
  }
  await delay(200);
  return { what: `${swaps} swaps, each with kill -9 of the old version`, count: swaps, ...(await load.stop()) };
}

export interface PutBacks extends UnderLoad {
  /** From the decision to the last request that the candidate began, ms. */
  readonly toLastRequestMs: readonly number[];
  /** From the decision to HAProxy's own answer that it is in force, files written, ms. */
  readonly toReadBackMs: readonly number[];
}

/** Puts all traffic back from half of it, at a load that a busy service has. */
export async function putBack(times: number): Promise<PutBacks> {
  await using beside = await startBeside();
  const { place } = beside;
  await using load = startLoad(place.port, CONNECTIONS, 600);
  const toLastRequestMs: number[] = [];
  const toReadBackMs: number[] = [];
  for (let time = 0; time < times; time += 1) {
    await place.change({ share: 5_000 });
    await delay(150);
    const decidedAt = Date.now();
    await place.change({ share: 0 });
    toReadBackMs.push(Date.now() - decidedAt);
    await delay(100);
    const { lastBegun } = await load.counts();
    const last = lastBegun[String(beside.candidatePid)] ?? 0;
    toLastRequestMs.push(Math.max(0, last - decidedAt));
  }
  const counts = await load.stop();
  return { what: `${times} times put back from 50 %`, count: times, ...counts, toLastRequestMs, toReadBackMs };
}
