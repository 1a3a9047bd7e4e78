import type { Act, ReleaseEvent } from "./event.ts";
import type { Fault } from "./fault.ts";
import { validApprovals } from "./hold.ts";
import type { Step } from "./plan.ts";
import { lowerShift } from "./react.ts";
import { type Release, type StepProgress, currentStep, isEnded } from "./release.ts";
import { formatShare } from "./share.ts";
import { formatDuration, type Instant } from "./time.ts";
import { noWayBack } from "./way-back.ts";

/** What a person asks of a release. `seen` binds it to what they saw: a plan or step that has changed since refuses it. */
export type Command =
  | { readonly kind: "approve"; readonly step?: string; readonly planHash?: string }
  | { readonly kind: "tick"; readonly item: string; readonly step?: string }
  | { readonly kind: "promote"; readonly step?: string; readonly skip?: string }
  | { readonly kind: "pause" }
  | { readonly kind: "resume" }
  | { readonly kind: "step-back"; readonly step?: string }
  | { readonly kind: "rollback"; readonly superseded?: boolean }
  | { readonly kind: "retry" }
  /** Asked by a newer release that needs the slot, never by a person. */
  | { readonly kind: "retire-early"; readonly for: number };

export interface Person {
  readonly name: string;
}

export type CommandAnswer =
  | { readonly kind: "accepted"; readonly events: readonly ReleaseEvent[]; readonly sentence: string }
  /** `already`: it is as asked; nothing to do is no failure. */
  | { readonly kind: "already"; readonly sentence: string }
  | { readonly kind: "refused"; readonly fault: Fault };

/** The events that follow from a person's command at `now` (wall time), or why not. Pure; the same rules in CLI and API. */
export function command(
  release: Release,
  asked: Command,
  person: Person,
  reason: string | undefined,
  now: Instant,
): CommandAnswer {
  const act: Act = { by: person.name, ...(reason === undefined ? {} : { reason }) };
  if (
    isEnded(release) &&
    !(asked.kind === "rollback" && release.state === "closed") &&
    asked.kind !== "retry" &&
    asked.kind !== "retire-early"
  ) {
    return ended(release, asked);
  }
  if (release.undo !== null && asked.kind !== "retry") {
    if (asked.kind === "rollback")
      return { kind: "already", sentence: `Release ${release.id} is being rolled back already.` };
    return refuse(
      "release-rolling-back",
      `Release ${release.id} is being rolled back; that can't be stopped.`,
      `tidegate status ${release.id} --follow`,
    );
  }
  switch (asked.kind) {
    case "approve":
      return approve(release, asked, person, act, now);
    case "tick":
      return tick(release, asked, person, act);
    case "promote":
      return asked.skip === undefined ? promote(release, asked.step, act) : skip(release, asked.skip, act);
    case "pause":
      if (release.paused !== null) return { kind: "already", sentence: `Paused by ${release.paused.by} already.` };
      return accept(
        [{ type: "paused", ...act }],
        "Paused: it stays where it is until resumed; guards go on watching and can still roll it back.",
      );
    case "resume":
      if (release.paused === null) return { kind: "already", sentence: "It is not paused." };
      return accept([{ type: "resumed", ...act }], "Resumed.");
    case "step-back":
      return stepBack(release, asked.step, act);
    case "rollback":
      return rollback(release, asked, act);
    case "retry":
      return retry(release, act);
    case "retire-early":
      return retireEarly(release, asked.for);
  }
}

function ended({ id, state, stable }: Release, { kind }: Command): CommandAnswer {
  if (kind === "rollback" && state === "rolled-back") {
    const on = stable === null ? "nothing served before it" : `all traffic is on ${stable.label}`;
    // Going back further takes down what serves now: nobody may get that by asking twice.
    return { kind: "already", sentence: `Release ${id} is rolled back already, and ${on}.` };
  }
  if (state === "failed")
    return refuse("release-ended", `Release ${id} has failed: it can only be tried again.`, `tidegate retry ${id}`);
  return refuse("release-ended", `Release ${id} is ${state.replace("-", " ")}: there is nothing to ${kind}.`);
}

function accept(events: readonly ReleaseEvent[], sentence: string): CommandAnswer {
  return { kind: "accepted", events, sentence };
}

function refuse(code: string, what: string, fix?: string): CommandAnswer {
  return { kind: "refused", fault: { code, what, ...(fix === undefined ? {} : { fix }) } };
}

/** By id, name or number (from 1); absent: the step that is due. */
function findStep(
  release: Release,
  wanted: string | undefined,
): { readonly step: Step; readonly progress: StepProgress } | null {
  if (wanted === undefined) return currentStep(release);
  const index = release.plan.steps.findIndex(
    ({ id, name }, at) => id === wanted || name === wanted || String(at + 1) === wanted,
  );
  const step = release.plan.steps[index];
  const progress = release.steps[index];
  return step === undefined || progress === undefined ? null : { step, progress };
}

function unknownStep(release: Release, wanted: string | undefined): CommandAnswer {
  const names = release.plan.steps.map(({ name }, at) => `${at + 1} ${name}`).join(", ");
  return refuse(
    "step-unknown",
    wanted === undefined ? "No step is due." : `The plan has no step "${wanted}".`,
    `the steps are: ${names}`,
  );
}

function mayAct(release: Release, person: Person, role: string): boolean {
  const roles = release.plan.people[person.name];
  if (Object.keys(release.plan.people).length === 0) return true;
  return roles !== undefined && (role === "anyone" || roles.includes(role));
}

function roleFault(release: Release, person: Person, role: string, but = ""): CommandAnswer {
  return refuse(
    "role-missing",
    `${person.name} has not the role "${role}" that this needs.`,
    whoMay(release, role, but),
  );
}

/** `but`: somebody who may not, whatever their roles are. */
function whoMay({ plan }: Release, role: string, but: string): string {
  const who = Object.entries(plan.people)
    .filter(([name, roles]) => name !== but && (role === "anyone" || roles.includes(role)))
    .map(([name]) => name);
  return who.length === 0 ? "give somebody else the role in the plan file's people:" : `ask ${who.join(" or ")}`;
}

function approve(
  release: Release,
  asked: Extract<Command, { kind: "approve" }>,
  person: Person,
  act: Act,
  now: Instant,
): CommandAnswer {
  const found = findStep(release, asked.step) ?? null;
  if (found === null) return unknownStep(release, asked.step);
  const { step, progress } = found;
  if (step.kind !== "approve")
    return refuse(
      "nothing-to-approve",
      `The step "${step.name}" needs no approval.`,
      "tidegate status says who acts next",
    );
  if (asked.planHash !== undefined && asked.planHash !== release.planHash) {
    return refuse(
      "plan-changed",
      "The plan is not the one that you saw, so your approval would not hold for it.",
      "look at tidegate status, then approve again",
    );
  }
  if (!mayAct(release, person, step.role)) return roleFault(release, person, step.role, release.by);
  const team = Object.keys(release.plan.people).length;
  const own = person.name === release.by;
  if (own && team > 1)
    return refuse(
      "own-release",
      `${person.name} started this release, and nobody approves a release of their own.`,
      whoMay(release, step.role, release.by),
    );
  const early = notYetDue(release, step, now);
  if (early !== null) return early;
  if (validApprovals(release, progress).includes(person.name))
    return { kind: "already", sentence: `${person.name} has approved "${step.name}" already.` };
  return accept(
    [{ type: "approved", step: step.id, planHash: release.planHash, version: release.candidate.version, own, ...act }],
    `Approved "${step.name}" for ${release.candidate.label}${own ? " (own release, team of one)" : ""}.`,
  );
}

/** Who signs day 1 off on day 0 has not seen it. */
function notYetDue({ liveAt }: Release, { name, afterMs }: Step, now: Instant): CommandAnswer | null {
  if (afterMs === undefined) return null;
  const rule = `"${name}" can be approved ${formatDuration(afterMs)} after the release went live`;
  if (liveAt === null) return refuse("not-due", `${rule}, and it is not live yet.`);
  const left = liveAt.wall + afterMs - now;
  return left <= 0 ? null : refuse("not-due", `${rule}: in ${formatDuration(left)}.`);
}

function tick(release: Release, asked: Extract<Command, { kind: "tick" }>, person: Person, act: Act): CommandAnswer {
  const steps =
    asked.step === undefined
      ? release.plan.steps
      : release.plan.steps.filter(({ id, name }) => id === asked.step || name === asked.step);
  for (const step of steps) {
    if (step.kind !== "check") continue;
    const item = step.checklist.items.find(({ id, text }) => id === asked.item || text === asked.item);
    if (item === undefined) continue;
    if (item.check !== undefined)
      return refuse(
        "item-checked-by-machine",
        `"${item.text}" is ticked by its machine check, not by a person.`,
        "mend what it checks, then: tidegate retry",
      );
    if (item.role !== undefined && !mayAct(release, person, item.role)) return roleFault(release, person, item.role);
    return accept(
      [{ type: "item-ticked", step: step.id, item: item.id, by: person.name, detail: act.reason ?? "" }],
      `Ticked: ${item.text}`,
    );
  }
  const open = release.plan.steps.flatMap((step) =>
    step.kind === "check"
      ? step.checklist.items.filter(({ check, ticked }) => check === undefined && !ticked).map(({ id }) => id)
      : [],
  );
  return refuse(
    "item-unknown",
    `No checklist of this release has an item "${asked.item}".`,
    open.length === 0 ? undefined : `open items: ${open.join(", ")}`,
  );
}

function promote(release: Release, seen: string | undefined, act: Act): CommandAnswer {
  const current = currentStep(release);
  if (current === null) return refuse("nothing-to-promote", "Every step is done.");
  const { step, progress } = current;
  const over = overAlready(release, seen);
  if (over !== null) return over;
  if (progress.promoted) return { kind: "already", sentence: `"${step.name}" is promoted already.` };
  if (step.kind === "approve")
    return refuse(
      "needs-approval",
      `"${step.name}" waits for an approval, which promoting can't replace.`,
      "tidegate approve, or tidegate promote --skip STEP --reason …",
    );
  if (progress.state === "failed" && (step.kind === "start" || step.kind === "shift")) {
    return refuse(
      "step-failed",
      `"${step.name}" failed, so there is nothing to promote: ${progress.because?.sentence ?? ""}`,
      "tidegate retry, or tidegate rollback",
    );
  }
  return accept(
    [{ type: "promoted", step: step.id, ...act }],
    `Promoted: "${step.name}" ends as soon as what it does is done.`,
  );
}

/** Who moved on from the step that they saw must not move on from another one unseen, nor twice from the same. */
function overAlready(release: Release, seen: string | undefined): CommandAnswer | null {
  const step = currentStep(release)?.step;
  if (seen === undefined || step === undefined || seen === step.id) return null;
  const meant = findStep(release, seen)?.step.name ?? seen;
  return { kind: "already", sentence: `"${meant}" is over already; now it is at "${step.name}".` };
}

function skip(release: Release, wanted: string, act: Act): CommandAnswer {
  const found = findStep(release, wanted);
  if (found === null) return unknownStep(release, wanted);
  const { step, progress } = found;
  if (progress.state === "passed" || progress.state === "skipped")
    return { kind: "already", sentence: `"${step.name}" is ${progress.state} already.` };
  if (step.kind === "start" || (step.kind === "shift" && step.share === 10_000))
    return refuse("step-needed", `"${step.name}" can't be skipped: the rest of the plan stands on it.`);
  if (act.reason === undefined)
    return refuse("reason-missing", `Skipping "${step.name}" needs a reason for the record.`, `add --reason "…"`);
  return accept([{ type: "step-skipped", step: step.id, ...act }], `Skipped "${step.name}".`);
}

function stepBack(release: Release, seen: string | undefined, act: Act): CommandAnswer {
  const lower = lowerShift(release);
  const current = currentStep(release);
  const over = overAlready(release, seen);
  if (over !== null) return over;
  if (lower === null || current === null) {
    return refuse(
      "no-lower-step",
      `The candidate has ${formatShare(release.share)}, and the plan has no lower share before this step.`,
      "tidegate rollback goes back to stable",
    );
  }
  const because = {
    kind: "person",
    sentence: `${act.by} stepped back${act.reason === undefined ? "" : `: ${act.reason}`}.`,
  } as const;
  return accept(
    [{ type: "stepped-back", from: current.step.id, to: lower.id, share: lower.share, because, by: act.by }],
    `Stepping back to ${formatShare(lower.share)}.`,
  );
}

function rollback(release: Release, asked: Extract<Command, { kind: "rollback" }>, act: Act): CommandAnswer {
  const because = {
    kind: asked.superseded === true ? "superseded" : "person",
    sentence: `${asked.superseded === true ? "Superseded" : "Rolled back"} by ${act.by}${act.reason === undefined ? "" : `: ${act.reason}`}.`,
  } as const;
  const ended = noWayBack(release);
  if (ended !== null) return refuse("no-way-back", ended, RELEASE_INSTEAD);
  return accept([{ type: "rollback-decided", because, by: act.by }], rollbackSentence(release));
}

const RELEASE_INSTEAD = "release the version that shall serve: tidegate release VERSION";

/** What a rollback would undo and how long it takes (I7); why it can't and what remains, where it can't. */
export function rollbackSentence(release: Release): string {
  const { stable, candidate } = release;
  const ended = noWayBack(release);
  if (ended !== null) return `Not possible: ${ended} Instead, ${RELEASE_INSTEAD}.`;
  if (stable === null) return `Stops ${candidate.label}; nothing serves then, because there is no earlier version.`;
  const commands = release.begun.commands.filter(({ undo }) => undo !== null).length;
  const beside = commands === 0 ? "" : `, undoes ${commands} command${commands === 1 ? "" : "s"}`;
  if (!release.begun.standbyStop)
    return `Puts 100% back on ${stable.label} at once, which still runs${beside}, then stops ${candidate.label}. Under 1s for users.`;
  const start = release.steps
    .flatMap(({ effects }) => Object.values(effects))
    .find(({ effect, state }) => effect.kind === "start" && state === "confirmed");
  const took =
    start?.tookMs === null || start?.tookMs === undefined
      ? "as long as its start takes"
      : `about ${Math.ceil(start.tookMs / 1000)}s`;
  return `${stable.label} was retired: starts it again (${took}), then puts 100% on it${beside}, then stops ${candidate.label}.`;
}

/** Asked once more where it has failed: a newer release must not wait for ever for one that can't be stopped at first. */
function retireEarly(release: Release, next: number): CommandAnswer {
  const hasFailed = Object.values(release.earlyRetirement ?? {}).some(({ state }) => state === "failed");
  if (release.followedBy === next && (release.standbyRetired || !hasFailed))
    return { kind: "already", sentence: "The standby is retired already." };
  return accept(
    [{ type: "retirement-brought-forward", for: next }],
    `Retiring the standby now: release ${next} takes its place.`,
  );
}

function retry(release: Release, act: Act): CommandAnswer {
  const current = currentStep(release);
  if (release.state === "closed" || release.state === "rolled-back")
    return refuse(
      "release-ended",
      `Release ${release.id} is ${release.state.replace("-", " ")}: there is nothing to retry.`,
      release.state === "closed"
        ? "tidegate release starts a new one"
        : `tidegate release ${release.candidate.label} begins anew with that version`,
    );
  if (release.undo !== null && release.state !== "failed")
    return { kind: "already", sentence: `Release ${release.id} is being rolled back, and goes on by itself.` };
  const step = current?.step.id ?? release.plan.steps.at(-1)?.id ?? "";
  if (release.state !== "failed" && release.hold === null && current?.progress.state !== "failed")
    return refuse("nothing-to-retry", "Nothing has failed and nothing is held.");
  return accept(
    [{ type: "retried", step, ...act }],
    release.undo === null ? `Trying "${current?.step.name ?? step}" again.` : "Going on with the rollback.",
  );
}
