import type { Duration, Instant } from "../../../core/time/time.ts";

/** Requests must be missing for so long to count as lost: those that are being logged right now are not. */
const SETTLES_MS: Duration = 1_000;

/**
 * Holds the requests that were read from the log against those that HAProxy itself has counted: `show stat` is the
 * authority. Lines may come a moment late, so only what stays missing is lost.
 */
export interface LossCheck {
  /** A line of a request that ended at `endedAt`. */
  read(endedAt: Instant): void;
  /**
   * `ended`: the requests that HAProxy says have ended. It was asked at `asked` and had answered by `answered`, by the clock
   * of its lines. Answers how many more are lost since the look before.
   */
  look(ended: number, asked: Instant, answered?: Instant): number;
}

/** What HAProxy had counted once, and how many lines were read since that it can't have counted then. */
interface Look {
  readonly answered: Instant;
  readonly ended: number;
  laterLines: number;
}

export function lossCheck(): LossCheck {
  let since: { readonly at: Instant; readonly ended: number } | null = null;
  let lines = 0;
  let told = 0;
  let looks: readonly Look[] = [];
  return {
    read(endedAt) {
      if (since === null || endedAt <= since.at) return;
      lines += 1;
      for (const look of looks) if (endedAt > look.answered) look.laterLines += 1;
    },
    look(ended, asked, answered = asked) {
      // Another process counts from nothing.
      if (since === null || ended < since.ended) {
        since = { at: asked, ended };
        lines = 0;
        told = 0;
        looks = [];
        return 0;
      }
      const counted = since.ended;
      const settled = looks.filter((look) => look.answered <= asked - SETTLES_MS);
      looks = [...looks.filter((look) => !settled.includes(look)), { answered, ended, laterLines: 0 }];
      // Each count is held against the lines of its own requests: those that are under way are never all here.
      const missing = settled.map((look) => look.ended - counted - (lines - look.laterLines));
      const most = Math.max(told, ...missing);
      const more = most - told;
      told = most;
      return more;
    },
  };
}
