import { effectWords } from "../../core/status/effect-words.ts";
import { backupLine, migratedLine, wentBackLine } from "./database-lines.ts";
import { fullStop } from "../../core/text/plain-text.ts";
import type { ReleaseEvent } from "../../core/release/event.ts";
import { type EffectProgress, endsByItself, type Release } from "../../core/release/release.ts";
import { leftRunningIn } from "../../core/release/left-running.ts";
import { guardId, type Verdict } from "../../core/plan/guard.ts";
import { formatShare, twinShare } from "../../core/traffic/share.ts";
import { formatDuration } from "../../core/time/time.ts";
import { emergencyLine, labelOf } from "./emergency-line.ts";
import { type Style, symbols } from "./style.ts";

/**
 * What happened, as one line for a log; null for what nobody needs to read. `release` is the state with the event in
 * it: steps and effects are called by their names. `before` is the state without it; null: it is the first.
 */
export function eventLine(event: ReleaseEvent, release: Release, before: Release | null, style: Style): string | null {
  const marks = symbols(style);
  switch (event.type) {
    case "planned":
      return `release ${event.release}: ${event.app} ${event.stable === null ? "" : `${event.stable.label} ${marks.arrow} `}${event.candidate.label} ${event.environment}, by ${event.by}`;
    case "started":
    case "watch-checkpoint":
    case "effect-requested":
      return null;
    case "engine-took-over":
      return event.awayMs < 1_000
        ? null
        : `an engine acts again; the time since the journal's last line, ${formatDuration(event.awayMs)}, does not count as watched`;
    case "step-started":
      return `${marks.running} ${nameOf(release, event.step)}${event.attempt > 1 ? `, try ${event.attempt}` : ""}`;
    case "effect-confirmed":
      return confirmedLine(event, release);
    case "effect-failed":
      return failedLine(event, release, style);
    case "contract-started":
      return `${event.file} has its locks and takes away: ${release.stable === null ? "from here on it is gone" : `from here on there is no way back to ${release.stable.label}`}`;
    case "verdict-changed":
      if (before?.verdicts[guardId(event.verdict)] === undefined && isAsExpected(event.verdict)) return null;
      return `${event.verdict.verdict}${event.verdict.level === undefined ? "" : ` (${event.verdict.level})`}: ${event.verdict.sentence}`;
    case "held":
      return `held at ${formatShare(release.share)}: ${fullStop(event.because.sentence)} ${howItEnds(release)}`;
    case "hold-ended":
      return "goes on";
    case "step-passed":
      return `${event.because.isPromotedPast === true ? marks.skipped : marks.passed} ${nameOf(release, event.step)}${tookOf(release, event.step)}${reasonToPass(event, release)}`;
    case "step-failed":
      return `${marks.failed} ${nameOf(release, event.step)}${tookOf(release, event.step)}: ${event.because.sentence}`;
    case "step-skipped":
      return `${marks.skipped} ${nameOf(release, event.step)} skipped by ${event.by}${reason(event)}`;
    case "approved":
      return `${event.by} approved ${nameOf(release, event.step)}${event.own ? " (their own release, a team of one)" : ""}${reason(event)}`;
    case "item-ticked":
      return `${marks.passed} ${event.item}${event.by === null ? "" : ` ticked by ${event.by}`}${event.detail === "" ? "" : `: ${event.detail}`}`;
    case "paused":
      return `paused by ${event.by}${reason(event)}`;
    case "resumed":
      return `resumed by ${event.by}${reason(event)}`;
    case "promoted":
      return `${event.by} promoted ${nameOf(release, event.step)}${reason(event)}`;
    case "acknowledged":
      return `${event.by} looks after it${reason(event)}`;
    case "stepped-back":
      return `stepping back to ${formatShare(event.share)}: ${event.because.sentence}`;
    case "retried":
      return `${event.by} tries again${reason(event)}`;
    case "share-drifted":
      return event.sentence;
    case "retirement-brought-forward":
      return `the standby is retired now: release ${event.for} needs its slot`;
    case "rollback-decided":
      return `${marks.failed} rolling back from ${formatShare(release.undo?.fromShare ?? 0)}: ${event.because.sentence}`;
    case "emergency-noted-late":
      return `noted late: ${emergencyLine(event.emergency, (version) => labelOf(release, version))}`;
    case "rolled-back":
      return `rolled back: ${event.sentence}`;
    case "went-live":
      return `${marks.passed} live: ${release.candidate.label} has all of the traffic`;
    case "closed":
      return `${marks.passed} closed: every step is done`;
    case "failed":
      return `${marks.failed} needs a person: ${event.fault.what}`;
  }
}

export function nameOf(release: Release, step: string): string {
  return release.plan.steps.find(({ id }) => id === step)?.name ?? step;
}

/** That it is done is said by the mark. */
function reasonToPass({ step, because }: Extract<ReleaseEvent, { type: "step-passed" }>, release: Release): string {
  return because.sentence === `${nameOf(release, step)}: done.` ? "" : `: ${because.sentence}`;
}

function tookOf(release: Release, id: string): string {
  const progress = release.steps.find(({ step }) => step === id);
  if (progress?.startedAt === null || progress?.endedAt === null || progress === undefined) return "";
  return ` ${formatDuration(progress.endedAt.wall - progress.startedAt.wall)}`;
}

/** At first: that a guard is well is no news, least of all beside a start that fails, nor that nothing is counted yet. */
function isAsExpected({ verdict, figures }: Verdict): boolean {
  return verdict === "pass" || (verdict === "no-data" && figures.windowMs === 0);
}

/** Of a hold that has just begun. */
function howItEnds(release: Release): string {
  if (!endsByItself(release)) return "Needs a person.";
  return release.hold?.needsPerson === true
    ? "Whoever acts goes on once that is over; a person can decide before."
    : "Goes on once that is over.";
}

function reason({ reason }: { readonly reason?: string }): string {
  return reason === undefined ? "" : `: ${reason}`;
}

/** The last part of `release/step/attempt/name`. */
function effectName(release: Release, key: string): string {
  const [, step = "", , name = key] = key.split("/");
  const of = nameOf(release, step);
  if (step === "message") return `message ${name.replace("@", " to ")}`;
  const planned = release.plan.steps.find(({ id }) => id === step);
  const words = planned === undefined ? name : effectWords(planned, name);
  if (words === "") return of;
  return step === "undo" ? name : `${of}, ${words}`;
}

/** The first time with everything that is known of it; a try that fails the same way again is only counted, and told ever more seldom. */
function failedLine(
  event: Extract<ReleaseEvent, { type: "effect-failed" }>,
  release: Release,
  style: Style,
): string | null {
  const tries = effectOf(release, event.key)?.try ?? 1;
  const begin = `${symbols(style).failed} ${effectName(release, event.key)}`;
  // An outage of hours is told now and then, not every ten seconds.
  if (tries > 4 && !Number.isInteger(Math.log2(tries))) return null;
  if (tries > 1) return `${begin} again (try ${tries}): ${event.fault.what}`;
  const { cause, detail = [] } = event.fault;
  return [`${begin}: ${event.fault.what}`, ...(cause === undefined ? [] : [cause]), ...detail].join("\n");
}

function effectOf(release: Release, key: string): EffectProgress | undefined {
  const all = [
    ...release.steps.map(({ effects }) => effects),
    release.undo?.effects ?? {},
    release.earlyRetirement ?? {},
    release.messages,
  ];
  return all.flatMap((effects) => Object.values(effects)).find((effect) => effect.key === key);
}

function confirmedLine(event: Extract<ReleaseEvent, { type: "effect-confirmed" }>, release: Release): string | null {
  const effect = effectOf(release, event.key)?.effect;
  const took = formatDuration(event.tookMs);
  switch (effect?.kind) {
    case "share":
      return `${formatShare(effect.share)} of the traffic on ${release.candidate.label}${effect.twin === true ? `, ${formatShare(twinShare(effect.share))} on the twin of ${release.stable?.label ?? "stable"}` : ""}, read back after ${took}`;
    case "stop":
      return [
        `${effectName(release, event.key)} done in ${took}${cutIn(event)}`,
        ...leftRunningIn(event.observed),
      ].join("\n");
    case "prepare":
    case "start":
    case "command":
      return `${effectName(release, event.key)} done in ${took}`;
    case "backup":
      return backupLine(event.observed, took);
    case "migrate":
      return migratedLine(event.observed, took);
    case "migrate-back":
      return wentBackLine(event.observed, took);
    case "settle":
      return settledLine(event, release, effect.on, took);
    case "smoke":
    case "warm":
    case "machine-check":
    case "notify":
    case "gather-evidence":
    case "prune-versions":
    case undefined:
      return null;
  }
}

/** What no drain was long enough for: WebSockets, most of all. */
function cutIn({ observed }: Extract<ReleaseEvent, { type: "effect-confirmed" }>): string {
  const cut = observed["cutAtDeadline"];
  if (typeof cut !== "number" || cut === 0) return "";
  return `; ${cut} still open at the end of the drain ${cut === 1 ? "was" : "were"} cut`;
}

function settledLine(
  { observed }: Extract<ReleaseEvent, { type: "effect-confirmed" }>,
  { stable, undo }: Release,
  on: "stable" | "candidate",
  took: string,
): string | null {
  const { closedDoors } = observed;
  if (Array.isArray(closedDoors))
    return `could not be listened on again: ${closedDoors.join(", ")}; what was open stays open`;
  return on === "stable" && undo === null && stable !== null
    ? `the front door leads to ${stable.label}, read back after ${took}`
    : null;
}
