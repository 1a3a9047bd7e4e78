import { currentStatus } from "./current-status.ts";
import { effectWords } from "./effect-words.ts";
import { figuresAt, isCompared, tellingVerdict } from "./figures-at.ts";
import { isPutBackEarly } from "../release/emergency.ts";
import type { Step } from "../plan/step.ts";
import { fullStop } from "../text/plain-text.ts";
import { currentStep, type Release } from "../release/release.ts";
import { formatShare } from "../traffic/share.ts";
import { formatAge, type Moment } from "../time/time.ts";

/**
 * Where a release stands and why, in one sentence with its figures (I10): the same wherever it is told. Where it is not
 * watched, the figures are those that the journal has, with their age.
 */
export function statusSentence(release: Release, now: Moment, isWatched = true): string {
  const current = currentStep(release);
  const { candidate, stable } = release;
  if (release.state === "failed") return `Needs a person: ${release.fault?.what ?? "something failed."}`;
  if (release.state === "rolled-back")
    return `Rolled back at ${formatShare(release.undo?.fromShare ?? 0)}: ${fullStop(release.undo?.because.sentence ?? "")}`;
  if (release.undo !== null && !isWatched && isPutBackEarly(release))
    return `All traffic is back on ${stable?.label ?? "stable"}, from ${formatShare(release.undo.fromShare)}: ${fullStop(release.undo.because.sentence)} The rest of the rollback waits for an engine.`;
  if (release.undo !== null)
    return `Rolling back from ${formatShare(release.undo.fromShare)}: ${fullStop(release.undo.because.sentence)}`;
  if (release.state === "closed") return `${candidate.label} is live; every step is done.`;
  if (current === null) return `${candidate.label} is live.`;
  if (release.paused !== null)
    return `Paused at ${formatShare(release.share)} by ${release.paused.by}${release.paused.reason === undefined ? "" : `: ${release.paused.reason}`}.`;
  if (release.hold !== null) {
    const { because } = release.hold;
    const noted = isWatched ? null : figuresAt(release, now);
    const then = noted === null ? "" : `, by figures of ${formatAge(noted, now.wall)} ago`;
    return `Held at ${formatShare(release.share)}${then}: ${fullStop(because.sentence)}`;
  }
  const status = currentStatus(release, current.step, current.progress, now);
  if (status.waitsFor === "start-time") return `${candidate.label} is live; "${current.step.name}" is due later.`;
  if (current.step.kind === "shift" && status.waitsFor !== "effect")
    return isWatched ? watchingSentence(release, current.step) : unwatchedSentence(release, current.step, now);
  const doing = status.doing === null ? "" : effectWords(current.step, status.doing);
  return `${current.step.name}${doing === "" ? "" : `: ${doing}`} …`;
}

/** The same, where the data plane has taken the share back because nobody watched, and no journal knows of it yet. */
export function returnedSentence(release: Release, now: Moment): string {
  const before = statusSentence(release, now, false);
  const back = `all of the traffic is back on ${release.stable?.label ?? "stable"}, from ${formatShare(release.share)}`;
  const unwatched = unwatchedAt(release);
  return before.startsWith(unwatched)
    ? `Nobody watches: ${back}${before.slice(unwatched.length)}`
    : `Nobody watches: ${back}. ${before}`;
}

function watchingSentence(release: Release, step: Step): string {
  const at = `Watching at ${formatShare(release.share)}`;
  if (!isCompared(release, step)) return `${at}: the first version, nothing to compare with.`;
  const telling = tellingVerdict(release);
  return telling === null ? `${at}: nothing known yet.` : `${at}: ${telling.sentence}.`;
}

/** Who watched may have seen newer figures than the journal has: it is told of changes alone. */
function unwatchedSentence(release: Release, step: Step, now: Moment): string {
  const at = unwatchedAt(release);
  if (!isCompared(release, step)) return `${at}: the first version, nothing to compare with.`;
  const telling = tellingVerdict(release);
  if (telling === null) return `${at}, and the journal has no figures.`;
  const noted = figuresAt(release, now);
  return `${at}; last noted${noted === null ? "" : ` ${formatAge(noted, now.wall)} ago`}: ${telling.sentence}.`;
}

function unwatchedAt({ share }: Release): string {
  return `Nobody watches at ${formatShare(share)}`;
}
