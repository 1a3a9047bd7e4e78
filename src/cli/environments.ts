import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { editDistance } from "../core/text/nearest.ts";
import { DEFAULT_ENVIRONMENT, type Project } from "./project.ts";

/** Environments beside this one in which something was released, the one with the likest name first. */
export function otherEnvironments({ environment, stateRoot }: Project): readonly string[] {
  return releasedIn(stateRoot)
    .filter((name) => name !== environment)
    .toSorted((a, b) => editDistance(environment, a) - editDistance(environment, b) || (a < b ? -1 : 1));
}

/** The state of production lies in the root itself, that of each other one in a folder of its name. */
function releasedIn(root: string): readonly string[] {
  const hasJournal = (...folder: readonly string[]): boolean => existsSync(join(root, ...folder, "journal.db"));
  return [...(hasJournal() ? [DEFAULT_ENVIRONMENT] : []), ...namesIn(root).filter((name) => hasJournal(name))];
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
