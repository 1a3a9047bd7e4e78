import { setTimeout as delay } from "node:timers/promises";
import { FaultError } from "../core/fault.ts";
import { callControl, isAnswered } from "../local/control-socket.ts";
import { type ExclusiveLock, tryLock } from "../local/exclusive-lock.ts";
import type { StateFolder } from "../local/state-folder.ts";
import { takeSockets } from "../local/take-sockets.ts";
import { PROXY_SOCKET } from "../proxy/protocol.ts";
import type { GivenToKeeper } from "./keeper.ts";
import { KEEPER_LOCK_FILE, KEEPER_SOCKET, type KeeperState } from "./protocol.ts";

/** How long another keeper may take to start answering, or to end. */
const COMES_OR_GOES_MS = 5_000;
/** One that is asked to leave finishes first what it has begun: a hand-over of the proxy, for example. */
const LEAVES_MS = 30_000;

/** That this process is the only keeper of its folder, and what it was given with that. */
export interface Charge {
  readonly lock: ExclusiveLock;
  readonly given: GivenToKeeper;
}

/**
 * Takes charge of a folder: at once where no keeper runs, else from the one that does, when it is older or may be replaced
 * in any case. Faults: keeper-runs-already, with the pid of the one that does.
 */
export async function takeCharge(folder: StateFolder, version: string, from: "older" | "any"): Promise<Charge> {
  let given: GivenToKeeper = { sockets: [], secrets: {} };
  let until = performance.now() + COMES_OR_GOES_MS;
  for (;;) {
    const lock = tryLock(folder.file(KEEPER_LOCK_FILE));
    if (lock !== null) return { lock, given };
    const other = await callControl<KeeperState>(folder.socket(KEEPER_SOCKET), "/state").catch(() => null);
    const mayTakeOver = other !== null && (from === "any" || isOlder(other.version, version));
    if (other !== null ? !mayTakeOver : performance.now() > until) throw runsAlready(folder, other);
    if (mayTakeOver) {
      given = await takeFrom(folder, given);
      until = performance.now() + COMES_OR_GOES_MS;
    }
    await delay(20);
  }
}

/** The sockets first, from the proxy: then at no moment that one alone has them. Faults: those of the other keeper. */
async function takeFrom(folder: StateFolder, before: GivenToKeeper): Promise<GivenToKeeper> {
  const proxy = folder.socket(PROXY_SOCKET);
  const sockets = before.sockets.length > 0 || !(await isAnswered(proxy)) ? before.sockets : await takeSockets(proxy);
  const keeper = folder.socket(KEEPER_SOCKET);
  const { secrets } = await callControl<Pick<GivenToKeeper, "secrets">>(keeper, "/leave", {
    method: "POST",
    timeoutMs: LEAVES_MS,
  }).catch((error: unknown) => {
    // It has ended by itself in this moment, and whatever it knew with it.
    if (error instanceof FaultError && error.fault.code === "unreachable") return { secrets: {} };
    throw error;
  });
  return { sockets, secrets: { ...before.secrets, ...secrets } };
}

function runsAlready(folder: StateFolder, other: KeeperState | null): FaultError {
  return new FaultError({
    code: "keeper-runs-already",
    what: `A keeper already looks after this folder${other === null ? "" : `: process ${other.pid}`}.`,
    where: folder.path,
    fix: "nothing to do: it goes on. To replace it by a new process: tidegate keeper restart. To stop it and the app: tidegate down",
  });
}

/** By their numbers; what is no version is not older than anything. */
function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((each) => /^(\d+)\.(\d+)\.(\d+)/.exec(each)?.slice(1).map(Number));
  if (a === undefined || b === undefined) return false;
  const differing = a.findIndex((number, index) => number !== b[index]);
  return differing !== -1 && (a[differing] ?? 0) < (b[differing] ?? 0);
}
