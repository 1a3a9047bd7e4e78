import { setTimeout as delay } from "node:timers/promises";
import { isHolding } from "../../core/decide/hold.ts";
import { type Fault, FaultError } from "../../core/fault.ts";
import { leastHoldMs } from "../../core/plan/hold-time.ts";
import type { Plan } from "../../core/plan/plan.ts";
import type { Step } from "../../core/plan/step.ts";
import { currentStep, isEnded, type Release } from "../../core/release/release.ts";
import type { Status } from "../../core/status/status.ts";
import { type Duration, HOUR, SECOND } from "../../core/time/time.ts";
import { readRelease, type Session } from "../session.ts";

/** One release of the rehearsal. */
export interface ReleaseRun {
  readonly session: Session;
  readonly plan: Plan;
  readonly version: string;
  /** `end`: all of its steps. `last-share`: until the candidate has had its last share for as long as `plan` says, and no further. */
  readonly until: "end" | "last-share";
  readonly signal: AbortSignal;
  readonly onLook: (release: Release, status: Status) => void;
}

/** The release as its journal tells it, and why it did not come as far as was asked; null: it did. */
export interface ReleaseOutcome {
  readonly release: Release;
  readonly trouble: Fault | null;
}

const LOOK_MS = 100;
/** A step that waits for evidence gets as much longer, before it is promoted for want of it. */
const PATIENCE_MS: Duration = 2 * SECOND;
/** A limit that is broken a moment after the start of a share may be whole again. */
const BROKEN_MS: Duration = 10 * SECOND;

/** Begins a release and sees it through: a share that shows nothing bad is promoted when its short time is over. */
export async function runRelease({
  session,
  plan,
  version,
  until,
  signal,
  onLook,
}: ReleaseRun): Promise<ReleaseOutcome> {
  const asked = until === "end" ? plan : stayingAtLastShare(plan);
  const answer = await session.ask({ kind: "release", plan: asked, version, supersede: false }, null);
  if (answer.kind === "refused") throw new FaultError(answer.fault);
  const id = answer.release;
  for (;;) {
    const { release, status } = await look({ session, signal, onLook }, id);
    const end = endOf(release, status);
    if (end !== null) return { release, trouble: end.trouble };
    const shown = shareShown(release, status, plan);
    if (shown === "enough" && until === "last-share" && isLastShare(release)) return { release, trouble: null };
    if (shown === "enough")
      await session.ask(
        { kind: "command", command: { kind: "promote" }, reason: "its time in the rehearsal is over" },
        id,
      );
    if (shown !== null && shown !== "enough") return { release, trouble: shown };
    await delay(LOOK_MS, undefined, { signal });
  }
}

/** Takes everything back, and waits until it is. */
export async function runRollback({ session, signal, onLook }: Looking, id: number): Promise<ReleaseOutcome> {
  const command = { kind: "rollback" } as const;
  const answer = await session.ask({ kind: "command", command, reason: "the rehearsal tries the way back" }, id);
  if (answer.kind === "refused") throw new FaultError(answer.fault);
  for (;;) {
    const { release } = await look({ session, signal, onLook }, id);
    if (release.state === "rolled-back") return { release, trouble: null };
    if (release.state === "failed") return { release, trouble: release.fault ?? unknownFault("The rollback failed.") };
    await delay(LOOK_MS, undefined, { signal });
  }
}

type Looking = Pick<ReleaseRun, "session" | "signal" | "onLook">;

async function look(
  { session, signal, onLook }: Looking,
  id: number,
): Promise<{ readonly release: Release; readonly status: Status }> {
  signal.throwIfAborted();
  const release = await readRelease(session.journal, id);
  const status = await session.status(id);
  if (release === null || status === null) throw new Error("A release that was begun is in the journal.");
  onLook(release, status);
  return { release, status };
}

/** null: it goes on. */
function endOf(release: Release, status: Status): { readonly trouble: Fault | null } | null {
  if (release.state === "closed") return { trouble: null };
  if (release.state === "failed") return { trouble: release.fault ?? unknownFault("The release failed.") };
  if (release.state === "rolled-back") return { trouble: putBack(release) };
  if (isEnded(release)) return { trouble: null };
  const step = currentStep(release);
  const isJudged = step?.step.kind === "shift" && step.progress.state === "running";
  if (status.hold?.needsPerson !== true || isJudged) return null;
  return { trouble: { ...unknownFault(status.hold.sentence), code: "rehearsal-held" } };
}

function putBack({ undo, candidate }: Release): Fault {
  const because = undo?.because;
  const { fault } = because ?? {};
  return {
    code: fault?.code ?? "rehearsal-rolled-back",
    what: fault?.what ?? `${candidate.label} was put back: ${because?.sentence ?? "nobody knows why"}`,
    ...(fault?.where === undefined ? {} : { where: fault.where }),
    ...(fault?.detail === undefined ? {} : { detail: fault.detail }),
    ...(fault?.cause === undefined ? {} : { cause: fault.cause }),
    ...(fault?.fix === undefined ? {} : { fix: fixOf(fault.fix, fault.again) }),
  };
}

/** Nothing of the sandbox's release is there any more to go on with. */
function fixOf(fix: string, again: string | undefined): string {
  return again === undefined ? fix : fix.replace(again, "tidegate rehearse VERSION");
}

/** Of the share that is due: `enough`; why it is not to go on; null: not yet, or it goes on by itself. */
function shareShown(release: Release, status: Status, plan: Plan): "enough" | Fault | null {
  const current = currentStep(release);
  if (current === null || current.step.kind !== "shift" || release.undo !== null) return null;
  const { readyAt, state, promoted } = current.progress;
  if (readyAt === null || state !== "running" || promoted) return null;
  const sinceMs = Date.now() - readyAt.wall;
  const broken = status.verdicts.find((verdict) => isHolding(verdict) && verdict.dryRun !== true);
  if (broken !== undefined) return sinceMs < BROKEN_MS ? null : { code: "rehearsal-held", what: broken.sentence };
  const wanted = plan.steps.find(({ id }) => id === current.step.id);
  const heldMs = wanted?.kind === "shift" ? leastHoldMs(wanted.hold) : 0;
  // One that stays has nothing to wait for but its time.
  const patienceMs = isStaying(current.step) ? 0 : PATIENCE_MS;
  return sinceMs < heldMs + patienceMs ? null : "enough";
}

/** It stays where it is until it is told to go back. */
function stayingAtLastShare(plan: Plan): Plan {
  const last = plan.steps.findLastIndex(({ kind }) => kind === "shift");
  const hold = { kind: "for", ms: STAYS_MS } as const;
  return {
    ...plan,
    steps: plan.steps.map((step, index) => (index === last && step.kind === "shift" ? { ...step, hold } : step)),
  };
}

const STAYS_MS: Duration = HOUR;

function isStaying(step: Step): boolean {
  return step.kind === "shift" && step.hold.kind === "for" && step.hold.ms === STAYS_MS;
}

function isLastShare({ plan, cursor }: Release): boolean {
  return !plan.steps.slice(cursor + 1).some(({ kind }) => kind === "shift");
}

function unknownFault(what: string): Fault {
  return { code: "rehearsal-failed", what };
}
