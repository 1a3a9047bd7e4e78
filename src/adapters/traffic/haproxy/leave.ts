import type { StateFolder } from "../../../local/state-folder.ts";
import { rememberedHaproxy } from "./remembered.ts";
import { nameOf } from "./runtime-socket.ts";
import { createHaproxyTraffic } from "./traffic.ts";

/** The load balancers of a state folder, and whether they were told. */
export interface LeftHaproxy {
  readonly names: readonly string[];
  /** False: not all of them answered, or took it. */
  readonly isTold: boolean;
}

/**
 * Takes all versions out of the table, so that HAProxy sends nobody to what is about to be stopped, and its own way instead.
 * null where the traffic is another plane's; what can't be asked keeps nobody from stopping.
 */
export async function leaveHaproxy(folder: StateFolder): Promise<LeftHaproxy | null> {
  const remembered = rememberedHaproxy(folder);
  if (remembered === null) return null;
  const names = remembered.haproxy.balancers.map(nameOf);
  const traffic = createHaproxyTraffic(remembered);
  try {
    const state = await traffic.read();
    if (state === null) return { names, isTold: false };
    if (state.table === null) return { names, isTold: state.away === undefined };
    const { table } = state;
    const epoch = Math.max(state.epoch, table.epoch);
    const nobody = { stable: null, candidate: null, share: 0, lease: null };
    const written = await traffic.write({ ...table, ...nobody, epoch, revision: table.revision + 1 }, table.revision);
    return { names, isTold: written.away === undefined };
  } catch {
    // Whoever runs HAProxy sees it: its checks find nobody.
    return { names, isTold: false };
  }
}
