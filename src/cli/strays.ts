import type { InstanceSeen } from "../core/observation.ts";
import { replay } from "../core/release/evolve.ts";
import { isRunning } from "../core/release/release.ts";
import { isInUse, isOfRelease } from "../core/release/strays.ts";
import type { Journal } from "../ports/journal.ts";
import type { Context } from "./context.ts";

export const STOP_STRAYS = "tidegate down --strays";

/**
 * Instances that run, that no release of the journal knows, and to which nobody is sent: candidates of a journal that was
 * lost, twins of a release that could not stop them. No release hinders or stops them. `journal` null: there is none, so the data plane alone says what is in use.
 */
export async function findStrays(context: Context, journal: Journal | null): Promise<readonly InstanceSeen[]> {
  const { state } = context.project();
  // First: what is started is in the journal before.
  let left = (await context.machinery.runningInstances(state, null)) ?? [];
  left = left.filter((each) => each.state !== "exited" && !each.adopted);
  for (const id of (await journal?.releases()) ?? []) {
    if (left.length === 0) return [];
    const events = (await journal?.read(id)) ?? [];
    const planned = events[0]?.event;
    if (planned?.type !== "planned") continue;
    left = left.filter((each) => !isOfRelease(each, planned));
    // The twin is a release's only as long as that runs: nobody comes back to it.
    if (planned.plan.twin !== true || !left.some(isTwin)) continue;
    const release = replay(events);
    if (release !== null && isRunning(release)) left = left.filter((each) => !isTwin(each));
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
  const [twins, others] = [strays.filter(isTwin), strays.filter((each) => !isTwin(each))];
  const told = [...(others.length === 0 ? [] : [called(others)]), ...(twins.length === 0 ? [] : [calledTwins(twins)])];
  return told.map((sentence, index) =>
    index < told.length - 1
      ? `${sentence}.`
      : `${sentence}. To stop ${strays.length === 1 ? "it" : "them"}: ${STOP_STRAYS}`,
  );
}

function isTwin({ slot }: InstanceSeen): boolean {
  return slot === "twin";
}

function calledTwins(twins: readonly InstanceSeen[]): string {
  const names = namesOf(twins);
  return twins.length === 1
    ? `${names} runs, a twin with which no release compares anything any more`
    : `${names} run, twins with which no release compares anything any more`;
}

function namesOf(instances: readonly InstanceSeen[]): string {
  return instances.map(({ id }) => id).join(", ");
}

function called(strays: readonly InstanceSeen[]): string {
  const names = namesOf(strays);
  return strays.length === 1
    ? `${names} runs, is of a version that no release here knows, and nobody is sent to it`
    : `${names} run, are of versions that no release here knows, and nobody is sent to them`;
}
