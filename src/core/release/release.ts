import type { Begun } from "./begun.ts";
import type { Effect, Observed } from "./effect.ts";
import type { Emergency } from "./emergency.ts";
import type { Act, Because, Placed, GatheredIn } from "./event.ts";
import type { Fault } from "../fault.ts";
import type { Figures, GuardId, Verdict } from "../plan/guard.ts";
import type { Plan } from "../plan/plan.ts";
import type { Step } from "../plan/step.ts";
import type { Share } from "../traffic/share.ts";
import type { Duration, Moment } from "../time/time.ts";

export type ReleaseState = "planned" | "running" | "live" | "closed" | "rolled-back" | "failed";

/** A release as its journal tells it. Made by `evolve` alone, so that replaying gives the live state (I5). */
export interface Release {
  readonly id: number;
  readonly app: string;
  readonly environment: string;
  readonly plan: Plan;
  readonly planHash: string;
  readonly stable: Placed | null;
  readonly candidate: Placed;
  readonly offset: number;
  readonly by: string;
  readonly state: ReleaseState;
  readonly plannedAt: Moment;
  readonly startedAt: Moment | null;
  readonly liveAt: Moment | null;
  readonly endedAt: Moment | null;
  /** The newest event's moment: watched time goes on from here after a crash. */
  readonly lastAt: Moment;
  /** When the step that is due began, or began anew: after a drift, a retry, a take-over. Waits are counted from here. */
  readonly waitsSince: Moment;
  readonly epoch: number;
  /** In plan order, one for each step of the plan. */
  readonly steps: readonly StepProgress[];
  /** Index of the step that is due; equals steps.length when all are done. */
  readonly cursor: number;
  /** The candidate's share that the data plane last confirmed, or was found to have. */
  readonly share: Share;
  /** Its twin has a part of the traffic too, as the data plane last confirmed a share. */
  readonly hasTwin: boolean;
  /** That it had and lost, until the data plane has given it again; null: it has what it is to have. */
  readonly regain: Share | null;
  readonly paused: (Act & { readonly at: Moment }) | null;
  readonly hold: Hold | null;
  /** How often it was held; numbers the messages. */
  readonly holds: number;
  /** The last change of each guard's verdict in the step that is due. */
  readonly verdicts: Readonly<Record<GuardId, Verdict>>;
  /** When each guard's verdict last changed, in earlier steps too: their figures are of then. */
  readonly verdictsAt: Readonly<Record<GuardId, Moment>>;
  /** Stable's last known figures: what a candidate that has all traffic is compared with. */
  readonly baseline: Readonly<Record<GuardId, Figures>>;
  readonly undo: Undo | null;
  readonly messages: Effects;
  /** Who looks after what, by the names of the news. */
  readonly acknowledged: Readonly<Record<string, Act & { readonly via?: string; readonly at: Moment }>>;
  /** Drift seen and put right so far in the step's attempt. */
  readonly drifts: number;
  readonly fault: Fault | null;
  readonly begun: Begun;
  readonly standbyRetired: boolean;
  /** The newer release that has taken its place beside it, or is about to; null: none has. */
  readonly followedBy: number | null;
  /** Effects of a retirement that a newer release brought forward; null: none did. */
  readonly earlyRetirement: Effects | null;
  /** What the judge had gathered at the newest checkpoint that says so; null: none, or what was gathered counts no more. */
  readonly gathered: (GatheredIn & { readonly at: Moment }) | null;
  /** How often the comparison began anew, each time with half of the budget before it. */
  readonly begunAnew: number;
  /** What was done before this journal could be told, oldest first. */
  readonly emergencies: readonly Emergency[];
}

export interface Hold {
  readonly step: string;
  readonly because: Because;
  readonly needsPerson: boolean;
  readonly at: Moment;
}

export type StepState = "waiting" | "running" | "passed" | "skipped" | "failed";

export interface StepProgress {
  readonly step: string;
  readonly state: StepState;
  /** From 1; 0 before the first. */
  readonly attempt: number;
  readonly startedAt: Moment | null;
  readonly endedAt: Moment | null;
  /** Of this attempt. */
  readonly effects: Effects;
  /** When the last of this attempt's effects was confirmed: what is watched is watched from here. */
  readonly readyAt: Moment | null;
  /** Watched before `readyAt`, until a drift of the share interrupted it; less what could not be watched since. */
  readonly watchedBefore: Duration;
  readonly approvals: readonly Approval[];
  readonly ticks: Readonly<Record<string, Tick>>;
  readonly because: Because | null;
  /** A person said to go on without waiting for the rest of the hold. */
  readonly promoted: boolean;
}

export interface Approval extends Act {
  readonly planHash: string;
  readonly version: string;
  readonly at: Moment;
}

export interface Tick {
  /** null: a machine check. */
  readonly by: string | null;
  readonly detail: string;
  readonly at: Moment;
}

export type Effects = Readonly<Record<string, EffectProgress>>;

export interface EffectProgress {
  readonly key: string;
  readonly name: string;
  readonly effect: Effect;
  readonly inverse: Effect | null;
  /** `interrupted`: it was requested, and the engine that performed it is gone. */
  readonly state: "requested" | "interrupted" | "confirmed" | "failed";
  readonly try: number;
  readonly requestedAt: Moment;
  readonly endedAt: Moment | null;
  readonly tookMs: number | null;
  readonly observed: Observed | null;
  readonly fault: Fault | null;
}

export interface Undo {
  readonly because: Because;
  readonly by: string | null;
  readonly decidedAt: Moment;
  /** The share that the candidate had at the decision. */
  readonly fromShare: Share;
  /** It was live, so the standby (or a cold start) takes over. */
  readonly wasLive: boolean;
  readonly effects: Effects;
}

/** The step that is due, with its progress; null when all are done. */
export function currentStep(release: Release): { readonly step: Step; readonly progress: StepProgress } | null {
  const step = release.plan.steps[release.cursor];
  const progress = release.steps[release.cursor];
  return step === undefined || progress === undefined ? null : { step, progress };
}

/** How long the step has been watched with everything that it does in force. */
export function watchedSoFar(release: Release, progress: StepProgress, now: Moment): Duration {
  const { readyAt, watchedBefore } = progress;
  if (readyAt === null) return watchedBefore;
  return watchedBefore + now.watched - readyAt.watched - heldUnwatched(release, progress, now);
}

/** For how long the hold of now lasts in which nobody could watch; 0 for any other hold, and for none. */
export function heldUnwatched({ hold }: Release, { step, readyAt }: StepProgress, now: Moment): Duration {
  if (hold?.because.isUnwatched !== true || hold.step !== step || readyAt === null) return 0;
  return now.watched - Math.max(hold.at.watched, readyAt.watched);
}

/**
 * Whether the hold ends without a person: where figures were missing, or the environment had an incident, the step goes
 * on as soon as that is over. People are told of it all the same, because it may never be.
 */
export function endsByItself({ hold, steps }: Release): boolean {
  if (hold === null || !hold.needsPerson) return true;
  const isWorking = steps.find(({ step }) => step === hold.step)?.state === "running";
  return isWorking && (hold.because.kind === "no-data" || hold.because.kind === "environment");
}

/** Rolled back, failed, or closed with no rollback of it under way. A live one has not ended: its later days are watched. */
export function isEnded(release: Release): boolean {
  return (
    release.state === "rolled-back" ||
    release.state === "failed" ||
    (release.state === "closed" && release.undo === null)
  );
}

/** Whether the release still stands in the way of another one of its app and environment (I3). */
export function isRunning(release: Release): boolean {
  switch (release.state) {
    case "planned":
    case "running":
      return true;
    case "live":
    case "closed":
      return release.undo !== null;
    case "rolled-back":
    case "failed":
      return false;
  }
}
