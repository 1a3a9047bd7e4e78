import { formatCount } from "../../core/analysis/figures.ts";
import type { StepPower } from "../../core/forecast/plan-power.ts";
import { TIMES_WAITED } from "../../core/plan/hold-time.ts";
import { type Duration, formatDuration, SECOND } from "../../core/time/time.ts";
import { formatShare, WHOLE } from "../../core/traffic/share.ts";
import { catchWords } from "./catch-words.ts";
import { chance, rateText } from "./chance.ts";

/** `catches errors of 1% (~100%), 0.5% (98%), 0.25% only 1 time in 4; proves a healthy version in about 3m` */
export function powerSentence({ catches, compares, hasTwin, passing, probesSeconds }: StepPower): string {
  const words = catchWords(catches);
  const caught = !compares
    ? "compares nothing with stable: only limits of its own, failed checks and crashes put it back"
    : words === null
      ? "stable fails so often that a comparison can hardly find anything worse"
      : `catches ${words}${hasTwin ? " by its twin" : ""}`;
  const passes =
    passing === null || passing.seconds === null ? "" : `; proves a healthy version in about ${about(passing.seconds)}`;
  const byProbes = probesSeconds === null ? "" : `; its probes alone in about ${about(probesSeconds)}`;
  return `${caught}${passes}${byProbes}`;
}

/** A version that is as good as stable may be kept waiting for want of evidence; null: hardly. */
export function stuckSentence({ name, seconds, passing, probesSeconds }: StepPower): string | null {
  if (passing === null || passing.chance >= LIKELY) return null;
  if (probesSeconds !== null && probesSeconds <= 2 * seconds) return null;
  const longest = formatDuration(2 * seconds * SECOND);
  const why =
    passing.seconds === null
      ? "as stable does not show it of itself either: it has too few requests, or fails too often for the limit"
      : `it takes about ${about(passing.seconds)}`;
  return `"${name}" can hardly show within ${longest} that a version is healthy, ${why}. ${withProbes(probesSeconds)}Give it a larger share or more time, ${probesSeconds === null ? "" : "probe more often, "}or give a guard an easier \`promote\`${probesSeconds === null ? ", or the plan `probes`" : ""}.`;
}

/** Of a step that nobody visits; null: it has no probes, or they show it in time. */
export function probesSentence(name: string, plannedMs: Duration, seconds: number | null): string | null {
  const longest = TIMES_WAITED * plannedMs;
  if (seconds === null || seconds * SECOND <= longest) return null;
  return `Without visitors "${name}" can't show within ${formatDuration(longest)} that a version is healthy: its probes alone take about ${about(seconds)}. Probe more often or by more flows, give it more time, or give a guard an easier \`promote\`.`;
}

function withProbes(seconds: number | null): string {
  return seconds === null ? "" : `Its probes take about ${about(seconds)}. `;
}

const LIKELY = 0.5;

/** Nobody would believe the seconds of an hour. */
function about(seconds: number): string {
  const unit = seconds < 60 ? 1 : seconds < 600 ? 10 : seconds < 7_200 ? 60 : 3_600;
  return formatDuration(Math.max(1, Math.round(seconds / unit)) * unit * SECOND);
}

/** What a step can't tell, and what would help. */
export function weakSentence({ name, rps, share, seconds, weak, passing }: StepPower): string | null {
  if (weak === null) return null;
  const perMinute = rps * 60 * (share / WHOLE);
  const requests =
    perMinute >= 2
      ? `${formatCount(perMinute)} requests a minute`
      : `${Number((perMinute * 60).toPrecision(2))} requests an hour`;
  const missed = `${weak.caught < 0.05 ? "would hardly ever" : `would in ${chance(weak.caught)} of releases`} notice ${rateText(weak.errors)} errors`;
  const more = weak.share === null ? null : formatShare(weak.share * WHOLE);
  const longer = weak.seconds === null ? null : formatDuration(weak.seconds * SECOND);
  const help =
    more !== null
      ? `Use ${more}${longer === null ? "" : `, or stay for ${longer}`}.`
      : longer !== null
        ? `Stay for ${longer}.`
        : "No share up to 50% and no time up to a week would do.";
  return `Little traffic: at ${atRate(rps)} "${name}" sees ${requests} and in ${formatDuration(seconds * SECOND)} ${missed}. ${help}${rest(weak.seconds, passing)}`;
}

/** A fault shows sooner than that there is none: what a step so long waits for beyond it. */
function rest(longer: number | null, passing: StepPower["passing"]): string {
  if (longer === null || passing === null || passing.seconds === null || passing.seconds <= longer) return "";
  return ` To show that a version is healthy takes about ${about(passing.seconds)}: a step waits for that up to twice its time.`;
}

function atRate(rps: number): string {
  return rps >= 1
    ? `${Number(rps.toPrecision(2))} requests a second`
    : `${Number((rps * 60).toPrecision(2))} requests a minute`;
}
