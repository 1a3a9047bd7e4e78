import { setTimeout as delay } from "node:timers/promises";
import { until } from "../../test/support/until.ts";
import { startLoad } from "../load/started-load.ts";
import type { UnderLoad } from "../switching/under-load.ts";
import { fillDisk, mountSmallDisk } from "./full-disk.ts";
import { openPlace, type Place } from "./place.ts";

const CONNECTIONS = 16;
const REQUESTS_PER_SECOND = 600;
const AT_SHARE_MS = 300;
const UNWATCHED_MS = 120_000;

/** What is wrong when somebody types the command. */
export type Trouble = "nothing" | "no engine" | "hung engine" | "full disk";

export interface PutBacks extends UnderLoad {
  readonly trouble: Trouble;
  /** From the start of the command to the last request that the candidate began, ms. */
  readonly toLastRequestMs: readonly number[];
  /** From the start of the command to its end, ms. */
  readonly commandMs: readonly number[];
  /** As the command itself says: until the data plane's own answer told that all traffic is on stable. */
  readonly toReadBackMs: readonly number[];
}

/**
 * `rollback --now` again and again under load, from half of the traffic, each command a process of its own as a person
 * types it. null: the trouble can't be made here.
 */
export async function putBack(folder: string, trouble: Trouble, times: number): Promise<PutBacks | null> {
  await using closing = new AsyncDisposableStack();
  if (trouble === "full disk") {
    const disk = mountSmallDisk(`${folder}/.tidegate`);
    if (disk === null) return null;
    closing.use(disk);
  }
  const place = closing.use(await openPlace(folder, UNWATCHED_MS));
  const load = closing.use(startLoad(place.port, CONNECTIONS, REQUESTS_PER_SECOND));
  await until("the load to be served", async () => (await load.counts()).requests > 100);
  const known = new Set(Object.keys((await load.counts()).lastBegun));
  const rounds: Round[] = [];
  for (let round = 0; round < times; round += 1) {
    const { startedAt, commandMs, tookMs } = await once(place, trouble);
    const { lastBegun } = await load.counts();
    const own = Object.keys(lastBegun).filter((instance) => !known.has(instance));
    if (own.length === 0) throw new Error("The candidate had no request.");
    for (const instance of own) known.add(instance);
    const last = Math.max(...own.map((instance) => lastBegun[instance] ?? 0));
    rounds.push({ toLastRequestMs: Math.max(0, last - startedAt), commandMs, tookMs });
  }
  const { requests, failed, failures, byVersion } = await load.stop();
  return {
    trouble,
    what: `${times} × rollback --now, ${trouble === "nothing" ? "a healthy engine" : trouble}, at ${REQUESTS_PER_SECOND} requests/s`,
    count: times,
    requests,
    failed,
    failures,
    byVersion,
    toLastRequestMs: rounds.map((each) => each.toLastRequestMs),
    commandMs: rounds.map((each) => each.commandMs),
    toReadBackMs: rounds.map(({ tookMs }) => tookMs),
  };
}

interface Round {
  readonly toLastRequestMs: number;
  readonly commandMs: number;
  readonly tookMs: number;
}

async function once(place: Place, trouble: Trouble): Promise<{ startedAt: number; commandMs: number; tookMs: number }> {
  const engine = place.start("release", "v2", "--yes", "--json");
  const ended = new Promise((resolve) => engine.child.once("close", resolve));
  await place.untilHalf();
  await delay(AT_SHARE_MS);
  using made = await makeTrouble(place, trouble, engine.pid, ended);
  const { code, stdout, startedAt } = await place.run("rollback", "--now", "--json");
  const commandMs = Date.now() - startedAt;
  if (code !== 10) throw new Error(`rollback --now ended with ${code}: ${stdout}`);
  await delay(AT_SHARE_MS);
  made[Symbol.dispose]();
  await ended;
  // What is left of the rollback, by an engine that finds what was done; a healthy one has done it itself.
  if (trouble !== "nothing") await place.run("attach", "--json");
  const { tookMs } = JSON.parse(stdout) as { readonly tookMs: number };
  return { startedAt, commandMs, tookMs };
}

/** Disposing of it ends the trouble, and with it the engine. */
async function makeTrouble(
  place: Place,
  trouble: Trouble,
  engine: number,
  ended: Promise<unknown>,
): Promise<Disposable> {
  switch (trouble) {
    case "nothing":
      return { [Symbol.dispose]: () => undefined };
    case "no engine":
      process.kill(engine, "SIGKILL");
      await ended;
      return { [Symbol.dispose]: () => undefined };
    case "hung engine": {
      process.kill(engine, "SIGSTOP");
      let isOver = false;
      return { [Symbol.dispose]: () => void (isOver ||= process.kill(engine, "SIGKILL")) };
    }
    case "full disk": {
      const filler = fillDisk(place.state.path);
      let isOver = false;
      return {
        [Symbol.dispose]: () => {
          if (!isOver) filler[Symbol.dispose]();
          isOver = true;
        },
      };
    }
  }
}
