import type { InstanceSeen, SecondRow } from "../observation.ts";
import type { Figures, Guard, GuardId, Verdict } from "../plan/guard.ts";
import type { Remembered } from "./evidence/day-before.ts";
import type { SourceReading } from "../plan/source.ts";
import type { ProbeRound } from "./evidence/probes.ts";
import type { Duration, Instant } from "../time/time.ts";

/** What the judge sees, once a second. */
export interface Look {
  /** The version of the judge by which the plan was made. */
  readonly judge: 1 | 2;
  readonly guards: readonly Guard[];
  readonly candidate: string;
  /** What it is compared with, as the rows have it: stable, or stable's twin. */
  readonly stable: string | null;
  /** `stable` is its twin. Absent: stable itself. */
  readonly twin?: SeenTwin;
  readonly rows: readonly SecondRow[];
  /** Absent: the plan has no probes. */
  readonly probes?: { readonly everyMs: Duration; readonly rounds: readonly ProbeRound[] };
  /** What the sources of guards said, by guard, oldest first. Absent: no guard has one. */
  readonly readings?: Readonly<Record<GuardId, readonly SourceReading[]>>;
  /** First second that counts: evidence from before the step's share was in force does not. */
  readonly fromSecond: number;
  /** What of the step was watched before that, as when its share was lost for a while. */
  readonly watchedBeforeMs: Duration;
  /** The newest closed second. */
  readonly toSecond: number;
  /** Why the data plane's figures can't be had, or null. */
  readonly sourceDown: string | null;
  readonly instances: readonly InstanceSeen[];
  /** Crashes by instance when the step began. */
  readonly restartsBefore: Readonly<Record<string, number>>;
  /** For the first judge alone: stable's figures before the switch, for a candidate that has all traffic; null: none. */
  readonly baseline: Readonly<Record<GuardId, Figures>> | null;
  /** When the candidate got all traffic. Absent: it shares it with stable. */
  readonly switched?: Switched;
  /** What is known of other days, where a guard is held against one. */
  readonly remembered?: Remembered;
  /** Watched time of all shifts below 100 %, by the plan. */
  readonly plannedMs: Duration;
  /** Moments, by the plan, at which visitors' own speeds are asked for. */
  readonly moments: number;
  /** Of healthy releases that may be rolled back by comparison: 0.01, and half of it for each new attempt. */
  readonly alpha: number;
}

/** Of stable's twin at this look. */
export interface SeenTwin {
  /** Why it can't be compared with just now, in a sentence; null: it can. */
  readonly notReady: string | null;
}

/** From then on the candidate has all traffic. */
export interface Switched {
  /** The second in which it was confirmed. */
  readonly second: number;
  /** What the clock showed when second 0 began. */
  readonly secondZero: Instant;
}

/** What the judge says, a verdict a guard. */
export interface Judged {
  readonly verdicts: readonly Verdict[];
  /** The absolute limits applied to stable's own figures. */
  readonly stableVerdicts: readonly Verdict[];
}
