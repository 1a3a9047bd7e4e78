import { fullStop } from "../text/plain-text.ts";
import type { Release } from "../release/release.ts";
import { formatShare } from "../traffic/share.ts";

/**
 * The release that put this version back the last time that it was released; null: none did, or it went well since.
 * One that was superseded is no judgement of it.
 */
export function putBackBefore(newestFirst: readonly Release[], version: string): Release | null {
  const last = newestFirst.find(({ candidate }) => candidate.version === version);
  if (last?.state !== "rolled-back" || last.undo === null || last.undo.because.kind === "superseded") return null;
  return last;
}

/** Visitors had it and it was taken from them, so somebody has to say that they shall get it again. */
export function hadVisitors({ undo }: Release): boolean {
  return undo !== null && (undo.fromShare > 0 || undo.wasLive);
}

/** `Release 41 put 9f2c1e back at 5%: errors 5.9% (4/68) against 0.08% (1/1 302), limit 1.5x.` */
export function putBackSentence(release: Release): string {
  const { id, candidate, undo } = release;
  const because = fullStop(undo?.because.sentence ?? "");
  return hadVisitors(release)
    ? `Release ${id} put ${candidate.label} back at ${formatShare(undo?.fromShare ?? 0)}: ${because}`
    : `Release ${id} put ${candidate.label} back before it had a visitor: ${because}`;
}
