import { type CurrentStatus, currentStatus } from "./current-status.ts";
import type { Fault } from "../fault.ts";
import type { Verdict } from "../plan/guard.ts";
import { type NewestLook, withNewestLook } from "./newest-look.ts";
import { figuresAt } from "./figures-at.ts";
import { leftRunning } from "../release/left-running.ts";
import { type AlertStatus, alertStatus, type UntoldStatus, untoldStatus } from "./people-told.ts";
import { currentStep, endsByItself, isEnded, type Release, type ReleaseState } from "../release/release.ts";
import { type RollbackStatus, rollbackStatus } from "./rollback-status.ts";
import { statusSentence } from "./status-sentence.ts";
import { type StepStatus, stepStatus } from "./step-status.ts";
import type { Moment } from "../time/time.ts";
import { noWayBack, rollbackSentence } from "../decide/way-back.ts";

/**
 * Where a release stands, for people and machines: what `status` prints, with and without `--json`. Times in
 * milliseconds, shares in percent. Everything in it comes from the journal and, in `versions`, from the data plane.
 */
export interface Status {
  readonly release: number;
  readonly app: string;
  readonly environment: string;
  /** `rolling-back` while a rollback is under way. */
  readonly state: ReleaseState | "rolling-back";
  readonly stable: { readonly version: string; readonly label: string; readonly slot: string } | null;
  readonly candidate: { readonly version: string; readonly label: string; readonly slot: string };
  readonly by: string;
  readonly plannedAtMs: number;
  readonly startedAtMs: number | null;
  readonly liveAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly elapsedMs: number;
  /** The share that the data plane last confirmed. */
  readonly sharePercent: number;
  readonly steps: readonly StepStatus[];
  /** false: no engine acts on it, so what is said of it is as old as the journal's last word. */
  readonly isWatched: boolean;
  /** null: every step is done. */
  readonly current: CurrentStatus | null;
  /** The sentence of I10: where it stands and why. */
  readonly sentence: string;
  /** When the figures in the sentence were written down; null: it has none, or somebody watches, and they are of now. */
  readonly figuresAtMs: number | null;
  readonly hold: HoldStatus | null;
  readonly paused: { readonly by: string; readonly reason?: string; readonly sinceMs: number } | null;
  /** Where nobody watches they are those of their last change, which is all that the journal has. */
  readonly verdicts: readonly Verdict[];
  /** null: no engine watches, or nothing has been seen yet. Stable first. */
  readonly versions: readonly VersionFigures[] | null;
  readonly rollback: RollbackStatus | null;
  /** What `rollback` would do now and how long it takes (I7); null once the release has ended. */
  readonly rollbackWould: string | null;
  /** false: `rollbackWould` says why not, and what remains. */
  readonly canRollBack: boolean;
  /** Time that the deployment itself took so far, holds and waits apart. */
  readonly deploymentMs: number;
  readonly fault: Fault | null;
  /** What was to be stopped and could not be, which only happens to what was taken over: why, a sentence each. */
  readonly leftRunning: readonly string[];
  /** Messages that have not arrived. */
  readonly untold: readonly UntoldStatus[];
  /** What lasts and somebody is to look after; empty where nothing does. */
  readonly alerts: readonly AlertStatus[];
}

export interface HoldStatus {
  readonly sentence: string;
  /** People are told of it. */
  readonly needsPerson: boolean;
  /** It ends by itself too, when what it waits for comes. */
  readonly endsByItself: boolean;
  readonly sinceMs: number;
}

/** One version's traffic, over the last minute unless `windowMs` says otherwise. Latencies in ms, rates 0 … 1. */
export interface VersionFigures {
  readonly role: "stable" | "twin" | "candidate";
  readonly version: string;
  readonly label: string;
  readonly wantedPercent: number;
  /** null: no request in the window. */
  readonly measuredPercent: number | null;
  readonly requests: number;
  readonly errorRate: number | null;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  readonly inFlight: number | null;
  readonly windowMs: number;
}

/** `look`: what an engine sees just now; absent: only the journal is asked; "nobody": no engine acts on it. */
export function statusOf(
  journaled: Release,
  now: Moment,
  versions: readonly VersionFigures[] | null,
  look?: NewestLook | "nobody",
): Status {
  const release = look === undefined || look === "nobody" ? journaled : withNewestLook(journaled, look);
  const isWatched = look !== "nobody" || isEnded(release);
  const current = currentStep(release);
  const end = release.endedAt?.wall ?? now.wall;
  const rolling = release.undo !== null && !isEnded(release);
  return {
    release: release.id,
    app: release.app,
    environment: release.environment,
    state: rolling ? "rolling-back" : release.state,
    stable: release.stable === null ? null : placed(release.stable),
    candidate: placed(release.candidate),
    by: release.by,
    plannedAtMs: release.plannedAt.wall,
    startedAtMs: release.startedAt?.wall ?? null,
    liveAtMs: release.liveAt?.wall ?? null,
    endedAtMs: release.endedAt?.wall ?? null,
    elapsedMs: Math.max(0, end - release.plannedAt.wall),
    sharePercent: release.share / 100,
    steps: release.plan.steps.map((step, index) => stepStatus(step, release.steps[index], index, now)),
    current:
      current === null || isEnded(release) || rolling
        ? null
        : currentStatus(release, current.step, current.progress, now),
    isWatched,
    sentence: statusSentence(release, now, isWatched),
    figuresAtMs: isWatched ? null : figuresAt(release, now),
    hold:
      release.hold === null
        ? null
        : {
            sentence: release.hold.because.sentence,
            needsPerson: release.hold.needsPerson,
            endsByItself: endsByItself(release),
            sinceMs: release.hold.at.wall,
          },
    paused:
      release.paused === null
        ? null
        : {
            by: release.paused.by,
            sinceMs: release.paused.at.wall,
            ...(release.paused.reason === undefined ? {} : { reason: release.paused.reason }),
          },
    verdicts: Object.values(release.verdicts),
    versions,
    rollback: rollbackStatus(release),
    rollbackWould: isEnded(release) && release.state !== "closed" ? null : rollbackSentence(release),
    canRollBack: noWayBack(release) === null && (!isEnded(release) || release.state === "closed"),
    deploymentMs: deploymentMs(release, now),
    fault: release.fault,
    leftRunning: leftRunning(release),
    untold: untoldStatus(release, now.wall),
    alerts: alertStatus(release, now.wall),
  };
}

/** `rolled back`, `needs a person`: the state as people read it. */
export function stateInWords(status: Status): string {
  if (status.hold?.endsByItself === false) return "needs a person";
  if (status.paused !== null) return "paused";
  if (status.hold !== null) return "held";
  return status.state.replace("-", " ");
}

function placed({ version, label, slot }: Release["candidate"]): {
  readonly version: string;
  readonly label: string;
  readonly slot: string;
} {
  return { version, label, slot };
}

/** The work itself: every effect's time, not the holds between them. */
function deploymentMs(release: Release, now: Moment): number {
  const effects = release.steps.flatMap((step) => Object.values(step.effects));
  return effects.reduce(
    (sum, { tookMs, state, requestedAt }) =>
      sum + (tookMs ?? (state === "requested" ? Math.max(0, now.wall - requestedAt.wall) : 0)),
    0,
  );
}
