import type { StateFolder } from "../../../local/state-folder.ts";
import { rememberedHaproxy } from "./remembered.ts";
import { createHaproxyTraffic } from "./traffic.ts";

/**
 * Takes all versions out of the table, so that HAProxy sends nobody to what is about to be stopped, and its own way instead.
 * Nothing where the traffic is another plane's; what can't be asked keeps nobody from stopping.
 */
export async function leaveHaproxy(folder: StateFolder): Promise<void> {
  const remembered = rememberedHaproxy(folder);
  if (remembered === null) return;
  const traffic = createHaproxyTraffic(remembered);
  try {
    const state = await traffic.read();
    if (state === null || state.table === null) return;
    const { table } = state;
    const epoch = Math.max(state.epoch, table.epoch);
    const nobody = { stable: null, candidate: null, share: 0, lease: null };
    await traffic.write({ ...table, ...nobody, epoch, revision: table.revision + 1 }, table.revision);
  } catch {
    // Whoever runs HAProxy sees it: its checks find nobody.
  }
}
