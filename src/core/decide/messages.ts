import { effectKey, type Message } from "../release/effect.ts";
import type { ReleaseEvent } from "../release/event.ts";
import { type GuardId, guardId, isActedOn } from "../plan/guard.ts";
import { fullStop } from "../text/plain-text.ts";
import type { NotifyTarget } from "../plan/plan.ts";
import { fillReferences } from "../text/references.ts";
import { currentStep, type EffectProgress, type Hold, type Release } from "../release/release.ts";
import { formatShare } from "../traffic/share.ts";
import { type Duration, HOUR, type Instant, MINUTE, type Moment, SECOND } from "../time/time.ts";

/** How often a message is handed to whoever delivers it, before it is given up. */
const TRIES = 5;
const FIRST_PAUSE: Duration = 10 * SECOND;
const LONGEST_PAUSE: Duration = 5 * MINUTE;
/** What nobody took for so long is no news any more. */
const NEWS: Duration = HOUR;
/** A hold that is over sooner is none that anybody must hear of. */
const HELD_FOR: Duration = 5 * SECOND;

/**
 * Messages to people that are due and not yet under way. They block nothing, and each target is told by itself: one
 * that does not answer keeps nothing from the others, and nobody is told twice because somebody else was not.
 */
export function decideMessages(release: Release, now: Moment): readonly ReleaseEvent[] {
  return tellings(release, now.wall).flatMap(({ name, message, target, sent, since }): readonly ReleaseEvent[] => {
    if (sent !== undefined && !(isAgain(sent, since, now.wall) && hasPaused(sent, now.wall))) return [];
    return [
      {
        type: "effect-requested",
        key: effectKey(release.id, "message", 1, name),
        within: { kind: "message" },
        name,
        try: (sent?.try ?? 0) + 1,
        effect: { kind: "notify", message, to: [target] },
        inverse: null,
      },
    ];
  });
}

/** Whether somebody is still to be told something, now or at a next try. */
export function isMessageLeft(release: Release, now: Instant): boolean {
  return tellings(release, now).some(
    ({ sent, since }) => sent === undefined || sent.state === "requested" || isAgain(sent, since, now),
  );
}

/** One message to one target. */
interface Telling {
  readonly name: string;
  readonly message: Message;
  readonly target: NotifyTarget;
  readonly since: Instant;
  readonly sent: EffectProgress | undefined;
}

function tellings(release: Release, now: Instant): readonly Telling[] {
  return dueMessages(release, now).flatMap(({ name: about, message, since, to = [] }) =>
    release.plan.notify
      .filter((target) => to.length === 0 || to.includes(nameOf(target)))
      .map((target) => {
        const name = `${about}@${nameOf(target)}`;
        return { name, message, target, since, sent: release.messages[name] };
      }),
  );
}

function nameOf(target: NotifyTarget): string {
  return target.kind === "webhook" ? target.name : target.kind;
}

function isAgain({ state, try: tries }: EffectProgress, since: Instant, now: Instant): boolean {
  return (state === "failed" || state === "interrupted") && tries < TRIES && now - since < NEWS;
}

/** A wall clock that was put back must not stretch the pause. */
function hasPaused({ state, endedAt, try: tries }: EffectProgress, now: Instant): boolean {
  const pause = Math.min(FIRST_PAUSE * 2 ** (tries - 1), LONGEST_PAUSE);
  return state === "interrupted" || Math.abs(now - (endedAt?.wall ?? 0)) >= pause;
}

interface Due {
  readonly name: string;
  readonly message: Message;
  /** When it became news. */
  readonly since: Instant;
  /** Names of targets; none: all. */
  readonly to?: readonly string[];
}

function dueMessages(release: Release, now: Instant): readonly Due[] {
  const { id, app, environment, stable, candidate, startedAt, liveAt, endedAt, undo, plan } = release;
  const title = `${app} ${stable?.label ?? "(nothing)"} → ${candidate.label} ${environment}`;
  const command = `tidegate status ${id}`;
  const due: Due[] = [];
  const add = (name: string, since: Instant, message: Omit<Message, "title">): void =>
    void due.push({ name, since, message: { title, ...message } });
  if (startedAt !== null)
    add("started", startedAt.wall, { topic: "started", sentence: `Release ${id} started by ${release.by}.`, command });
  due.push(...announcements(release));
  for (const { slug, sentence, since } of phases(release)) add(`phase-${slug}`, since, { topic: "phase", sentence });
  for (const { guard, sentence, since } of warnings(release))
    add(`warning-${guard}-${stepAndAttempt(release)}`, since, {
      topic: "warning",
      sentence: fullStop(sentence),
      command,
    });
  const { hold } = release;
  if (hold?.needsPerson === true)
    add(`held-${release.holds}`, hold.at.wall, {
      topic: "needs-person",
      sentence: fullStop(hold.because.sentence),
      command,
    });
  else if (hold !== null && Math.abs(now - hold.at.wall) >= HELD_FOR)
    add(heldName(release, hold), hold.at.wall, { topic: "held", sentence: fullStop(hold.because.sentence), command });
  for (const { outcome, id: of, because, fromShare } of release.emergencies) {
    if (outcome !== "frozen") continue;
    const sentence = `Frozen at ${formatShare(fromShare)}: ${fullStop(because.sentence)}`;
    // News from now on: nobody could be told when it was done.
    add(`frozen-${of}`, release.paused?.at.wall ?? now, { topic: "needs-person", sentence, command });
  }
  if (liveAt !== null) add("live", liveAt.wall, { topic: "live", sentence: `${candidate.label} is live.` });
  if (release.state === "closed" && endedAt !== null && plan.steps.some(({ afterMs }) => afterMs !== undefined))
    add("closed", endedAt.wall, { topic: "closed", sentence: `Every step of release ${id} is done.` });
  if (undo !== null && endedAt !== null && release.state === "rolled-back") {
    const sentence = `Rolled back at ${formatShare(undo.fromShare)}: ${fullStop(undo.because.sentence)}${early(release)}`;
    add("rolled-back", endedAt.wall, { topic: "rolled-back", sentence, command });
  }
  if (release.state === "failed" && release.fault !== null)
    add("failed", endedAt?.wall ?? now, { topic: "failed", sentence: release.fault.what, command });
  return due;
}

/** Where it was done before an engine or its journal could say so. */
function early({ emergencies, stable }: Release): string {
  if (!emergencies.some(({ outcome }) => outcome === "put-back")) return "";
  return ` All traffic was on ${stable?.label ?? "stable"} at once; the rest, and this message, had to wait for an engine and its journal.`;
}

/** What `notify` steps say. The step itself waits for nobody: a webhook that hangs must not hold a release up. */
function announcements({ app, candidate, plan, steps }: Release): readonly Due[] {
  return plan.steps.flatMap((step, index): readonly Due[] => {
    const progress = steps[index];
    if (step.kind !== "notify" || progress?.startedAt === null || progress === undefined) return [];
    const { label, slot } = candidate;
    const sentence = fillReferences(step.message, { version: label, slot });
    return [
      {
        name: `announcement-${step.id}-${progress.attempt}`,
        message: { topic: "announcement", title: `${app} ${label}`, sentence },
        since: progress.startedAt.wall,
        to: step.to,
      },
    ];
  });
}

/** Those that have begun. */
function phases({ plan, steps }: Release): readonly { slug: string; sentence: string; since: Instant }[] {
  const begun = new Map<string, { slug: string; sentence: string; since: Instant }>();
  plan.steps.forEach(({ phase }, index) => {
    const startedAt = steps[index]?.startedAt ?? null;
    if (phase === undefined || startedAt === null || begun.has(phase.name)) return;
    const objective = phase.objective === undefined ? "" : `: ${phase.objective}`;
    begun.set(phase.name, {
      slug: phase.name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-"),
      sentence: `${phase.name} begins${objective}.`,
      since: startedAt.wall,
    });
  });
  return [...begun.values()];
}

/** Limits that are broken and act on nothing, in the step that is due. */
function warnings(release: Release): readonly { guard: GuardId; sentence: string; since: Instant }[] {
  const progress = currentStep(release)?.progress;
  if (progress?.state !== "running") return [];
  const since = progress.startedAt?.wall ?? release.lastAt.wall;
  return Object.values(release.verdicts)
    .filter((verdict) => isActedOn(verdict) && verdict.verdict === "fail" && verdict.level === "warn")
    .map((verdict) => ({ guard: guardId(verdict), sentence: verdict.sentence, since }));
}

/** One message a step, attempt and reason: what is held and goes on again and again must not flood people. */
function heldName(release: Release, { because }: Hold): string {
  const { verdict } = because;
  return ["held", because.kind, ...(verdict === undefined ? [] : [guardId(verdict)]), stepAndAttempt(release)].join(
    "-",
  );
}

function stepAndAttempt(release: Release): string {
  const progress = currentStep(release)?.progress;
  return `${progress?.step ?? "end"}-${progress?.attempt ?? 0}`;
}
