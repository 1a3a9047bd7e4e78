import type { Guard, Verdict } from "../plan/guard.ts";
import type { Look } from "./look.ts";

/**
 * I4: while there is no twin to compare with, nothing that compares passes, and nothing else is put in its place. What was
 * found before, and what a limit of its own finds, stands.
 */
export function whileTwinIsAway(verdict: Verdict, guard: Guard, { twin, switched }: Look): Verdict {
  const notReady = twin?.notReady ?? null;
  // Who tells figures from outside knows nothing of twins, so these are compared with stable itself.
  if (notReady === null || switched !== undefined || guard.source !== undefined || !isCompared(guard)) return verdict;
  if (verdict.verdict === "fail" || verdict.verdict === "source-down") return verdict;
  return { ...verdict, verdict: "no-data", sentence: `${verdict.sentence}; not compared, ${notReady}` };
}

/** By a limit that does more than tell people. */
function isCompared({ limits }: Guard): boolean {
  return (["rollback", "hold"] as const).some((level) => limits[level]?.some(({ kind }) => kind === "relative"));
}
