import { type Fault, FaultError } from "../core/fault.ts";
import type { Plan } from "../core/plan/plan.ts";
import type { TrafficState } from "../core/traffic/routing.ts";
import { lockHolder, type LockHolder } from "../local/lock-holder.ts";
import type { Context } from "./context.ts";
import { lookAtInstances } from "./look-at-instances.ts";
import { loadPlan } from "./plan-file.ts";
import type { InstanceHealth } from "./render/instance-list.ts";
import { hasJournal } from "./session.ts";

/** What there is to see where no journal tells: the data plane and the keeper need none. */
export interface WithoutJournal {
  /** Why none tells. */
  readonly fault: Fault;
  readonly plane: TrafficState | null;
  /** null: nothing runs. */
  readonly instances: readonly InstanceHealth[] | null;
  readonly holder: LockHolder | null;
}

const UNREADABLE = new Set(["journal-damaged", "journal-unavailable", "journal-gone", "journal-newer", "state-newer"]);

/** The fault of a journal that can't be read; null for any other error. */
export function journalFault(error: unknown): Fault | null {
  return error instanceof FaultError && UNREADABLE.has(error.fault.code) ? error.fault : null;
}

/** Where no journal knows of a release: why, if instances run all the same; null: nothing was ever released here. */
export async function missingJournal({ machinery, project }: Context): Promise<Fault | null> {
  const { state } = project();
  const instances = await machinery.runningInstances(state, null).catch(() => null);
  if (instances === null || instances.every((each) => each.state === "exited")) return null;
  return {
    code: "journal-missing",
    what: `${hasJournal(state) ? "The journal knows of no release" : "There is no journal"}, and yet instances run here: the journal that knew of them was lost.`,
    where: state.file("journal.db"),
    fix: "put it back from a backup; without one the next release begins a new journal beside what serves: tidegate release, or stop everything: tidegate down",
  };
}

export async function lookWithoutJournal(context: Context, fault: Fault): Promise<WithoutJournal> {
  const { state } = context.project();
  const plane = await context.machinery.dataPlane(state);
  const instances = await lookAtInstances(context, await planOf(context)).catch(() => null);
  return { fault, plane, instances, holder: lockHolder(state.file("actor.lock")) };
}

/** It says which path each service is asked for; without it nobody is asked. */
async function planOf(context: Context): Promise<Plan | null> {
  return await loadPlan(context, context.project()).then(
    ({ plan }) => plan,
    () => null,
  );
}
