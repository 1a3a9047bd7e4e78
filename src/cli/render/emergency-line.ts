import type { Emergency } from "../../core/release/emergency.ts";
import type { Release } from "../../core/release/release.ts";
import { shortVersion } from "../../core/text/short-version.ts";
import { formatShare } from "../../core/traffic/share.ts";

/** How a version is called where only its full name is known. */
export type Called = (version: string) => string;

/** What was done before the journal could be told: what, when and by whom. */
export function emergencyLine(emergency: Emergency, called: Called): string {
  const { outcome, fromShare, by, at, because, stable, candidate } = emergency;
  const from = `${formatShare(fromShare)} on ${called(candidate)}`;
  const when = new Date(at).toLocaleTimeString("en-GB");
  if (outcome === "frozen") return `frozen at ${from} by ${by ?? "the engine"} at ${when}: ${because.sentence}`;
  const who = by === null ? "the engine, which could not write its journal," : `${by} with rollback --now`;
  return `all traffic put back to ${called(stable)}, from ${from}, by ${who} at ${when}`;
}

/** As the release calls it. */
export function labelOf({ stable, candidate }: Release, version: string): string {
  return [stable, candidate].find((placed) => placed?.version === version)?.label ?? shortVersion(version);
}
