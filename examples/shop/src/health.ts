import { statfsSync } from "node:fs";
import type { Shop } from "./listener.ts";
import { countWaiting } from "./orders.ts";
import type { Answer } from "./routes.ts";

/** Below this nobody should order any more. */
const LEAST_FREE_BYTES = 50 * 1024 * 1024;

/** Is the process itself well? No means: start it again. */
export function live(shop: Shop): Answer {
  const { version, build } = shop.options;
  return { status: 200, body: { live: true, version, build, uptimeSeconds: Math.round(process.uptime()) } };
}

/** Can it serve now? No means: send nobody here. */
export async function ready(shop: Shop): Promise<Answer> {
  if (shop.stop.asked) return { status: 503, body: { ready: false, because: "it is being stopped" } };
  await countWaiting(shop.store);
  return { status: 200, body: { ready: true, version: shop.options.version } };
}

/** How is what the shop depends on? */
export async function dependencies(shop: Shop): Promise<Answer> {
  const waiting = await countWaiting(shop.store);
  const disk = statfsSync(shop.options.data);
  const freeBytes = disk.bavail * disk.bsize;
  const isWell = freeBytes >= LEAST_FREE_BYTES;
  return { status: isWell ? 200 : 503, body: { store: "ok", ordersWaiting: waiting, freeBytes } };
}
