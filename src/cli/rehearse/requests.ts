import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { FaultError } from "../../core/fault.ts";
import type { Plan } from "../../core/plan/plan.ts";
import { madeUpRequests } from "../../core/rehearsal/made-up-requests.ts";
import { isSafe, readRecordedRequests } from "../../core/rehearsal/recorded-requests.ts";
import { hasOwnData, NO_DATA } from "../../core/rehearsal/own-data.ts";
import type { LeftOut } from "../../core/rehearsal/rehearsal.ts";
import type { SentRequest } from "./visitors.ts";

export interface RequestsOrder {
  /** Of the rehearsal. */
  readonly plan: Plan;
  /** What paths in the plan are relative to. */
  readonly folder: string;
  /** Absolute; absent: the plan's own, if it names one. */
  readonly file: string | undefined;
  readonly leftOut: LeftOut[];
}

/** What is sent, again and again: recorded, or what the plan itself knows of. Faults: recording-unreadable. */
export function requestsOf({ plan, folder, file, leftOut }: RequestsOrder): readonly SentRequest[] {
  const named = plan.rehearsal?.requests;
  const path = file ?? (named === undefined ? undefined : resolve(folder, named));
  if (path === undefined) return madeUpRequests(plan);
  const recorded = read(path, plan);
  // What changes something may do so in the copy; without one it would change production's.
  if (hasOwnData(plan) || recorded.every(isSafe)) return recorded;
  const safe = recorded.filter(isSafe);
  leftOut.push({
    what: `${recorded.length - safe.length} recorded requests that may change something`,
    why: NO_DATA,
  });
  return safe;
}

function read(path: string, plan: Plan): readonly SentRequest[] {
  const hosts = new Set(
    plan.services.flatMap(({ routes }) =>
      routes.flatMap(({ host }) => (host === undefined ? [] : [host.toLowerCase()])),
    ),
  );
  try {
    const found = readRecordedRequests(readFileSync(path, "utf8"), hosts);
    if (found.length > 0) return found;
    throw new Error("The recording holds no request.");
  } catch (error) {
    throw new FaultError(
      {
        code: "recording-unreadable",
        what: "The recorded requests can't be read.",
        where: path,
        cause: error instanceof Error ? error.message : String(error),
        fix: 'give a HAR file, or a line of JSON for each request: {"method":"GET","path":"/items"}',
      },
      { cause: error },
    );
  }
}
