import { setTimeout as delay } from "node:timers/promises";
import { KEEPER_SOCKET } from "../../src/keeper/protocol.ts";
import { callControl, isAnswered } from "../../src/local/control-socket.ts";
import { stateFolder } from "../../src/local/state-folder.ts";
import { atTheEnd } from "./endings.ts";

const STOPS_WITHIN_MS = 15_000;

/**
 * A state folder in which a keeper may run; disposing of it ends that keeper and all that it looks after, whatever state
 * a release was left in.
 */
export function keptFolder(path: string): AsyncDisposable {
  return atTheEnd(() => stopKeeper(path));
}

async function stopKeeper(folder: string): Promise<void> {
  const socket = stateFolder(folder).socket(KEEPER_SOCKET);
  if (!(await isAnswered(socket))) return;
  await callControl(socket, "/stop", { method: "POST", timeoutMs: STOPS_WITHIN_MS });
  const endsAt = performance.now() + STOPS_WITHIN_MS;
  while (await isAnswered(socket)) {
    if (performance.now() > endsAt) throw new Error("The keeper does not stop.");
    await delay(20);
  }
}
