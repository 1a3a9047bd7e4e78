import { randomBytes } from "node:crypto";
import { faultOf, type Fault } from "../../core/fault.ts";
import {
  beginRehearsal,
  clearRehearsal,
  markKept,
  type RehearsalPlace,
  rehearsalsUnderWay,
} from "../../local/rehearsals.ts";
import { checkStateFolder } from "../../local/state-folder-check.ts";
import type { RehearsalCopies } from "../../ports/rehearsal-copies.ts";
import type { Context } from "../context.ts";
import type { Project } from "../project.ts";

/** Where one rehearsal runs. */
export interface Sandbox extends RehearsalPlace {
  /** A project like production's, with a state of its own. */
  readonly project: Project;
}

export function makeSandbox(project: Project, id: string, hasDatabase: boolean): Sandbox {
  checkStateFolder(project.state);
  const place = beginRehearsal(project.state, id, hasDatabase);
  return { ...place, project: { ...project, state: place.state, stateRoot: place.state.path } };
}

export function rehearsalId(): string {
  return randomBytes(4).toString("hex");
}

/** What was taken away, and what could not be. */
export interface Removed {
  readonly id: string;
  readonly isKept: boolean;
  readonly trouble: Fault | null;
}

/** Takes away what killed rehearsals have left. `copies` null: the plan names no database (any more). */
export async function sweepRehearsals(
  context: Context,
  project: Project,
  copies: RehearsalCopies | null,
): Promise<readonly Removed[]> {
  const dead = rehearsalsUnderWay(project.state).filter(({ isAlive }) => !isAlive);
  const removed: Removed[] = [];
  for (const place of dead) removed.push(await removeSandbox(context, project, place, copies));
  return removed;
}

const DROP_MS = 60_000;

/** Ends every process and container of it, drops its database, removes its folder. Each part is tried, whatever became of the others. */
export async function removeSandbox(
  { machinery }: Context,
  project: Project,
  place: RehearsalPlace,
  copies: RehearsalCopies | null,
  folder: "remove" | "keep" = "remove",
): Promise<Removed> {
  const { id, state, hasDatabase, isKept } = place;
  const faults: Fault[] = [];
  const tried = async (what: string, work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      faults.push(faultOf(error, "rehearsal-left-behind", what));
    }
  };
  await tried("Processes or containers of the rehearsal could not be stopped.", () => machinery.stopEverything(state));
  if (copies !== null && hasDatabase)
    await tried("The copy of the database could not be dropped.", () => copies.drop(id, AbortSignal.timeout(DROP_MS)));
  await tried("Containers, networks, volumes or images of the rehearsal could not be removed.", () =>
    machinery.removeRehearsed(state, id),
  );
  if (folder === "keep") {
    if (faults.length === 0)
      await tried("The folder of the rehearsal could not be marked.", async () => markKept(place));
    return { id, isKept, trouble: faults[0] ?? null };
  }
  await tried("Versions of the rehearsal could not be removed.", () => machinery.removeVersions(state, project.folder));
  // Its record says what is left to do: while anything is, it stays for whoever tries next.
  if (faults.length === 0)
    await tried("The folder of the rehearsal could not be removed.", async () => clearRehearsal(place));
  return { id, isKept, trouble: faults[0] ?? null };
}
