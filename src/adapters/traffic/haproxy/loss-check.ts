/** How many looks must agree before requests count as lost: those that are being logged right now are not. */
const LOOKS = 3;

/**
 * Holds the requests that were read from the log against those that HAProxy itself has counted: `show stat` is the
 * authority. Lines may come a moment late, so only what stays missing is lost.
 */
export interface LossCheck {
  /** A line of a request that ended at `endedAt`. */
  read(endedAt: number): void;
  /** `ended`: the requests that HAProxy says have ended, at `at`. Answers how many more are lost since the look before. */
  look(ended: number, at: number): number;
}

export function lossCheck(): LossCheck {
  let since: { readonly at: number; readonly ended: number } | null = null;
  let lines = 0;
  let told = 0;
  let newest: number[] = [];
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
        newest = [];
        return 0;
      }
      newest = [...newest, ended - since.ended - lines].slice(-LOOKS);
      if (newest.length < LOOKS) return 0;
      const missing = Math.max(0, Math.min(...newest));
      const more = Math.max(0, missing - told);
      told = Math.max(told, missing);
      return more;
    },
  };
}
