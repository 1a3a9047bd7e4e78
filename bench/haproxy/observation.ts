import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { parseStat } from "../../src/adapters/traffic/haproxy/stat.ts";
import { startBackend } from "../measure/haproxy.ts";
import { median } from "../measure/statistics.ts";
import { load } from "../measure/wrk.ts";
import { fragmentWithoutLog, PLAN, startPlace, versionIn } from "./place.ts";

/** Processor time of HAProxy a request, µs, the middle of all rounds. */
export interface ObservationCost {
  /** As the user had it. */
  readonly plainUs: number;
  /** With Tidegate's rules, telling nobody of requests. */
  readonly rulesUs: number;
  /** With its log too, read by Tidegate. */
  readonly observedUs: number;
  /** What observing adds to `rulesUs`, %, the middle of all rounds. */
  readonly addedPercent: number;
  readonly requests: number;
  /** Requests that HAProxy counted and its log did not tell. */
  readonly lost: number;
}

const ROUND_MS = 1_500;
const TICKS_A_SECOND = 100;

/** Three HAProxys before one backend, loaded in turns: what one costs more than another is not the machine's mood. */
export async function measureObservation(folder: string, rounds: number): Promise<ObservationCost> {
  await using backend = await startBackend(folder);
  await using observed = await startPlace();
  await using silent = await startPlace();
  await using plain = await startPlace();
  silent.haproxy.configure(PLAN, { fragment: fragmentWithoutLog(silent.haproxy) });
  plain.haproxy.configureBare([`server app 127.0.0.1:${backend.port}`]);
  await Promise.all([silent.haproxy.start(), plain.haproxy.start()]);
  const sides = { stable: versionIn("blue", "v1", backend.port), candidate: null };
  for (const place of [observed, silent]) await place.change(sides);

  const costs = { plain: [] as number[], rules: [] as number[], observed: [] as number[] };
  let cursor = (await observed.traffic.observations(0)).next;
  let counted = 0;
  // One after the other: two at once would count the same rows.
  let reading: Promise<void> = Promise.resolve();
  const read = (): Promise<void> => (reading = reading.then(readOn, readOn));
  const readOn = async (): Promise<void> => {
    const { rows, next } = await observed.traffic.observations(cursor);
    cursor = next;
    counted += rows.reduce((sum, { requests }) => sum + requests, 0);
  };
  for (let round = 0; round < rounds; round += 1) {
    costs.plain.push(await cost(plain));
    costs.rules.push(await cost(silent));
    const watching = setInterval(() => void read().catch(() => undefined), 500);
    costs.observed.push(await cost(observed));
    clearInterval(watching);
  }
  const stat = parseStat(await observed.haproxy.command("show stat tidegate.shop.production.web.blue 2 -1"));
  const authority = stat.find(({ server }) => server === "BACKEND")?.ended ?? 0;
  // The newest second is told when it is over.
  for (let look = 0; look < 15; look += 1) {
    if (look > 0) await delay(300);
    await read();
  }
  return {
    plainUs: median(costs.plain),
    rulesUs: median(costs.rules),
    observedUs: median(costs.observed),
    addedPercent: 100 * median(costs.observed.map((us, round) => us / (costs.rules[round] ?? us) - 1)),
    requests: authority,
    lost: authority - counted,
  };
}

type Place = Awaited<ReturnType<typeof startPlace>>;

/** µs of processor time a request. */
async function cost({ haproxy, port }: Place): Promise<number> {
  const pid = Number(/^Pid: (\d+)/m.exec(await haproxy.command("show info"))?.[1]);
  const before = ticksOf(pid);
  const { requests } = await load(port, { name: "small", path: "/small", script: null }, ROUND_MS);
  return ((ticksOf(pid) - before) * 1_000_000) / TICKS_A_SECOND / requests;
}

/** User and system time of a process, in ticks. */
function ticksOf(pid: number): number {
  const cells = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return Number(cells[11]) + Number(cells[12]);
}
