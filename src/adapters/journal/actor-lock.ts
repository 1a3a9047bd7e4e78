import type { Fault } from "../../core/fault.ts";
import { tryLock } from "../../local/exclusive-lock.ts";
import type { StateFolder } from "../../local/state-folder.ts";
import { unavailable } from "./busy.ts";
import { sameFileAs } from "./same-file.ts";

/** The right to act. Held while its holder is stopped, freed at once when it is killed. */
export interface ActorLock {
  release(): void;
  /** Faults: actor-lock-gone, when others would find another file, and could take that. */
  mustBeThere(): void;
}

/** null while another engine has it. */
export function takeActorLock(folder: StateFolder): ActorLock | null {
  const path = folder.file("actor.lock");
  try {
    const lock = tryLock(path);
    if (lock === null) return null;
    return { release: () => lock.release(), mustBeThere: sameFileAs(path, GONE) };
  } catch (error) {
    throw unavailable(path, error);
  }
}

const GONE: Fault = {
  code: "actor-lock-gone",
  what: "actor.lock was deleted, moved away or replaced while an engine acted by it: another one could have begun to act beside it.",
  fix: "tidegate attach takes a new one and goes on",
};
