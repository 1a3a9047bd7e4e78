/**
 * Which version a visitor gets. The same arithmetic in every data plane (HAProxy's `crc32` converter, Node's
 * `zlib.crc32`), so that a visitor stays on one side whichever plane answers.
 */

/** A part of the traffic in basis points: 0 … 10 000, where 500 is 5 %. */
export type Share = number;

export const WHOLE: Share = 10_000;

/** One of 10 000 groups of visitors: `crc32(visitor id) mod 10 000`. */
export type Cohort = number;

export function cohortOf(crc32: number): Cohort {
  return (crc32 >>> 0) % WHOLE;
}

/**
 * Whether a cohort sees the candidate. The offset belongs to the release, so that the same visitors are not every
 * release's canary; within a release, who is in at 5 % is in at 25 %.
 */
export function isInCandidate(cohort: Cohort, offset: number, share: Share): boolean {
  return (cohort + offset) % WHOLE < share;
}

/** What the twin of stable gets beside a candidate: as much as the candidate, and never more than the rest. */
export function twinShare(share: Share): Share {
  return Math.min(share, WHOLE - share);
}

/** Whether a cohort sees the twin: from the other end than the candidate's, so that who is in at 5 % is in at 25 %. */
export function isInTwin(cohort: Cohort, offset: number, share: Share): boolean {
  return (cohort + offset) % WHOLE >= WHOLE - twinShare(share);
}

/** A share for people: `5%`, `0.5%`, `100%`. */
export function formatShare(share: Share): string {
  return `${share / 100}%`;
}
