import type { AlertPart, Message } from "../release/effect.ts";
import { type GuardId, guardId, isActedOn, type Verdict } from "../plan/guard.ts";
import { fullStop } from "../text/plain-text.ts";
import { fillReferences } from "../text/references.ts";
import { currentStep, type Hold, type Release } from "../release/release.ts";
import { formatShare } from "../traffic/share.ts";
import { type Duration, type Instant, SECOND } from "../time/time.ts";

/** A hold that is over sooner is none that anybody must hear of. */
const HELD_FOR: Duration = 5 * SECOND;

/** Something that people hear of, once. */
export interface News {
  /** Unique in the release; the same at every look. */
  readonly name: string;
  readonly message: Message;
  /** When it became news. */
  readonly since: Instant;
  /** Names of the only receivers; absent or none: whoever hears of the topic. */
  readonly to?: readonly string[];
  /** Names of receivers who hear of it beside those. */
  readonly also?: readonly string[];
  /** It lasts for as long as it is among the news. Absent: it is told, and that is that. */
  readonly severity?: AlertPart["severity"];
}

/** What there is to tell of a release now, and what still lasts of it. */
export function newsOf(release: Release, now: Instant): readonly News[] {
  const { id, candidate, startedAt, liveAt, endedAt, plan } = release;
  const command = `tidegate status ${id}`;
  const news: News[] = [];
  const add = (
    name: string,
    since: Instant,
    said: Pick<Message, "topic" | "sentence">,
    more: Pick<News, "severity" | "to"> = {},
  ): void =>
    void news.push({ name, since, ...more, message: { title: titleOf(release), ...said, command, at: since } });
  if (startedAt !== null)
    add("started", startedAt.wall, { topic: "started", sentence: `Release ${id} started by ${release.by}.` });
  news.push(...announcements(release));
  for (const { slug, sentence, since } of phases(release)) add(`phase-${slug}`, since, { topic: "phase", sentence });
  for (const { guard, sentence, since, to } of warnings(release))
    add(
      `warning-${guard}-${stepAndAttempt(release)}`,
      since,
      { topic: "warning", sentence: fullStop(sentence) },
      { severity: "warning", to },
    );
  news.push(...holding(release, now));
  for (const { outcome, id: of, because, fromShare } of release.emergencies) {
    if (outcome !== "frozen") continue;
    const sentence = `Frozen at ${formatShare(fromShare)}: ${fullStop(because.sentence)}`;
    // News from now on: nobody could be told when it was done.
    add(
      `frozen-${of}`,
      release.paused?.at.wall ?? now,
      { topic: "needs-person", sentence },
      release.paused === null ? {} : { severity: "critical" },
    );
  }
  if (liveAt !== null) add("live", liveAt.wall, { topic: "live", sentence: `${candidate.label} is live.` });
  if (release.state === "closed" && endedAt !== null && plan.steps.some(({ afterMs }) => afterMs !== undefined))
    add("closed", endedAt.wall, { topic: "closed", sentence: `Every step of release ${id} is done.` });
  news.push(...rolledBack(release));
  if (release.state === "failed" && release.fault !== null)
    add(
      failedName(release),
      endedAt?.wall ?? now,
      { topic: "failed", sentence: release.fault.what },
      { severity: "critical" },
    );
  return news;
}

/** A second failure, after a retry, is news of its own. */
function failedName({ messages, endedAt }: Release): string {
  const isSecond = Object.entries(messages).some(
    ([name, { requestedAt }]) => /^(?:alert-)?failed@/.test(name) && requestedAt.wall < (endedAt?.wall ?? 0),
  );
  return isSecond ? `failed-${endedAt?.wall ?? 0}` : "failed";
}

function titleOf({ app, environment, stable, candidate }: Release): string {
  return `${app} ${stable?.label ?? "(nothing)"} → ${candidate.label} ${environment}`;
}

/** What it is held by, and what the reader can do. A wait that the plan asks for is no alert: nobody is woken up for it. */
function holding(release: Release, now: Instant): readonly News[] {
  const { hold, id, holds } = release;
  if (hold === null) return [];
  const isAsked = hold.needsPerson;
  if (!isAsked && Math.abs(now - hold.at.wall) < HELD_FOR) return [];
  const isPlanned = hold.because.kind === "waiting";
  const step = currentStep(release)?.step;
  const command =
    isAsked && isPlanned && step?.kind === "approve" ? `tidegate approve --release ${id}` : `tidegate status ${id}`;
  return [
    {
      name: isAsked ? `held-${holds}` : heldName(release, hold),
      since: hold.at.wall,
      message: {
        topic: isAsked ? "needs-person" : "held",
        title: titleOf(release),
        sentence: fullStop(hold.because.sentence),
        command,
        at: hold.at.wall,
      },
      ...(isPlanned ? {} : { severity: isAsked ? "critical" : "warning" }),
      also: receiversOf(release, hold.because.verdict),
    },
  ];
}

function rolledBack(release: Release): readonly News[] {
  const { undo, endedAt, state, id } = release;
  if (undo === null || endedAt === null || state !== "rolled-back") return [];
  const sentence = `Rolled back at ${formatShare(undo.fromShare)}: ${fullStop(undo.because.sentence)}${early(release)}`;
  return [
    {
      name: "rolled-back",
      since: endedAt.wall,
      message: {
        topic: "rolled-back",
        title: titleOf(release),
        sentence,
        command: `tidegate status ${id}`,
        at: endedAt.wall,
      },
      // Whoever did it by hand knows.
      ...(undo.by === null ? { severity: "critical" } : {}),
      also: receiversOf(release, undo.because.verdict),
    },
  ];
}

/** Where it was done before an engine or its journal could say so. */
function early({ emergencies, stable }: Release): string {
  if (!emergencies.some(({ outcome }) => outcome === "put-back")) return "";
  return ` All traffic was on ${stable?.label ?? "stable"} at once; the rest, and this message, had to wait for an engine and its journal.`;
}

/** Whom the plan names for the guard that has spoken; the same guard may be in several steps. */
function receiversOf({ plan }: Release, verdict: Verdict | undefined): readonly string[] {
  if (verdict === undefined) return [];
  const guards = plan.steps.flatMap(({ guards }) => guards).filter((guard) => guardId(guard) === guardId(verdict));
  return [...new Set(guards.flatMap(({ to = [] }) => to))];
}

/** What `notify` steps say. The step itself waits for nobody: a webhook that hangs must not hold a release up. */
function announcements({ app, candidate, plan, steps }: Release): readonly News[] {
  return plan.steps.flatMap((step, index): readonly News[] => {
    const progress = steps[index];
    if (step.kind !== "notify" || progress?.startedAt === null || progress === undefined) return [];
    const { label, slot } = candidate;
    const sentence = fillReferences(step.message, { version: label, slot });
    const since = progress.startedAt.wall;
    return [
      {
        name: `announcement-${step.id}-${progress.attempt}`,
        message: { topic: "announcement", title: `${app} ${label}`, sentence, at: since },
        since,
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
function warnings(
  release: Release,
): readonly { guard: GuardId; sentence: string; since: Instant; to: readonly string[] }[] {
  const progress = currentStep(release)?.progress;
  if (progress?.state !== "running") return [];
  const since = progress.startedAt?.wall ?? release.lastAt.wall;
  return Object.values(release.verdicts)
    .filter((verdict) => isActedOn(verdict) && verdict.verdict === "fail" && verdict.level === "warn")
    .map((verdict) => ({
      guard: guardId(verdict),
      sentence: verdict.sentence,
      since: release.verdictsAt[guardId(verdict)]?.wall ?? since,
      to: receiversOf(release, verdict),
    }));
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
