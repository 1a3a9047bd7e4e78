import { hold, stepBack } from "./react.ts";
import type { Because, ReleaseEvent } from "../release/event.ts";
import { guardId, guardLabel, isActedOn, type Verdict } from "../plan/guard.ts";
import { fullStop } from "../text/plain-text.ts";
import { leastHoldMs, plannedHoldMs, TIMES_WAITED } from "../plan/hold-time.ts";
import type { Step, StepOf } from "../plan/step.ts";
import { currentStep, type Release, type StepProgress, watchedSoFar } from "../release/release.ts";
import type { Seen } from "./seen.ts";
import { WHOLE } from "../traffic/share.ts";
import { type Duration, formatDuration, type Moment, SECOND } from "../time/time.ts";

/** When everything that the step does is done: is it over, or what does it wait for? */
export function endOfStep(
  release: Release,
  step: Step,
  progress: StepProgress,
  seen: Seen,
  now: Moment,
): readonly ReleaseEvent[] {
  if (progress.promoted) return pass(step, { kind: "person", sentence: "Promoted by a person." });
  const waits = waitOf(release, step, progress, seen, now);
  const holdEnds: readonly ReleaseEvent[] =
    release.hold?.step === step.id ? [{ type: "hold-ended", step: step.id }] : [];
  if (waits === null) return [...holdEnds, ...pass(step, reasonToPass(release, step, seen))];
  // An ordinary wait for time is no hold: it is what the plan says.
  if (waits.because.kind === "time") return holdEnds;
  // After a step back the way up is a person's.
  const unclear = progress.because === null ? whenUnclear(release, step, waits) : null;
  if (unclear !== null) return [...holdEnds, ...unclear];
  return hold(release, step, waits.needsPerson, waits.because);
}

/** What the step that is due waits for, with the figures of now; null: for nothing, or it is still at work. */
export function whatItWaitsFor(release: Release, seen: Seen, now: Moment): Because | null {
  const current = currentStep(release);
  if (current === null || current.progress.state !== "running" || release.undo !== null) return null;
  return waitOf(release, current.step, current.progress, seen, now)?.because ?? null;
}

function waitOf(release: Release, step: Step, progress: StepProgress, seen: Seen, now: Moment): Wait | null {
  return waitsFor(release, step, progress, seen, now) ?? waitAfterStepBack(progress);
}

/** What the plan says of a share that has shown too little in twice its time; null: nothing, or it can't be done. */
function whenUnclear(release: Release, step: Step, { because }: Wait): readonly ReleaseEvent[] | null {
  if (step.kind !== "shift" || because.verdict?.verdict !== "inconclusive") return null;
  if (step.unclear === "step-back") return stepBack(release, step, because);
  if (step.unclear !== "raise" || !isRaised(release, step)) return null;
  const sentence = `Too little was shown in twice its time, and the plan says to raise the share: ${because.sentence}`;
  return pass(step, { kind: "no-data", sentence });
}

/** After a step back the way up again is a person's decision: what failed once would fail again. */
function waitAfterStepBack(progress: StepProgress): Wait | null {
  if (progress.because === null) return null;
  const sentence = `Stepped back: ${fullStop(progress.because.sentence)} "retry" goes up again, "rollback" goes back.`;
  return { because: { ...progress.because, kind: "waiting", sentence }, needsPerson: true };
}

interface Wait {
  readonly because: Because;
  readonly needsPerson: boolean;
}

function waitsFor(release: Release, step: Step, progress: StepProgress, seen: Seen, now: Moment): Wait | null {
  switch (step.kind) {
    case "check":
      return waitForItems(step, progress);
    case "approve":
      return waitForApproval(release, step, progress);
    case "window":
      return seen.window?.open === true
        ? null
        : {
            because: { kind: "waiting", sentence: seen.window?.sentence ?? "The window is not known." },
            needsPerson: false,
          };
    case "shift":
      return waitForEvidence(release, step, progress, seen, now);
    case "backup":
    case "migrate":
    case "start":
    case "smoke":
    case "warm":
    case "notify":
    case "run":
    case "retire":
      return null;
  }
}

function waitForItems(step: StepOf<"check">, progress: StepProgress): Wait | null {
  const open = step.checklist.items.filter(
    (item) => !item.ticked && item.check === undefined && progress.ticks[item.id] === undefined,
  );
  if (open.length === 0) return null;
  const first = open[0]?.text ?? "";
  const sentence = `${open.length} of ${step.checklist.items.length} items of ${step.checklist.source} wait for a person, the first: "${first}".`;
  return { because: { kind: "waiting", sentence }, needsPerson: true };
}

/** I9: only approvals of this plan and this artifact count. */
export function validApprovals(release: Release, progress: StepProgress): readonly string[] {
  return [
    ...new Set(
      progress.approvals
        .filter(({ planHash, version }) => planHash === release.planHash && version === release.candidate.version)
        .map(({ by }) => by),
    ),
  ];
}

function waitForApproval(release: Release, step: StepOf<"approve">, progress: StepProgress): Wait | null {
  const given = validApprovals(release, progress).length;
  if (given >= step.count) return null;
  const who = step.role === "anyone" ? "somebody" : `a person with the role ${step.role}`;
  const sentence =
    step.count === 1 ? `Waits for ${who} to approve.` : `Waits for approval: ${given} of ${step.count} by ${who}.`;
  return { because: { kind: "waiting", sentence }, needsPerson: true };
}

function waitForEvidence(
  release: Release,
  step: StepOf<"shift">,
  progress: StepProgress,
  seen: Seen,
  now: Moment,
): Wait | null {
  const watched = watchedSoFar(release, progress, now);
  const least = leastHoldMs(step.hold);
  const verdicts = seen.verdicts.filter(isActedOn);
  if (watched < least) {
    const broken = verdicts.find(isHolding);
    if (broken !== undefined)
      return { because: { kind: "guard", sentence: broken.sentence, verdict: broken }, needsPerson: false };
    const overdue = verdicts.find((verdict) => isOverdue(release, verdict));
    // More traffic comes with the next share, not with less time on this one.
    const isRaisedLater = overdue?.verdict === "inconclusive" && step.unclear === "raise";
    if (overdue !== undefined && !isRaisedLater)
      return { because: { kind: "no-data", sentence: overdue.sentence, verdict: overdue }, needsPerson: true };
    return { because: { kind: "time", sentence: `${formatDuration(least - watched)} to go.` }, needsPerson: false };
  }
  const blocking =
    verdicts.find(isHolding) ??
    verdicts.find((verdict) => isOverdue(release, verdict)) ??
    verdicts.find((verdict) => isWithoutEvidence(release, verdict));
  const missing = step.guards
    .filter(isActedOn)
    .find((guard) => !verdicts.some((verdict) => guardId(verdict) === guardId(guard)));
  if (blocking === undefined && missing === undefined) return null;
  if (blocking === undefined)
    return {
      because: {
        kind: "no-data",
        sentence: `Nothing is known yet about ${missing === undefined ? "the guards" : guardLabel(missing)}.`,
      },
      needsPerson: false,
    };
  const bound = boundOf(release, step);
  const isEarly = now.watched - (progress.readyAt?.watched ?? now.watched) < FIGURES_COME_MS;
  if ((watched < bound || isEarly) && blocking.verdict !== "fail" && !isOverdue(release, blocking)) {
    return { because: { kind: "time", sentence: `Not enough data yet: ${blocking.sentence}` }, needsPerson: false };
  }
  const kind = blocking.verdict === "fail" ? "guard" : "no-data";
  return { because: { kind, sentence: blocking.sentence, verdict: blocking }, needsPerson: kind === "no-data" };
}

/** How long evidence is waited for: once as long again as was planned, before the plan or a person says what then. */
function boundOf({ plan }: Release, { hold: wanted }: StepOf<"shift">): Duration {
  if (plan.judge === 1) return wanted.kind === "evidence" ? wanted.boundMs : 0;
  return TIMES_WAITED * plannedHoldMs(wanted);
}

/** More traffic shows more, as long as stable keeps some: all of it is never given for want of evidence. */
function isRaised({ plan }: Release, step: StepOf<"shift">): boolean {
  const next = plan.steps
    .slice(plan.steps.findIndex(({ id }) => id === step.id) + 1)
    .find(({ kind }) => kind === "shift");
  return next?.kind === "shift" && next.share < WHOLE;
}

/** A second is told when it has been over for a while: until the first is known, nothing known is no reason to ask a person. */
const FIGURES_COME_MS = 5 * SECOND;

/** A limit of a hold or a rollback is broken. */
export function isHolding({ verdict, level }: Verdict): boolean {
  return verdict === "fail" && level !== "warn";
}

/** I4: only `pass` advances (a warning is told and passes). */
export function isWithoutEvidence(release: Release, verdict: Verdict): boolean {
  if (verdict.verdict === "pass" || verdict.verdict === "fail") return false;
  if (verdict.notBeforeMs !== undefined) return true;
  // Without an earlier version there may be no visitors yet: the first release of an empty place need not wait for them.
  return !(release.stable === null && verdict.verdict !== "source-down");
}

/** The plan waits for no more looks that can't tell. */
function isOverdue(release: Release, verdict: Verdict): boolean {
  return verdict.isOverdue === true && isWithoutEvidence(release, verdict);
}

function pass(step: Step, because: Because): readonly ReleaseEvent[] {
  return [{ type: "step-passed", step: step.id, because }];
}

function reasonToPass(release: Release, step: Step, seen: Seen): Because {
  if (step.kind !== "shift") return { kind: "time", sentence: `${step.name}: done.` };
  if (seen.verdicts.length === 0) return { kind: "guard", sentence: "Its time is over; nothing was watched." };
  const told = seen.verdicts.map(({ sentence }) => sentence).join("; ");
  return { kind: "guard", sentence: `${whatWasFound(release, seen.verdicts)}: ${told}.` };
}

function whatWasFound(release: Release, all: readonly Verdict[]): string {
  const verdicts = all.filter(isActedOn);
  if (verdicts.length === 0) return "Its time is over; nothing was watched but what is tried out";
  if (verdicts.some(({ verdict }) => verdict === "fail")) return "A warning, and no other limit broken";
  const isUnseen = verdicts.some(({ verdict }) => verdict !== "pass");
  if (release.stable === null && isUnseen) return "The first version, which need not wait for visitors";
  const isTriedOut = all.some((verdict) => verdict.verdict === "fail" && !isActedOn(verdict));
  return isTriedOut ? "No limit broken but one that is tried out" : "No limit broken";
}
