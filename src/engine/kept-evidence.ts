import { burntMovedBy } from "../core/analysis/objective/budget.ts";
import type { EProcess } from "../core/analysis/statistics/e-process.ts";
import type { Trouble } from "../core/analysis/evidence/trouble.ts";
import type { Gauges } from "../core/analysis/gauges/gauge-blocks.ts";
import type { Gathered, GuardEvidence } from "../core/analysis/evidence/gathered.ts";
import type { ProbeEvidence } from "../core/analysis/evidence/probes.ts";
import type { GatheredIn } from "../core/release/event.ts";
import type { Release } from "../core/release/release.ts";
import { type Duration, HOUR, MINUTE, type Moment } from "../core/time/time.ts";

/** How often what was gathered goes to the journal: by how long the step has lasted. A release of four weeks stays small. */
const EVERY: readonly { readonly upTo: Duration; readonly every: Duration }[] = [
  { upTo: HOUR, every: MINUTE },
  { upTo: 24 * HOUR, every: 15 * MINUTE },
  { upTo: Number.POSITIVE_INFINITY, every: HOUR },
];

/** What to write down now, in few digits; null: it is not time yet, or there is nothing that another engine could not count itself. */
export function worthKeeping(
  gathered: GatheredIn | null,
  release: Release,
  now: Moment,
  inStep: Duration,
): GatheredIn | null {
  if (gathered === null || release.plan.judge === 1) return null;
  const every = EVERY.find(({ upTo }) => inStep < upTo)?.every ?? HOUR;
  const kept = release.gathered;
  const isOfStep = kept?.step === gathered.step && kept.attempt === gathered.attempt;
  if (isOfStep ? now.watched - kept.at.watched < every : inStep < every) return null;
  return { ...gathered, evidence: inFewDigits(gathered.evidence) };
}

/** In a journal seconds are counted from the newest one that was gathered. */
function inFewDigits({ guards, visitors, shifts, upTo, brokenLooks, gauges, probed }: Gathered): Gathered {
  const short = Object.entries(guards).map(([id, evidence]) => [id, shortened(evidence, upTo ?? 0)]);
  return {
    upTo: null,
    visitors,
    shifts,
    guards: Object.fromEntries(short),
    ...(brokenLooks === undefined ? {} : { brokenLooks }),
    ...(probed === undefined ? {} : { probed: { upTo: null, guards: shortenedProbes(probed) } }),
    ...(gauges === undefined ? {} : { gauges: withoutOpen(gauges) }),
  };
}

function shortenedProbes({ guards }: ProbeEvidence): ProbeEvidence["guards"] {
  const short = Object.entries(guards).map(([id, { against, shown, shownByPairs, ...counts }]) => [
    id,
    {
      ...counts,
      against: rounded(against),
      shown: rounded(shown),
      ...(shownByPairs === undefined ? {} : { shownByPairs: rounded(shownByPairs) }),
    },
  ]);
  return Object.fromEntries(short) as ProbeEvidence["guards"];
}

/** The block that has only begun is not worth its place. */
function withoutOpen(gauges: Gauges): Gauges {
  const short = Object.entries(gauges).map(([metric, { minutes, blocks }]) => {
    const kept = blocks.map(({ at, candidate, stable }) => ({
      at,
      candidate: Number(candidate.toPrecision(6)),
      stable: stable === null ? null : Number(stable.toPrecision(6)),
    }));
    return [metric, { minutes, blocks: kept, open: null }];
  });
  return Object.fromEntries(short) as Gauges;
}

function shortened(evidence: GuardEvidence, upTo: number): GuardEvidence {
  const { against, trouble, beside, usual, shown, once, failing, groups, open, slow, past, burnt } = evidence;
  return {
    against: mapped(against),
    ...(trouble === undefined ? {} : { trouble: shortenedTrouble(trouble) }),
    ...(usual === undefined ? {} : { usual: usual === null ? null : Number(usual.toPrecision(4)) }),
    ...(beside === undefined ? {} : { beside: rounded(beside) }),
    shown: { byRate: rounded(shown.byRate), byRatio: rounded(shown.byRatio) },
    ...(once === undefined ? {} : { once }),
    failing,
    groups,
    open,
    // By another engine's seconds: it is taken anew.
    slow: Object.fromEntries(Object.entries(slow).map(([id, limit]) => [id, { ...limit, since: 0 }])),
    ...(past === undefined ? {} : { past }),
    ...(burnt === undefined ? {} : { burnt: burntMovedBy(burnt, -upTo) }),
  };
}

/** What a journal has kept, by an engine's own count of the seconds: `newest` is the one that was gathered last. */
export function fromJournal(evidence: Gathered, upTo: number, newest: number): Gathered {
  const guards = Object.entries(evidence.guards).map(([id, kept]) => {
    const { burnt } = kept;
    return [id, burnt === undefined ? kept : { ...kept, burnt: burntMovedBy(burnt, newest) }];
  });
  return { ...evidence, upTo, guards: Object.fromEntries(guards) };
}

function mapped(processes: Readonly<Record<string, EProcess>>): Readonly<Record<string, EProcess>> {
  return Object.fromEntries(Object.entries(processes).map(([key, process]) => [key, rounded(process)]));
}

/** Of most limits there is none, and that is not worth its place. */
function shortenedTrouble(trouble: NonNullable<GuardEvidence["trouble"]>): NonNullable<GuardEvidence["trouble"]> {
  const short = ({ logStakes, isOn }: Trouble): Trouble => ({
    logStakes: logStakes.map((each) => digits(each, 3)),
    isOn,
  });
  const begun = Object.entries(trouble).filter(([, { candidate, stable }]) =>
    [...candidate.logStakes, ...stable.logStakes].some((stake) => stake > 0),
  );
  return Object.fromEntries(
    begun.map(([key, { candidate, stable }]) => [key, { candidate: short(candidate), stable: short(stable) }]),
  );
}

function rounded({ logStakes, reserve, seconds }: EProcess): EProcess {
  return { logStakes: logStakes.map((stake) => digits(stake, 3)), reserve: Number(reserve.toPrecision(4)), seconds };
}

function digits(value: number, count: number): number {
  return Number(value.toFixed(count));
}
