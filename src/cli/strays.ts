import type { InstanceSeen } from "../core/observation.ts";
import { isInUse, isOfRelease } from "../core/release/strays.ts";
import type { Journal } from "../ports/journal.ts";
import type { Context } from "./context.ts";

export const STOP_STRAYS = "tidegate down --strays";

/**
 * Instances that run, that no release of the journal knows, and to which nobody is sent: candidates of a journal that was
 * lost. No release hinders or stops them. `journal` null: there is none, so the data plane alone says what is in use.
 */
export async function findStrays(context: Context, journal: Journal | null): Promise<readonly InstanceSeen[]> {
  const { state } = context.project();
  // First: what is started is in the journal before.
  let left = (await context.machinery.runningInstances(state, null)) ?? [];
  left = left.filter((each) => each.state !== "exited" && !each.adopted);
  for (const id of (await journal?.releases()) ?? []) {
    if (left.length === 0) return [];
    const planned = (await journal?.read(id))?.[0]?.event;
    if (planned?.type === "planned") left = left.filter((each) => !isOfRelease(each, planned));
  }
  if (left.length === 0) return [];
  const exit = await context.machinery.emergencyExit(state);
  const inForce = await exit.traffic.read().catch(() => null);
  // One that runs no more begins again with what lies on the disk.
  const table = inForce?.table ?? (await exit.lastResort.read().catch(() => null))?.table ?? null;
  return left.filter((each) => !isInUse(each, table));
}

/** What is said of them; none: nothing. */
export function straysSentence(strays: readonly InstanceSeen[]): readonly string[] {
  if (strays.length === 0) return [];
  const names = strays.map(({ id }) => id).join(", ");
  return [`${called(strays, names)}. To stop ${strays.length === 1 ? "it" : "them"}: ${STOP_STRAYS}`];
}

function called({ length }: readonly InstanceSeen[], names: string): string {
  return length === 1
    ? `${names} runs, is of a version that no release here knows, and nobody is sent to it`
    : `${names} run, are of versions that no release here knows, and nobody is sent to them`;
}
