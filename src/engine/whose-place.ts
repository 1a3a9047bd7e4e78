import { FaultError } from "../core/fault.ts";
import type { Journal } from "../ports/journal.ts";
import type { Traffic } from "../ports/traffic.ts";

interface Whose {
  readonly app: string;
  readonly environment: string;
}

/**
 * One journal, one data plane and one keeper serve one app in one environment: a second one would take the traffic of
 * the first away, whose routes and listeners its table does not name. Faults: state-foreign.
 */
export async function mustBePlaceOf(
  {
    journal,
    traffic,
  }: { readonly journal: Pick<Journal, "releases" | "read">; readonly traffic: Pick<Traffic, "read"> },
  { app, environment }: Whose,
): Promise<void> {
  const owner = (await ownerByJournal(journal)) ?? (await ownerByTable(traffic));
  if (owner === null || (owner.app === app && owner.environment === environment)) return;
  throw new FaultError({
    code: "state-foreign",
    what: `This state folder is the one of ${owner.app} in ${owner.environment}, and the plan is for ${app} in ${environment}: it would take the traffic of ${owner.app} away.`,
    fix: `give each app a folder of its own: --state, or TIDEGATE_STATE. Was ${owner.app} only renamed? then under its old name: tidegate down ; move the folder away, and release it under the new one`,
  });
}

async function ownerByJournal(journal: Pick<Journal, "releases" | "read">): Promise<Whose | null> {
  const [newest] = await journal.releases();
  const event = newest === undefined ? undefined : (await journal.read(newest))[0]?.event;
  return event?.type === "planned" ? event : null;
}

/** A journal that was lost knows of nobody. */
async function ownerByTable(traffic: Pick<Traffic, "read">): Promise<Whose | null> {
  const state = await traffic.read().catch(() => null);
  return state?.table ?? null;
}
