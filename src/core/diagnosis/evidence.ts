import type { NewLine } from "./log-kinds.ts";
import type { SecondRow } from "../observation.ts";

/** What a rollback hands over of the bug. Plain JSON, small, already cleaned of secrets. */
export interface Evidence {
  /** Routes on which the candidate failed more often than stable, the worst first. */
  readonly routes: readonly RouteEvidence[];
  /** What the candidate failed in all: 5xx, cut, timed out. Absent in what an older Tidegate gathered. */
  readonly failures?: number;
  /**
   * Requests to which no app answered in time (refused, cut, late), by version. Absent: the data plane's figures do not
   * go back to the beginning of the release.
   */
  readonly unanswered?: { readonly candidate: number; readonly stable: number };
  /** Requests that it could not take and another instance answered: refused, or kept from it while it was ejected or ill. */
  readonly passedOn?: number;
  /** Log lines of a kind that stable never wrote, errors first. */
  readonly lines: readonly NewLine[];
  /** Subjects of the commits from stable to the candidate, newest first. */
  readonly commits: readonly string[];
  /** What could not be gathered, in sentences. */
  readonly missing: readonly string[];
}

/** How much worse the candidate was on one route. */
export interface RouteEvidence {
  /** `POST /checkout` */
  readonly route: string;
  /** The status that came most often among the failures; 0: no answer at all. */
  readonly status: number;
  /** Failures of the candidate. */
  readonly bad: number;
  /** Failures of stable in the same time. */
  readonly stableBad: number;
  /** Failures beyond those that stable would have had with as many requests. */
  readonly excess: number;
}

/**
 * Routes by excess failures of the candidate. What stable "would have had" is taken from the versions' whole traffic:
 * a second names only its worst few routes, so how often stable's healthy routes were asked is not in the rows.
 */
export function routesByExcess(
  rows: readonly SecondRow[],
  candidate: string,
  stable: string | null,
  limit = 5,
): readonly RouteEvidence[] {
  const ours = failures(rows.filter((row) => row.version === candidate));
  const theirs = failures(rows.filter((row) => row.version === stable));
  // With no request of stable there is nothing that would excuse a failure.
  const scale = theirs.requests === 0 ? 0 : ours.requests / theirs.requests;
  return [...ours.routes]
    .map(([route, { bad, statuses }]): RouteEvidence => {
      const stableBad = theirs.routes.get(route)?.bad ?? 0;
      return { route, status: mostFrequent(statuses), bad, stableBad, excess: bad - stableBad * scale };
    })
    .filter(({ excess }) => excess > 0)
    .sort((a, b) => b.excess - a.excess || b.bad - a.bad || (a.route < b.route ? -1 : 1))
    .slice(0, limit);
}

/** What a version failed in all, and what others answered in its place. */
export function failuresOf(
  rows: readonly SecondRow[],
  version: string,
): { readonly failures: number; readonly passedOn: number } {
  const sum = { failures: 0, passedOn: 0 };
  for (const row of rows) {
    if (row.version !== version) continue;
    const { status, passedOn = 0 } = row;
    sum.failures += status.server + status.failed - passedOn;
    sum.passedOn += passedOn;
  }
  return sum;
}

/** Requests of a version to which no app answered in time, its own or another's: refused, cut, late. */
export function unansweredOf(rows: readonly SecondRow[], version: string): number {
  return rows
    .filter((row) => row.version === version)
    .reduce((sum, { status, passedOn = 0 }) => sum + status.failed - passedOn, 0);
}

interface Failures {
  readonly requests: number;
  readonly routes: ReadonlyMap<string, { readonly bad: number; readonly statuses: ReadonlyMap<number, number> }>;
}

function failures(rows: readonly SecondRow[]): Failures {
  const routes = new Map<string, { bad: number; statuses: Map<number, number> }>();
  for (const { route, bad, status } of rows.flatMap(({ worst }) => worst)) {
    if (bad === 0) continue;
    const known = routes.get(route) ?? { bad: 0, statuses: new Map<number, number>() };
    known.bad += bad;
    known.statuses.set(status, (known.statuses.get(status) ?? 0) + bad);
    routes.set(route, known);
  }
  return { requests: rows.reduce((sum, { requests }) => sum + requests, 0), routes };
}

function mostFrequent(statuses: ReadonlyMap<number, number>): number {
  return [...statuses].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 0;
}

/**
 * The "why" lines of a rollback: the worst route, what others had to take over, the newest kind of error with its place in the app's code, the
 * commits. Empty when nothing was found. `candidate` is the label of its version.
 */
export function explainEvidence(evidence: Evidence, candidate: string): readonly string[] {
  const lines: string[] = [];
  const route = evidence.routes[0];
  if (route !== undefined) {
    const answer = route.status === 0 ? "no answer" : String(route.status);
    const against = route.stableBad === 0 ? `new in ${candidate}` : `stable ×${route.stableBad} in the same time`;
    const more = evidence.routes.length - 1;
    lines.push(
      `${route.route} ${answer} ×${route.bad}, ${against}${more > 0 ? `; ${more} more ${plural(more, "route")}` : ""}`,
    );
  }
  const { passedOn = 0 } = evidence;
  if (passedOn > 0) {
    lines.push(
      `${passedOn} ${plural(passedOn, "request")} went on to another instance, because ${candidate}'s was failing or gone`,
    );
  }
  const line = evidence.lines[0];
  if (line !== undefined) lines.push(line.frame === undefined ? line.text : `${line.text}  (${line.frame})`);
  const [newest, ...older] = evidence.commits;
  if (newest !== undefined) {
    lines.push(
      older.length === 0 ? `1 commit between: ${newest}` : `${older.length + 1} commits between, the newest: ${newest}`,
    );
  }
  return lines;
}

function plural(count: number, word: string): string {
  return count === 1 ? word : `${word}s`;
}
