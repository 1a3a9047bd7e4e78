import type { KeeperStart } from "../adapters/runtime/processes/ensure-keeper.ts";
import type { StateFolder } from "../local/state-folder.ts";

/** How the keeper of a state folder is started by this program: `self` starts it again. */
export function keeperStart(folder: StateFolder, self: readonly string[], onStarted?: () => void): KeeperStart {
  const keeperCommand = [...self, "keeper", "--state", folder.path];
  return { folder, keeperCommand, ...(onStarted === undefined ? {} : { onStarted }) };
}
