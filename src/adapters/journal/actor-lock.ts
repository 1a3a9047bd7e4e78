import type { StateFolder } from "../../local/state-folder.ts";
import { isBusy, unavailable } from "./busy.ts";
import { open } from "./database.ts";

/**
 * An exclusive SQLite lock: freed at once when its holder is killed, held while it is stopped, with no time-out to
 * guess.
 */
export function takeActorLock(folder: StateFolder): AsyncDisposable | null {
  const lock = open(folder.file("actor.lock"));
  try {
    lock.exec("PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  } catch (error) {
    lock.close();
    if (isBusy(error)) return null;
    throw unavailable(folder.file("actor.lock"), error);
  }
  return {
    [Symbol.asyncDispose]: () => {
      lock.close();
      return Promise.resolve();
    },
  };
}
