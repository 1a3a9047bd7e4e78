import { type Guard, guardId, guardLabel, namedAs, type Verdict } from "../../plan/guard.ts";
import { BESIDE, LEAST_FAILING_VISITORS, TOLD } from "./bounds.ts";
import { strongestAgainst, worstBroken } from "./broken-by-evidence.ts";
import { whyNotHeld } from "./day-before.ts";
import { comparedName, formatCount, formatPercent, guardSentence, nothingSeen } from "../figures.ts";
import { type Gathered, type GuardEvidence, NO_EVIDENCE } from "./gathered.ts";
import type { Look } from "../look.ts";
import { probesInWords } from "./probes.ts";
import { stillToShow } from "./still-to-show.ts";
import { figuresOfStep, mostTelling } from "./telling-figures.ts";
import { comparesLatencyAlone, type Total } from "./total.ts";
import type { View } from "../views.ts";
import { acting } from "./tested-limits.ts";
import { visitorsInWords } from "./visitors-in-words.ts";
import { firstLimit } from "../limit-value.ts";
import { isStableInTrouble } from "./trouble.ts";

/** What a guard says whose limits are tested with all that was gathered so far. */
export function verdictByEvidence(guard: Guard, gathered: Gathered, view: View, total: Total): Verdict {
  const { look } = view;
  const mine = gathered.guards[guardId(guard)] ?? NO_EVIDENCE;
  const probed = gathered.probed?.guards[guardId(guard)];
  const byProbes = probesInWords(guard, probed, look);
  const figures = figuresOfStep(guard, mine, view);
  const say = (verdict: Verdict["verdict"], sentence: string, more: Partial<Verdict> = {}): Verdict => ({
    ...namedAs(guard),
    verdict,
    sentence,
    figures,
    ...more,
  });
  const label = guardLabel(guard);
  if (look.sourceDown !== null) return say("source-down", `${label} unknown: ${look.sourceDown}`);
  const isSeen = figures.n > 0 && figures.candidate !== null;
  if (!isSeen && byProbes === null) return say("no-data", `${label} unknown: ${nothingSeen(guard, figures)}`);
  const byVisitor = visitorsInWords(mine.once, figures);
  const withoutUsers = `${label}: ${nothingSeen(guard, figures)}`;
  const withProbes = byProbes === null ? "" : `; ${byProbes}`;
  const broken = worstBroken(guard, mine, probed, look, total);
  if (broken !== null) {
    // What is said of visitors is of the whole step, and stands beside figures of the same time.
    const shown = byVisitor === "" ? mostTelling(guard, mine, view, figures) : figures;
    const telling = { ...shown, evidence: rounded(broken.log) };
    // By probes alone, where nobody came: then there are no figures of users.
    const of = isSeen ? guardSentence(guard, telling, broken.limit) : withoutUsers;
    const sentence = `${of}${byVisitor}${ofSpeeds(guard, gathered)}${withProbes}`;
    return say("fail", sentence, { level: broken.level, figures: telling });
  }
  const seen = isSeen ? guardSentence(guard, figures, firstLimit(guard)) : withoutUsers;
  const sentence = `${seen}${byVisitor}${withProbes}`;
  const unheld = whyNotHeld(guard, look);
  if (unheld !== null) return say("no-data", `${sentence}; ${unheld}`);
  const against = strongestAgainst(guard, mine, look, total);
  if (against >= TOLD) return say("inconclusive", `${sentence}; it looks worse, ${whyNotYet(mine, against, look)}`);
  if (isStableInTrouble(guard, mine, look))
    return say("inconclusive", `${sentence}; ${comparedName(look)} itself has an incident, so nothing can be shown`);
  const missing = stillToShow(guard, mine, gathered, look, figures.n);
  return missing === null
    ? say("pass", `${sentence}${excludedInWords(guard)}`)
    : say("inconclusive", `${sentence}; ${missing}`);
}

/** What passing has shown, where the plan asks for something else than the limit that the sentence names. */
function excludedInWords(guard: Guard): string {
  return guard.promote === undefined || acting(guard).length === 0
    ? ""
    : `; ${formatPercent(guard.promote)} is excluded`;
}

function whyNotYet({ failing }: GuardEvidence, against: number, { alpha }: Look): string {
  const enough = 1 / alpha;
  return against >= Math.log(enough) && failing !== null && failing < LEAST_FAILING_VISITORS
    ? `but only ${failing} of ${LEAST_FAILING_VISITORS} different visitors have seen it`
    : `evidence ${formatCount(rounded(against))} (acts at ${formatCount(enough)})`;
}

/** What visitors' own speeds say, where they say something. */
function ofSpeeds(guard: Guard, { shifts }: Gathered): string {
  const newest = shifts.at(-1);
  if (newest === undefined || newest.slower === null || newest.logEvidence < BESIDE || !comparesLatencyAlone(guard))
    return "";
  return `; each of ${formatCount(newest.candidates)} visitors waits ${newest.slower.toFixed(2)} times as long as before`;
}

const MOST = 1e9;

function rounded(log: number): number {
  const value = Math.min(MOST, Math.exp(log));
  return value < 100 ? Math.round(value * 10) / 10 : Math.floor(value);
}
