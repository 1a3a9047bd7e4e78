/** A moment in wall time: milliseconds since 1970-01-01T00:00:00Z. */
export type Instant = number;

/** A length of time in milliseconds. */
export type Duration = number;

/**
 * The two clocks that a release lives by.
 * `wall` may jump; `watched` never does: it counts only the time in which an engine really watched this release.
 */
export interface Moment {
  readonly wall: Instant;
  /** Watched time since the release was planned. */
  readonly watched: Duration;
}

export const SECOND: Duration = 1_000;
export const MINUTE: Duration = 60_000;
export const HOUR: Duration = 3_600_000;
export const DAY: Duration = 86_400_000;

/** Short text of a duration for people: `850ms`, `12s`, `3m 08s`, `2h 05m`, `3d 4h`. */
export function formatDuration(duration: Duration): string {
  const ms = Math.max(0, Math.round(duration));
  if (ms < SECOND) return `${ms}ms`;
  const pad = (n: number): string => String(n).padStart(2, "0");
  const seconds = Math.floor(ms / SECOND);
  if (seconds < 60) return ms < 10 * SECOND && ms % SECOND !== 0 ? `${(ms / SECOND).toFixed(1)}s` : `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes}m` : `${minutes}m ${pad(seconds % 60)}s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours}h` : `${hours}h ${pad(minutes % 60)}m`;
  const days = Math.floor(hours / 24);
  return hours % 24 === 0 ? `${days}d` : `${days}d ${hours % 24}h`;
}

/** How long ago something was: `40s`, `2m 54s`; never less than a second. */
export function formatAge(at: Instant, now: Instant): string {
  return formatDuration(Math.max(SECOND, Math.floor((now - at) / SECOND) * SECOND));
}
