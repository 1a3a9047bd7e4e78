import type { Story } from "./story.ts";

/** Where the code lives and its pipelines run: hears what a release does. What can't be told is thrown as a FaultError. */
export interface Forge {
  begun(story: Story): Promise<void>;
  /** Another share of the traffic, or a person is needed. */
  moved(story: Story): Promise<void>;
  /** `report`: the bug that is handed over, in Markdown; null: there is none. Answers where that was said. */
  ended(story: Story, report: string | null): Promise<string | null>;
}

/** A state in a sentence: `25% of the traffic on 9f2c1e`. */
export function inAFewWords({ status, waits, sharePercent, hadTraffic, stable, candidate, fault }: Story): string {
  if (fault !== null) return fault.what;
  if (status !== null)
    return status.state === "live" || status.state === "closed"
      ? `${status.candidate.label} is live.`
      : (status.rollback?.sentence ?? status.sentence);
  if (waits !== null) return `Waits for a person: ${waits}`;
  const label = candidate?.label ?? "the new version";
  if (sharePercent > 0) return `${sharePercent}% of the traffic on ${label}.`;
  return hadTraffic
    ? `All of the traffic is on ${stable ?? "the version before"} again.`
    : `${label} is started and checked.`;
}

/** How it stands, as both forges tell them apart. */
export type Standing = "running" | "waiting" | "good" | "rolled-back" | "broken";

export function standingOf({ status, waits, fault }: Story): Standing {
  if (fault !== null) return "broken";
  if (status === null) return waits === null ? "running" : "waiting";
  switch (status.state) {
    case "live":
    case "closed":
      return "good";
    case "rolled-back":
    case "rolling-back":
      return "rolled-back";
    case "failed":
      return "broken";
    case "planned":
    case "running":
      return "waiting";
  }
}

/** By which a comment is known again, so that a job that runs twice says it once. Shown nowhere. */
export function markOf({ app, environment, release, status }: Story): string {
  return `<!-- tidegate ${app}/${environment} release ${release ?? "?"} planned ${status?.plannedAtMs ?? 0} -->`;
}
