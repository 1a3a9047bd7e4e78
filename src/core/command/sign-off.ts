import type { Command } from "./command.ts";
import { accept, type CommandAnswer, refuse } from "./command-answer.ts";
import type { Act } from "../release/event.ts";
import { validApprovals } from "../decide/hold.ts";
import { findStep, unknownStep } from "./named-step.ts";
import type { Step } from "../plan/step.ts";
import type { Release } from "../release/release.ts";
import { formatDuration, type Instant } from "../time/time.ts";

/** Who asks; their roles are in the plan. */
export interface Person {
  readonly name: string;
}

/** An approval, bound to plan hash, artifact and step (I9). */
export function approve(
  release: Release,
  asked: Extract<Command, { kind: "approve" }>,
  person: Person,
  act: Act,
  now: Instant,
): CommandAnswer {
  const found = findStep(release, asked.step);
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

/** A person's tick at an item of a checklist. */
export function tick(
  release: Release,
  asked: Extract<Command, { kind: "tick" }>,
  person: Person,
  act: Act,
): CommandAnswer {
  const steps =
    asked.step === undefined
      ? release.plan.steps
      : release.plan.steps.filter(({ id, name }) => id === asked.step || name === asked.step);
  const found = steps.flatMap((step) => {
    const item =
      step.kind === "check"
        ? step.checklist.items.find(({ id, text }) => id === asked.item || text === asked.item)
        : undefined;
    return item === undefined ? [] : [{ step, item, isTicked: item.ticked || isTickedIn(release, step, item.id) }];
  });
  // The same checklist may stand in the plan twice: what is meant is what is still open.
  const meant = found.find(({ isTicked }) => !isTicked) ?? found[0];
  if (meant !== undefined) {
    const { step, item, isTicked } = meant;
    if (item.check !== undefined)
      return refuse(
        "item-checked-by-machine",
        `"${item.text}" is ticked by its machine check, not by a person.`,
        "mend what it checks, then: tidegate retry",
      );
    if (item.role !== undefined && !mayAct(release, person, item.role)) return roleFault(release, person, item.role);
    if (isTicked) return { kind: "already", sentence: `"${item.text}" is ticked already.` };
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

function isTickedIn(release: Release, { id }: Step, item: string): boolean {
  return release.steps.some(({ step, ticks }) => step === id && ticks[item] !== undefined);
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
