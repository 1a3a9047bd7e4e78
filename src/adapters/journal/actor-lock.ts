import { tryLock } from "../../local/exclusive-lock.ts";
import type { StateFolder } from "../../local/state-folder.ts";
import { unavailable } from "./busy.ts";

/** The right to act; null while another engine has it. Held while its holder is stopped, freed at once when it is killed. */
export function takeActorLock(folder: StateFolder): AsyncDisposable | null {
  const path = folder.file("actor.lock");
  try {
    const lock = tryLock(path);
    return lock === null ? null : { [Symbol.asyncDispose]: async () => lock.release() };
  } catch (error) {
    throw unavailable(path, error);
  }
}
