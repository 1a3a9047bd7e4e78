import type { Release } from "../../core/release/release.ts";
import { returnedSentence } from "../../core/status/status-sentence.ts";
import type { Status } from "../../core/status/status.ts";
import type { TrafficState } from "../../core/traffic/routing.ts";
import { formatAge, formatDuration, type Instant, SECOND } from "../../core/time/time.ts";
import { timeOfDay } from "./time-of-day.ts";

/** What the data plane does with a partial share that nobody watches, or has done; empty where there is none. */
export function unwatchedSentence(
  status: Status,
  release: Release,
  plane: TrafficState | null = null,
  now: Instant = Date.now(),
): readonly string[] {
  const { afterMs, do: act } = release.plan.unwatched;
  const { sharePercent, candidate, stable } = status;
  if (sharePercent === 0 || sharePercent === 100 || stable === null) return [];
  // Of this release: the plane may know of another one by now.
  const known = plane?.table?.release === release.id ? plane : null;
  if (known !== null && known.returnedAt !== null)
    return [
      `Nobody renewed the lease, so the data plane put all of the traffic back on ${stable.label} by itself at ${timeOfDay(known.returnedAt)}.`,
    ];
  if (act === "hold") return [`Unwatched, ${sharePercent}% stays on ${candidate.label}: the plan says hold.`];
  const endsAt = known?.leaseEndsAt ?? null;
  if (endsAt === null)
    return [`Unwatched, all of the traffic goes back to ${stable.label} after ${formatDuration(afterMs)}.`];
  const left = formatDuration(Math.max(0, Math.ceil((endsAt - now) / SECOND) * SECOND));
  return [
    `The lease runs out at ${timeOfDay(endsAt)}, in ${left}: then all of the traffic goes back to ${stable.label} by itself.`,
  ];
}

/** With the sentence that is true once the plane has taken the share back: the journal will know of it only when an engine comes. */
export function asThePlaneHasIt(
  status: Status,
  release: Release,
  plane: TrafficState | null,
  now: Instant = Date.now(),
): Status {
  const { isWatched, sharePercent, state, stable } = status;
  const isPartial = sharePercent > 0 && sharePercent < 100 && stable !== null;
  const isReturned = plane?.table?.release === release.id && plane.returnedAt !== null;
  if (isWatched || state !== "running" || !isPartial || !isReturned) return status;
  return { ...status, sentence: returnedSentence(release, { wall: now, watched: release.lastAt.watched }) };
}

/**
 * Since when nobody watches, by the last sign that an engine gave: a word in the journal, or the lease that it renewed. The
 * figures may be much older than that.
 */
export function lastSign(
  { figuresAtMs }: Pick<Status, "figuresAtMs">,
  release: Release,
  plane: TrafficState | null,
  now: Instant = Date.now(),
): string {
  const ends = plane?.table?.release === release.id ? (plane.returnedAt ?? plane.leaseEndsAt ?? null) : null;
  const at = Math.max(release.lastAt.wall, ends === null ? 0 : ends - release.plan.unwatched.afterMs);
  const since = `Nobody has watched it since ${timeOfDay(at)}, ${formatAge(at, now)} ago.`;
  if (figuresAtMs === null) return since;
  return `${since} The figures are of ${timeOfDay(figuresAtMs)}, when they were last written down: what was shown after that is not kept.`;
}
