import { setTimeout as delay } from "node:timers/promises";
import { startLoad } from "../load/started-load.ts";
import { startListening } from "../measure/started-program.ts";
import { backendOf, startTidegateProxy } from "../measure/tidegate-proxy.ts";
import type { UnderLoad } from "./under-load.ts";

const INSTANCE = new URL("../load/instance.ts", import.meta.url);
const SHARES = [500, 5_000, 10_000];
const AT_SHARE_MS = 80;
const DRAIN_MS = 5_000;

/**
 * Puts a new version in the place of the old one again and again, under load: share by share, then the old one out of the
 * table, drained, and killed with SIGKILL.
 */
export async function swapVersions(folder: string, swaps: number): Promise<UnderLoad> {
  await using instances = new AsyncDisposableStack();
  await using proxy = await startTidegateProxy(folder);
  const start = async (version: string) => instances.use(await startListening(INSTANCE, [version]));
  let old = { version: "v0", instance: await start("v0") };
  await proxy.change({ stable: backendOf(old.version, old.instance.port) });
  await using load = startLoad(proxy.port, 16);
  await delay(500);
  for (let swap = 1; swap <= swaps; swap += 1) {
    const version = `v${swap}`;
    const instance = await start(version);
    const stable = backendOf(old.version, old.instance.port);
    const candidate = { ...backendOf(version, instance.port), slot: "green" as const };
    for (const share of SHARES) {
      await proxy.change({ stable, candidate, share });
      await delay(AT_SHARE_MS);
    }
    await proxy.change({ stable: candidate, candidate: null, share: 0 });
    const { left } = await proxy.traffic.drain(stable.instances[0]?.id ?? "", DRAIN_MS);
    if (left > 0) throw new Error(`${left} requests were still open on ${old.version} after ${DRAIN_MS} ms`);
    old.instance.child.kill("SIGKILL");
    old = { version, instance };
  }
  await delay(200);
  const { requests, failed, failures, byVersion } = await load.stop();
  return {
    what: `${swaps} swaps, each with kill -9 of the old version`,
    count: swaps,
    requests,
    failed,
    failures,
    byVersion,
  };
}
