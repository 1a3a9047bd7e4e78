import type { Observed } from "./effect.ts";
import type { Evidence } from "./evidence.ts";
import { rollbackSentence } from "./way-back.ts";
import type { Fault } from "./fault.ts";
import type { Verdict } from "./guard.ts";
import type { Step, StepKind } from "./plan.ts";
import {
  type EffectProgress,
  type Effects,
  type Release,
  type ReleaseState,
  type StepProgress,
  currentStep,
  endsByItself,
  watchedSoFar,
  isEnded,
} from "./release.ts";
import { fullStop } from "./plain-text.ts";
import { formatShare, WHOLE } from "./share.ts";
import type { Moment } from "./time.ts";
import { noWayBack } from "./way-back.ts";
import { windowAt } from "./window.ts";

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
  /** null: every step is done. */
  readonly current: CurrentStatus | null;
  /** The sentence of I10: where it stands and why. */
  readonly sentence: string;
  readonly hold: HoldStatus | null;
  readonly paused: { readonly by: string; readonly reason?: string; readonly sinceMs: number } | null;
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
}

export interface HoldStatus {
  readonly sentence: string;
  /** People are told of it. */
  readonly needsPerson: boolean;
  /** It ends by itself too, when what it waits for comes. */
  readonly endsByItself: boolean;
  readonly sinceMs: number;
}

export interface StepStatus {
  /** From 1. */
  readonly number: number;
  readonly id: string;
  readonly name: string;
  readonly kind: StepKind;
  readonly phase?: string;
  readonly state: "waiting" | "running" | "passed" | "skipped" | "failed";
  readonly attempt: number;
  /** Wall time from start to end, or until now. */
  readonly tookMs: number | null;
  /** What it takes by the plan, beside the work itself; null: until something happens. */
  readonly plannedMs: number | null;
  /** Of `shift` steps. */
  readonly sharePercent?: number;
  readonly sentence?: string;
}

export interface CurrentStatus {
  readonly step: string;
  readonly name: string;
  readonly number: number;
  /** What is being done: "start: waiting until ready"; null while it only watches or waits. */
  readonly doing: string | null;
  readonly waitsFor: "effect" | "time" | "evidence" | "person" | "start-time";
  readonly sinceMs: number;
  /** Until the next decision by time; null: not by time. */
  readonly nextDecisionInMs: number | null;
}

/** One version's traffic, over the last minute unless `windowMs` says otherwise. Latencies in ms, rates 0 … 1. */
export interface VersionFigures {
  readonly role: "stable" | "candidate";
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

export interface RollbackStatus {
  readonly sentence: string;
  readonly by: string | null;
  readonly decidedAtMs: number;
  readonly fromSharePercent: number;
  /** Traffic was back before the journal could be told; `tookMs` null: nobody could write down how long it took. */
  readonly putBackEarly: { readonly by: string | null; readonly atMs: number; readonly tookMs: number | null } | null;
  /** What was undone, in order, with the time after the decision. */
  readonly undone: readonly { readonly name: string; readonly afterMs: number; readonly failed: boolean }[];
  readonly evidence: Evidence | null;
  /** What the outside said, where a step's own work failed; null where a guard or a person decided. */
  readonly fault: Fault | null;
}

/** `fresh`: the guards' newest looks, where an engine watches; without, the journal's last changes of verdict. */
export function statusOf(
  journaled: Release,
  now: Moment,
  versions: readonly VersionFigures[] | null,
  fresh: readonly Verdict[] = [],
): Status {
  const release =
    fresh.length === 0
      ? journaled
      : { ...journaled, verdicts: Object.fromEntries(fresh.map((verdict) => [verdict.metric, verdict])) };
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
    sentence: sentenceOf(release, current, now),
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

function stepStatus(step: Step, progress: StepProgress | undefined, index: number, now: Moment): StepStatus {
  const started = progress?.startedAt ?? null;
  const tookMs =
    started === null || progress === undefined || progress.state === "waiting"
      ? null
      : Math.max(0, (progress.endedAt?.wall ?? now.wall) - started.wall);
  return {
    number: index + 1,
    id: step.id,
    name: step.name,
    kind: step.kind,
    state: progress?.state ?? "waiting",
    attempt: progress?.attempt ?? 0,
    tookMs,
    plannedMs: plannedMs(step),
    ...(step.phase === undefined ? {} : { phase: step.phase.name }),
    ...(step.kind === "shift" ? { sharePercent: step.share / 100 } : {}),
    ...(progress?.because === null || progress?.because === undefined ? {} : { sentence: progress.because.sentence }),
  };
}

function plannedMs(step: Step): number | null {
  switch (step.kind) {
    case "shift":
      return step.hold.kind === "for" ? step.hold.ms : step.hold.atLeastMs;
    case "approve":
    case "check":
    case "window":
      return null;
    case "start":
    case "smoke":
    case "warm":
    case "notify":
    case "run":
    case "retire":
      return 0;
  }
}

function currentStatus(release: Release, step: Step, progress: StepProgress, now: Moment): CurrentStatus {
  const open = openEffect(progress.effects);
  const base = {
    step: step.id,
    name: step.name,
    number: release.cursor + 1,
    sinceMs: (progress.startedAt ?? release.liveAt ?? now).wall,
  };
  if (progress.state === "waiting" && step.afterMs !== undefined && release.liveAt !== null) {
    return {
      ...base,
      doing: null,
      waitsFor: "start-time",
      nextDecisionInMs: Math.max(0, release.liveAt.wall + step.afterMs - now.wall),
    };
  }
  if (open !== null) return { ...base, doing: open.name, waitsFor: "effect", nextDecisionInMs: null };
  if (release.hold?.needsPerson === true || release.paused !== null)
    return { ...base, doing: null, waitsFor: "person", nextDecisionInMs: null };
  if (step.kind !== "shift")
    return {
      ...base,
      doing: null,
      waitsFor: step.kind === "approve" || step.kind === "check" ? "person" : "time",
      nextDecisionInMs: untilOpen(step, now),
    };
  const least = step.hold.kind === "for" ? step.hold.ms : step.hold.atLeastMs;
  const left = least - watchedSoFar(progress, now);
  return { ...base, doing: null, waitsFor: left > 0 ? "time" : "evidence", nextDecisionInMs: left > 0 ? left : null };
}

/** null: nobody can tell, or it is no window. */
function untilOpen(step: Step, now: Moment): number | null {
  if (step.kind !== "window" || step.window.kind !== "times") return null;
  const { opensAt } = windowAt(step.window, now.wall);
  return opensAt === null ? null : opensAt - now.wall;
}

/** One that was interrupted is done by nobody: it is asked for again, or a person is. */
function openEffect(effects: Effects): EffectProgress | null {
  return Object.values(effects).find(({ state }) => state === "requested") ?? null;
}

function sentenceOf(release: Release, current: ReturnType<typeof currentStep>, now: Moment): string {
  const { candidate, stable } = release;
  if (release.state === "failed") return `Needs a person: ${release.fault?.what ?? "something failed."}`;
  if (release.state === "rolled-back")
    return `Rolled back at ${formatShare(release.undo?.fromShare ?? 0)}: ${fullStop(release.undo?.because.sentence ?? "")}`;
  if (release.undo !== null)
    return `Rolling back from ${formatShare(release.undo.fromShare)}: ${fullStop(release.undo.because.sentence)}`;
  if (release.state === "closed") return `${candidate.label} is live; every step is done.`;
  if (current === null) return `${candidate.label} is live.`;
  if (release.paused !== null)
    return `Paused at ${formatShare(release.share)} by ${release.paused.by}${release.paused.reason === undefined ? "" : `: ${release.paused.reason}`}.`;
  if (release.hold !== null) return `Held at ${formatShare(release.share)}: ${fullStop(release.hold.because.sentence)}`;
  const status = currentStatus(release, current.step, current.progress, now);
  if (status.waitsFor === "start-time") return `${candidate.label} is live; "${current.step.name}" is due later.`;
  if (current.step.kind === "shift" && status.waitsFor !== "effect") return watchingSentence(release, stable === null);
  return `${current.step.name}${status.doing === null || status.doing === current.step.name ? "" : `: ${status.doing}`} …`;
}

function watchingSentence(release: Release, isFirst: boolean): string {
  const verdicts = Object.values(release.verdicts);
  const at = release.share === WHOLE ? "Watching at 100%" : `Watching at ${formatShare(release.share)}`;
  if (isFirst) return `${at}: the first version, nothing to compare with.`;
  const bad = verdicts.find(({ verdict }) => verdict !== "pass") ?? verdicts[0];
  if (bad === undefined) return `${at}: nothing known yet.`;
  return `${at}: ${bad.sentence}.`;
}

function rollbackStatus(release: Release): RollbackStatus | null {
  const { undo } = release;
  if (undo === null) return null;
  const ended = Object.values(undo.effects).filter(({ endedAt }) => endedAt !== null);
  const evidence = undo.effects["gather-evidence"]?.observed;
  const early = release.emergencies.findLast(({ outcome }) => outcome === "put-back");
  return {
    sentence: undo.because.sentence,
    by: undo.by,
    decidedAtMs: undo.decidedAt.wall,
    fromSharePercent: undo.fromShare / 100,
    putBackEarly:
      early === undefined ? null : { by: early.by, atMs: early.at + (early.tookMs ?? 0), tookMs: early.tookMs ?? null },
    undone: [
      ...(early === undefined
        ? []
        : [
            {
              name: "put-back-early",
              afterMs: Math.max(0, early.at + (early.tookMs ?? 0) - undo.decidedAt.wall),
              failed: false,
            },
          ]),
      ...ended
        .filter(({ name }) => name !== "gather-evidence")
        .map(({ name, endedAt, state }) => ({
          name,
          afterMs: Math.max(0, (endedAt?.wall ?? 0) - undo.decidedAt.wall),
          failed: state === "failed",
        })),
    ],
    evidence: evidence === null || evidence === undefined ? null : (evidence as unknown as Evidence),
    fault: undo.because.fault ?? null,
  };
}

function leftRunning({ steps, earlyRetirement }: Release): readonly string[] {
  return [...steps.map(({ effects }) => effects), earlyRetirement ?? {}]
    .flatMap((effects) => Object.values(effects))
    .flatMap(({ effect, observed }) => (effect.kind === "stop" ? leftRunningIn(observed) : []));
}

/** The sentences that stopping answered with. */
export function leftRunningIn(observed: Observed | null): readonly string[] {
  const sentences = observed?.["leftRunning"];
  return Array.isArray(sentences) ? sentences.map(String) : [];
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
