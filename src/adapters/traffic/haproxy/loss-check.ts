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
  /** `ended`: the requests that HAProxy says have ended, at `at`. Answers how many more are lost since the look before. */
  look(ended: number, at: Instant): number;
}

export function lossCheck(): LossCheck {
  let since: { readonly at: Instant; readonly ended: number } | null = null;
  let lines = 0;
  let told = 0;
  let looks: readonly { readonly at: Instant; readonly missing: number }[] = [];
  return {
    read(endedAt) {
      if (since !== null && endedAt > since.at) lines += 1;
    },
    look(ended, at) {
      // Another process counts from nothing.
      if (since === null || ended < since.ended) {
        since = { at, ended };
        lines = 0;
        told = 0;
        looks = [];
        return 0;
      }
      looks = [...looks, { at, missing: ended - since.ended - lines }];
      const begun = looks.findLastIndex((look) => look.at <= at - SETTLES_MS);
      if (begun === -1) return 0;
      looks = looks.slice(begun);
      const missing = Math.max(0, Math.min(...looks.map((look) => look.missing)));
      const more = Math.max(0, missing - told);
      told = Math.max(told, missing);
      return more;
    },
  };
}
