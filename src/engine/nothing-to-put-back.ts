import type { Emergency } from "../core/release/emergency.ts";
import { FaultError } from "../core/fault.ts";
import { shortVersion } from "../core/text/short-version.ts";
import type { RoutingTable } from "../core/traffic/routing.ts";

/** As the plan file here has it. */
export interface MeantPlace {
  /** null: the plan file can't be asked. */
  readonly app: string | null;
  readonly environment: string;
  /** The state folder that was found, and the options that name it. */
  readonly state: string;
  readonly options: string;
}

/** What somebody who wants traffic put back means. */
interface Meant {
  readonly release?: number;
  readonly place?: MeantPlace;
}

/** Faults: nothing-to-put-back, release-unknown, state-foreign. */
export function mustHaveWayBack(table: RoutingTable | null, order: Meant): RoutingTable {
  if (table === null) throw nothing("The data plane has no table: nothing was released here.", "tidegate status");
  mustBeAsked(table, order);
  const { stable, candidate } = table;
  if (candidate === null) {
    const what =
      stable === null
        ? "The data plane has no version to send traffic to."
        : `All traffic is on ${shortVersion(stable.version)}, and no other version is in the data plane.`;
    throw nothing(what, "tidegate rollback says which release brought it, and how to go back from that one");
  }
  if (stable === null)
    throw nothing(
      `${shortVersion(candidate.version)} is the first version: there is none to put the traffic back to.`,
      "to stop it: tidegate rollback, or tidegate down",
    );
  return table;
}

/** Faults: release-unknown, state-foreign. */
export function mustBeAsked(table: RoutingTable, { release, place }: Meant): void {
  if (place !== undefined) mustBeMeant(table, place);
  if (release !== undefined && release !== table.release) {
    throw new FaultError({
      code: "release-unknown",
      what: `The data plane has release ${table.release}, not ${release}.`,
      fix: "leave the number out: tidegate rollback --now puts back what the data plane has",
    });
  }
}

/** How the data plane answers nobody. */
export interface Silence {
  readonly sentence: string;
  /** No process has its socket open; else one may serve all the same, and hang. */
  readonly isNobodyThere: boolean;
}

/** `troubles`: what came of asking it; none where nobody was there to be asked. */
export function silenceOf(troubles: readonly string[]): Silence {
  return troubles.length === 0
    ? { sentence: "No data plane runs here, so nobody is served", isNobodyThere: true }
    : { sentence: "The data plane does not answer", isNobodyThere: false };
}

/** One version alone needs no way back; but it serves nobody. */
export function nobodyServed(table: RoutingTable, { sentence, isNobodyThere }: Silence): FaultError {
  const only = table.stable ?? table.candidate;
  const version = only === null ? "no version" : shortVersion(only.version);
  return new FaultError({
    code: "traffic-unreachable",
    what: `${sentence}. The table that it left has ${version}${only === null ? "" : " alone"}, so there is nothing to put back.`,
    fix: isNobodyThere && only !== null ? bringsBack(version) : "tidegate status ; tidegate doctor looks what hangs",
  });
}

function bringsBack(version: string): string {
  return `to have it served again: tidegate release ${version}\nafter a crash or a reboot, what served: tidegate serve`;
}

/** Who wants to put the shop back must not put the blog back. Faults: state-foreign. */
function mustBeMeant(table: RoutingTable, { app, environment, state, options }: MeantPlace): void {
  if ((app === null || app === table.app) && environment === table.environment) return;
  const meant = `${app ?? table.app} in ${environment}`;
  throw new FaultError({
    code: "state-foreign",
    what: `The data plane here is the one of ${table.app} in ${table.environment}, and the plan file is for ${meant}. Nothing was changed.`,
    where: state,
    fix: `to put ${table.app} back: tidegate rollback --now ${options}\nto put ${meant} back: tidegate rollback --now --app ${app ?? table.app} --env ${environment}`,
  });
}

function nothing(what: string, fix: string): FaultError {
  return new FaultError({ code: "nothing-to-put-back", what, fix });
}

export function unreachable(cause: string | undefined): FaultError {
  return new FaultError({
    code: "traffic-unreachable",
    what: "The data plane does not answer, and no table of it lies on the disk.",
    ...(cause === undefined ? {} : { cause }),
    fix: "is this the right folder? name the app: tidegate rollback --now --app NAME",
  });
}

export function notReadyWithoutPlane(table: RoutingTable, notReady: string, silence: Silence): FaultError {
  const version = shortVersion(table.stable?.version ?? "stable");
  const anyway = "to go to it all the same: tidegate rollback --now --anyway";
  return new FaultError({
    code: "stable-not-ready",
    what: `${silence.sentence}, and ${version} could not take the traffic: ${notReady}. Nothing was changed.`,
    fix: silence.isNobodyThere
      ? `${bringsBack(version)}\n${anyway}`
      : `look after both: tidegate status, tidegate doctor; ${anyway}`,
  });
}

export function notApplied(table: RoutingTable, outcome: Emergency["outcome"], tries: number): FaultError {
  return new FaultError({
    code: "traffic-weight-not-applied",
    what: `The data plane was told ${tries} times to ${outcome === "frozen" ? "stay as it is" : "give stable everything"}, and answers ${table.share / 100}% on ${shortVersion(table.candidate?.version ?? "the candidate")}.`,
    fix: "tidegate doctor ; then again: tidegate rollback --now",
  });
}
