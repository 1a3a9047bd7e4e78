import { currentStatus } from "./current-status.ts";
import { isHolding, isWithoutEvidence } from "../decide/hold.ts";
import { isActedOn } from "../plan/guard.ts";
import { fullStop } from "../text/plain-text.ts";
import { currentStep, type Release } from "../release/release.ts";
import { formatShare } from "../traffic/share.ts";
import type { Moment } from "../time/time.ts";

/**
 * Where a release stands and why, in one sentence with its figures (I10): the same wherever it is told. Where it is not
 * watched, the figures are those of the journal's last word.
 */
export function statusSentence(release: Release, now: Moment, isWatched = true): string {
  const current = currentStep(release);
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
  if (release.hold !== null) {
    const { because } = release.hold;
    const then = isWatched || because.verdict === undefined ? "" : ", by the last that was seen";
    return `Held at ${formatShare(release.share)}${then}: ${fullStop(because.sentence)}`;
  }
  const status = currentStatus(release, current.step, current.progress, now);
  if (status.waitsFor === "start-time") return `${candidate.label} is live; "${current.step.name}" is due later.`;
  if (current.step.kind === "shift" && status.waitsFor !== "effect")
    return watchingSentence(release, stable === null, isWatched);
  return `${current.step.name}${status.doing === null || status.doing === current.step.name ? "" : `: ${status.doing}`} …`;
}

function watchingSentence(release: Release, isFirst: boolean, isWatched: boolean): string {
  const verdicts = Object.values(release.verdicts);
  const share = formatShare(release.share);
  const at = isWatched ? `Watching at ${share}` : `Nobody watches at ${share}`;
  if (isFirst) return `${at}: the first version, nothing to compare with.`;
  const acted = verdicts.filter(isActedOn);
  const telling =
    acted.find(isHolding) ??
    acted.find((verdict) => isWithoutEvidence(release, verdict)) ??
    acted.find(({ verdict }) => verdict !== "pass") ??
    acted[0] ??
    verdicts[0];
  if (telling === undefined) return isWatched ? `${at}: nothing known yet.` : `${at}, and nothing was seen before.`;
  return isWatched ? `${at}: ${telling.sentence}.` : `${at}; seen last: ${telling.sentence}.`;
}
