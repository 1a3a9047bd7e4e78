import { randomBytes } from "node:crypto";
import { faultOf, type Fault } from "../../core/fault.ts";
import { beginRehearsal, clearRehearsal, markKept, type Playing, rehearsalsUnderWay } from "../../local/rehearsals.ts";
import { checkStateFolder } from "../../local/state-folder-check.ts";
import type { RehearsalCopies } from "../../ports/rehearsal-copies.ts";
import type { Context } from "../context.ts";
import type { Project } from "../project.ts";

/** Where one rehearsal plays. */
export interface Stage {
  readonly playing: Playing;
  /** A project like production's, with a state of its own. */
  readonly project: Project;
}

export function setStage(project: Project, id: string, hasDatabase: boolean): Stage {
  checkStateFolder(project.state);
  const playing = beginRehearsal(project.state, id, hasDatabase);
  return { playing, project: { ...project, state: playing.state, stateRoot: playing.state.path } };
}

export function rehearsalId(): string {
  return randomBytes(4).toString("hex");
}

/** What was taken away, and what could not be. */
export interface Struck {
  readonly id: string;
  readonly isKept: boolean;
  readonly trouble: Fault | null;
}

/** Takes away what killed rehearsals have left. `copies` null: the plan names no database (any more). */
export async function sweepRehearsals(
  context: Context,
  project: Project,
  copies: RehearsalCopies | null,
): Promise<readonly Struck[]> {
  const dead = rehearsalsUnderWay(project.state).filter(({ isAlive }) => !isAlive);
  const struck: Struck[] = [];
  for (const playing of dead) struck.push(await strike(context, project, playing, copies));
  return struck;
}

const DROP_MS = 60_000;

/** Ends every process and container of it, drops its database, removes its folder. Each part is tried, whatever became of the others. */
export async function strike(
  { machinery }: Context,
  project: Project,
  playing: Playing,
  copies: RehearsalCopies | null,
  folder: "remove" | "keep" = "remove",
): Promise<Struck> {
  const { id, state, hasDatabase, isKept } = playing;
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
      await tried("The folder of the rehearsal could not be marked.", async () => markKept(playing));
    return { id, isKept, trouble: faults[0] ?? null };
  }
  await tried("Versions of the rehearsal could not be removed.", () => machinery.removeVersions(state, project.folder));
  // Its record says what is left to do: while anything is, it stays for whoever tries next.
  if (faults.length === 0)
    await tried("The folder of the rehearsal could not be removed.", async () => clearRehearsal(playing));
  return { id, isKept, trouble: faults[0] ?? null };
}
