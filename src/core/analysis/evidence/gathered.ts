import type { GuardId } from "../../plan/guard.ts";
import type { Burnt } from "../objective/budget.ts";
import type { CountedSecond } from "./counted-second.ts";
import type { LookCounts } from "../windows/counted-looks.ts";
import type { CohortCounts } from "../statistics/dispersion.ts";
import { type EProcess, UNPROVEN } from "../statistics/e-process.ts";
import type { Gauges } from "../gauges/gauge-blocks.ts";
import type { Past } from "./past.ts";
import { type ProbeEvidence, probesOfNextStep } from "./probes.ts";
import type { SlowLimit } from "./slow-limit.ts";
import { NO_OPEN_STRATA, type OpenStrata } from "./strata.ts";
import { OF_ALL_TRAFFIC } from "./tested-limits.ts";
import type { TroubleOfBoth } from "./trouble.ts";
import type { VisitorShift } from "./visitor-shift.ts";

/** Evidence on all guards of a release. */
export interface Gathered {
  /** The newest second that was counted; null: none of this step yet. */
  readonly upTo: number | null;
  /** Different visitors whom the candidate has served in this release; null: the data plane can't tell them apart. */
  readonly visitors: number | null;
  /** What each moment said of visitors' own speeds, oldest first (visitor-shift.ts). */
  readonly shifts: readonly VisitorShift[];
  /** By guard (guardId in core/plan/guard.ts). */
  readonly guards: Readonly<Record<GuardId, GuardEvidence>>;
  /** Looks of this step in which a plain limit was broken, where the plan limits how many there may be. Absent: none. */
  readonly brokenLooks?: LookCounts;
  /** Of this step. Absent in what an older Tidegate kept. */
  readonly gauges?: Gauges;
  /** Absent: the plan has no probes. */
  readonly probed?: ProbeEvidence;
}

/** Evidence on one guard. */
export interface GuardEvidence {
  /** Against the candidate, by level and place of the limit (`rollback:0`): one budget from the first share to the last. */
  readonly against: Readonly<Record<string, EProcess>>;
  /**
   * Whether each version breaks these limits just now: an incident of the environment has both break them. Absent in what an older
   * Tidegate kept.
   */
  readonly trouble?: Readonly<Record<string, TroubleOfBoth>>;
  /** The rate that stable had before the release, of a guard that only compares; null: nobody saw enough of it. Absent: not asked yet. */
  readonly usual?: number | null;
  /** While stable breaks them too, and nothing of the guard compares: that the candidate is worse than it meanwhile. */
  readonly beside?: EProcess;
  /** That the candidate is good enough, in this step. */
  readonly shown: { readonly byRate: EProcess; readonly byRatio: EProcess };
  /**
   * What the comparison that acts has counted in this step, each visitor's bad requests but once in a while. Absent: the data plane can't
   * tell visitors apart, or an older Tidegate kept it.
   */
  readonly once?: CountedSecond;
  /** Different visitors with a bad request on the candidate in this release; null: not known. */
  readonly failing: number | null;
  /** Requests of stable and bad ones among them, by group of cohorts. */
  readonly groups: CohortCounts;
  /** Seconds that wait until there is enough to compare at once. */
  readonly open: OpenStrata;
  /** What counts as slow now, and since when: by counter, one for each factor. */
  readonly slow: Readonly<Record<string, SlowLimit & { readonly since: number }>>;
  /** What stable did before the candidate got all traffic. Absent: it has not, or nothing is known of it. */
  readonly past?: Past;
  /** Of a guard with an objective, while the candidate has all traffic: absent otherwise. */
  readonly burnt?: Burnt;
}

/** Where a release begins. */
export const NOTHING_GATHERED: Gathered = { upTo: null, visitors: null, shifts: [], guards: {} };

/** Another step begins: what speaks against the candidate stays, that it is good enough is to be shown anew. */
export function forNextStep({ guards, visitors, shifts, probed }: Gathered): Gathered {
  const kept = Object.entries(guards).map(([id, evidence]) => {
    const { shown, open, slow } = NO_EVIDENCE;
    const { once: _, ...others } = evidence;
    return [id, { ...others, against: beforeAllTraffic(evidence.against), shown, open, slow }];
  });
  return {
    upTo: null,
    visitors,
    shifts,
    guards: Object.fromEntries(kept),
    ...(probed === undefined ? {} : { probed: probesOfNextStep(probed) }),
  };
}

function beforeAllTraffic(against: GuardEvidence["against"]): GuardEvidence["against"] {
  return Object.fromEntries(Object.entries(against).filter(([key]) => !key.startsWith(OF_ALL_TRAFFIC)));
}

/** On a guard of which nothing was counted yet. */
export const NO_EVIDENCE: GuardEvidence = {
  against: {},
  shown: { byRate: UNPROVEN, byRatio: UNPROVEN },
  failing: null,
  groups: [],
  open: NO_OPEN_STRATA,
  slow: {},
};
