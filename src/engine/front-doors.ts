import { FaultError } from "../core/fault.ts";
import { canonicalJson } from "../core/text/canonical-json.ts";
import type { Placed } from "../core/release/event.ts";
import type { Plan } from "../core/plan/plan.ts";
import { replay } from "../core/release/evolve.ts";
import type { Listener } from "../core/traffic/routing.ts";
import type { Ports } from "./api.ts";

/** A release, or one that is about to be planned, beside what serves. */
export interface Beside {
  readonly id: number;
  readonly app: string;
  readonly environment: string;
  readonly plan: Plan;
  readonly stable: Placed | null;
}

/** Releases further back than this can't have brought what serves. */
const LOOK_BACK = 10;

/**
 * The plan by which what serves was released itself, and to which a rollback goes back; null: nobody knows it, because it
 * was taken over, or its journal is lost.
 */
export async function planOfStable(
  journal: Ports["journal"],
  { id, app, environment, stable }: Beside,
): Promise<Plan | null> {
  if (stable === null || stable.adopted !== undefined) return null;
  const earlier = (await journal.releases({ app, environment })).filter((each) => each < id);
  for (const each of earlier.slice(0, LOOK_BACK)) {
    const release = replay(await journal.read(each));
    if (release?.candidate.version === stable.version && release.liveAt !== null) return release.plan;
  }
  return null;
}

/**
 * Opens the front doors of both versions: as long as a release may be put back, whoever comes by a door that its plan no
 * longer names must be answered. Faults: port-taken, of a door of its own.
 */
export async function openDoors(
  { journal, traffic }: Pick<Ports, "journal" | "traffic">,
  beside: Beside,
): Promise<void> {
  const { listen, timeouts } = beside.plan.traffic;
  const others = withoutThese((await planOfStable(journal, beside).catch(() => null))?.traffic.listen ?? [], listen);
  if (others.length === 0) return await traffic.ensure(listen, timeouts);
  // A door that was closed long ago may be somebody else's now, and must keep nobody from this one's.
  await traffic.ensure([...listen, ...others], timeouts).catch((error: unknown) => {
    if (error instanceof FaultError && error.fault.code === "stale-epoch") throw error;
    return traffic.ensure(listen, timeouts);
  });
}

/**
 * Leaves the doors and time limits of one plan of two alone. Answers those that could not be had: then what was open stays
 * open, because a rollback must not fail for them.
 */
export async function settleDoors(
  { traffic }: Pick<Ports, "traffic">,
  plan: Plan,
  other: Plan,
): Promise<readonly string[]> {
  const { listen, timeouts } = plan.traffic;
  if (canonicalJson({ listen, timeouts }) === canonicalJson(withDoorsOf(other))) return [];
  return await traffic.ensure(listen, timeouts).then(
    () => [],
    (error: unknown) => {
      if (error instanceof FaultError && error.fault.code === "stale-epoch") throw error;
      return listen.map(({ host, port }) => `${host}:${port}`);
    },
  );
}

function withDoorsOf({ traffic: { listen, timeouts } }: Plan): Pick<Plan["traffic"], "listen" | "timeouts"> {
  return { listen, timeouts };
}

function withoutThese(doors: readonly Listener[], these: readonly Listener[]): readonly Listener[] {
  return doors.filter((door) => !these.some(({ host, port }) => host === door.host && port === door.port));
}
