import { withoutFullStop } from "../text/plain-text.ts";
import type { CheckResult } from "../plan/checklist.ts";
import { type Duration, formatAge, formatDuration, type Instant } from "../time/time.ts";
import type { Rehearsal } from "./rehearsal.ts";

/** What is about to be released. */
export interface ToBeReleased {
  readonly environment: string;
  readonly version: string;
  readonly label: string;
  readonly planHash: string;
}

/** Whether this very version was rehearsed with this very plan lately, and it went well. `newestFirst`: of the same state. */
export function wasRehearsed(
  newestFirst: readonly Rehearsal[],
  of: ToBeReleased,
  withinMs: Duration,
  now: Instant,
): CheckResult {
  const mine = newestFirst.filter(
    ({ environment, candidate }) => environment === of.environment && candidate.version === of.version,
  );
  const newest = mine.find(({ planHash }) => planHash === of.planHash);
  const command = `tidegate rehearse ${of.label}${of.environment === "production" ? "" : ` --env ${of.environment}`}`;
  const not = (what: string): CheckResult => ({ passed: false, detail: `${what}; rehearse it with: ${command}` });
  if (newest === undefined)
    return not(
      mine.length === 0 ? `${of.label} was never rehearsed` : `${of.label} was rehearsed with another plan than this`,
    );
  if (!newest.passed) {
    const { trouble } = newest;
    const where = trouble === null ? "" : ` at "${trouble.step}": ${withoutFullStop(trouble.fault.what)}`;
    return not(`the rehearsal of ${of.label} ${formatAge(newest.startedAt, now)} ago failed${where}`);
  }
  if (now - newest.startedAt > withinMs)
    return not(
      `${of.label} was rehearsed ${formatAge(newest.startedAt, now)} ago, which is more than ${formatDuration(withinMs)}`,
    );
  return { passed: true, detail: rehearsedSentence(newest, now) };
}

/** `rehearsed 3h ago by ann: back in 9ms, full recovery with the database in 4m 10s`; without its full stop. */
export function rehearsedSentence(
  { startedAt, by, passed, trouble, rollback, recovery }: Rehearsal,
  now: Instant,
): string {
  const ago = `${formatAge(startedAt, now)} ago by ${by}`;
  if (!passed) return `rehearsed ${ago}, and it failed${trouble === null ? "" : ` at "${trouble.step}"`}`;
  const found = [
    ...(rollback === null ? [] : [`back in ${formatDuration(rollback.trafficMs)}`]),
    ...(recovery === null ? [] : [`full recovery with the database in ${formatDuration(recovery.wholeMs)}`]),
  ];
  return `rehearsed ${ago}${found.length === 0 ? "" : `: ${found.join(", ")}`}`;
}
