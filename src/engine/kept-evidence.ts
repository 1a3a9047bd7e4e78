import type { EProcess } from "../core/analysis/e-process.ts";
import type { Gathered, GuardEvidence } from "../core/analysis/gather.ts";
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

function inFewDigits({ guards, visitors, shifts }: Gathered): Gathered {
  const short = Object.entries(guards).map(([metric, evidence]) => [metric, shortened(evidence)]);
  return { upTo: null, visitors, shifts, guards: Object.fromEntries(short) as Gathered["guards"] };
}

function shortened({ against, onStable, shown, failing, groups, open, slow }: GuardEvidence): GuardEvidence {
  return {
    against: mapped(against),
    onStable: mapped(onStable),
    shown: { byRate: rounded(shown.byRate), byRatio: rounded(shown.byRatio) },
    failing,
    groups,
    open,
    // By another engine's seconds: it is taken anew.
    slow: Object.fromEntries(Object.entries(slow).map(([id, limit]) => [id, { ...limit, since: 0 }])),
  };
}

function mapped(processes: Readonly<Record<string, EProcess>>): Readonly<Record<string, EProcess>> {
  return Object.fromEntries(Object.entries(processes).map(([key, process]) => [key, rounded(process)]));
}

function rounded({ logStakes, reserve, seconds }: EProcess): EProcess {
  return { logStakes: logStakes.map((stake) => digits(stake, 3)), reserve: digits(reserve, 6), seconds };
}

function digits(value: number, count: number): number {
  return Number(value.toFixed(count));
}
