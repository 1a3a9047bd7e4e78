/** Requests and bad ones of stable by group of cohorts, summed up. */
export type CohortCounts = readonly { readonly n: number; readonly bad: number }[];

/** Expected bad events a group below which the figure is mostly chance. */
const LEAST_EXPECTED = 1;

/**
 * How much more the bad events of stable vary between groups of its visitors than chance would have it: Pearson's statistic over
 * its degrees of freedom, 1 for independent requests. Above 1 they come in heaps (clients that retry, one sick instance), and
 * the comparison is tempered by it. 1 while too little is known.
 */
export function dispersion(groups: CohortCounts): number {
  const n = groups.reduce((sum, group) => sum + group.n, 0);
  const bad = groups.reduce((sum, group) => sum + group.bad, 0);
  const rate = n === 0 ? 0 : bad / n;
  const counted = groups.filter((group) => group.n * rate >= LEAST_EXPECTED);
  if (counted.length < 2 || rate >= 1) return 1;
  const pearson = counted.reduce((sum, group) => {
    const expected = group.n * rate;
    return sum + (group.bad - expected) ** 2 / (expected * (1 - rate));
  }, 0);
  return pearson / (counted.length - 1);
}

/** What the gains of a comparison are multiplied by. */
export function temperingOf(groups: CohortCounts): number {
  return 1 / Math.max(1, dispersion(groups));
}
