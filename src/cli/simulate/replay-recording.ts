import { type Catch, catchesOf } from "../../core/forecast/catches.ts";
import { comparisonOf, ERROR_TOLERANCE, LATENCY_TOLERANCE } from "../../core/forecast/guards.ts";
import { type Replayed, replayed } from "../../core/forecast/replay.ts";
import { formatCount } from "../../core/analysis/figures.ts";
import { merge } from "../../core/analysis/histogram.ts";
import { isOtherStory } from "../../core/analysis/evidence/visitors-in-words.ts";
import { formatDuration } from "../../core/time/time.ts";
import { ONCE_MS } from "../../core/traffic/counting.ts";
import type { Invocation } from "../definition.ts";
import { givenText, valueOf } from "./reading.ts";
import { comparedVersions } from "./recorded-versions.ts";
import { readRecording, type Recording, refused } from "./recording.ts";
import { TEMPERING, TOLERANCE } from "./step.ts";
import { guardWeights } from "./weights.ts";

/** A recording, as it would have been judged. */
export interface ReplayedRecording {
  readonly replayed: Replayed;
  readonly candidate: string;
  readonly stable: string;
  /** The evidence at which it acts. */
  readonly acts: number;
  /** What could have been caught in such traffic. */
  readonly catches: readonly Catch[];
  readonly notes: readonly string[];
}

/** Judges the recording in the file. Faults: usage, with file and line. */
export function replayRecording(invocation: Invocation, path: string): ReplayedRecording {
  return judgeRecording(invocation, readRecording(path), path);
}

/** Judges what was recorded in `path`. Faults: usage. */
export function judgeRecording(
  invocation: Invocation,
  { rows, notes, hasLatencies }: Recording,
  path: string,
): ReplayedRecording {
  const { candidate, stable, others } = comparedVersions(rows, path, {
    candidate: givenText(invocation, "candidate"),
    stable: givenText(invocation, "stable"),
  });
  const plannedSeconds = new Set(rows.filter(({ version }) => version === candidate).map(({ second }) => second)).size;
  const errorTolerance = valueOf(invocation, "tolerance", TOLERANCE, ERROR_TOLERANCE);
  const comparison = comparisonOf(guardWeights(invocation), errorTolerance, plannedSeconds);
  const guards = hasLatencies ? comparison.guards : comparison.guards.filter(({ id }) => id === "errors");
  const options = {
    comparison: { ...comparison, guards },
    latencyTolerance: valueOf(invocation, "latency-tolerance", TOLERANCE, LATENCY_TOLERANCE),
    tempering: valueOf(invocation, "tempering", TEMPERING, 1),
  };
  const found = replayed(rows, { candidate, stable }, options);
  if (found === null)
    throw refused(path, null, "There is no second in which the candidate could be compared with stable.");
  const { whole } = found;
  return {
    replayed: found,
    candidate,
    stable,
    acts: 1 / comparison.alpha,
    catches: catchesOf(
      {
        rps: (whole.candidate.requests + whole.stable.requests) / whole.seconds,
        errors: rateOf(whole.stable),
        latency: merge(...rows.filter(({ version }) => version === stable).map((row) => row.latency)),
      },
      {
        share: whole.candidate.requests / Math.max(1, whole.candidate.requests + whole.stable.requests),
        seconds: whole.seconds,
        comparison: options.comparison,
        latencyTolerance: Object.fromEntries(guards.map(({ id }) => [id, options.latencyTolerance])),
      },
    ),
    notes: [
      ...notes,
      ...(others.length === 0 ? [] : [`Left out, because two versions are compared: ${others.join(", ")}.`]),
      ...(hasLatencies ? [] : ["There are no latencies in it, so only errors were compared."]),
      ...countedOnce(found),
      ...(whole.stable.requests === 0
        ? ["Stable has no request beside the candidate: there is nothing to compare with."]
        : []),
    ],
  };
}

/** The table has what is compared. Where most failures are of visitors who had failed before, that is not how many requests failed. */
function countedOnce({ guards, requests: { candidate, stable } }: Replayed): readonly string[] {
  const counted = guards.find(({ guard }) => guard === "errors")?.counted;
  if (counted === undefined) return [];
  if (!isOtherStory(candidate.bad, counted.bad) && !isOtherStory(stable.bad, counted.badStable)) return [];
  const side = ({ bad, requests }: Replayed["requests"]["candidate"]): string =>
    `${formatCount(bad)} of ${formatCount(requests)}`;
  return [
    `A visitor's failures count once in ${formatDuration(ONCE_MS)}, as the engine counts them. Of all requests ${side(candidate)} of the candidate failed, and ${side(stable)} of stable.`,
  ];
}

/** Where nothing failed, it is not known that nothing ever does. */
function rateOf({ requests, bad }: { readonly requests: number; readonly bad: number }): number {
  return (bad + 0.5) / (requests + 1);
}
