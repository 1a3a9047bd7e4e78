import type { Observed } from "./effect.ts";
import type { Release } from "./release.ts";

/** What was to be stopped and could not be, which only happens to what was taken over: why, a sentence each. */
export function leftRunning({ steps, earlyRetirement }: Release): readonly string[] {
  return [...steps.map(({ effects }) => effects), earlyRetirement ?? {}]
    .flatMap((effects) => Object.values(effects))
    .flatMap(({ effect, observed }) => (effect.kind === "stop" ? leftRunningIn(observed) : []));
}

/** The sentences that stopping answered with. */
export function leftRunningIn(observed: Observed | null): readonly string[] {
  const sentences = observed?.["leftRunning"];
  return Array.isArray(sentences) ? sentences.map(String) : [];
}
