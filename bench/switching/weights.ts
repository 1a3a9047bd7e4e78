import { setTimeout as delay } from "node:timers/promises";
import { startLoad } from "../load/started-load.ts";
import { startListening } from "../measure/started-program.ts";
import { backendOf, startTidegateProxy } from "../measure/tidegate-proxy.ts";
import type { UnderLoad } from "./under-load.ts";

const INSTANCE = new URL("../load/instance.ts", import.meta.url);
const BETWEEN_MS = 50;

/** Changes the share again and again, from none to all and back, under load. */
export async function changeWeights(folder: string, changes: number): Promise<UnderLoad> {
  await using stable = await startListening(INSTANCE, ["v1"]);
  await using candidate = await startListening(INSTANCE, ["v2"]);
  await using proxy = await startTidegateProxy(folder);
  await proxy.change({
    stable: backendOf("v1", stable.port),
    candidate: { ...backendOf("v2", candidate.port), slot: "green" },
  });
  await using load = startLoad(proxy.port, 16);
  await delay(500);
  for (let change = 1; change <= changes; change += 1) {
    // Every other one to an end of the scale, where a version is left without a request.
    const share = change % 4 === 0 ? 0 : change % 4 === 2 ? 10_000 : Math.floor((10_000 * change) / changes);
    await proxy.change({ share });
    await delay(BETWEEN_MS);
  }
  const { requests, failed, failures, byVersion } = await load.stop();
  return { what: `${changes} weight changes`, count: changes, requests, failed, failures, byVersion };
}
