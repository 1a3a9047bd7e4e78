import {
  factsOf,
  type Figures,
  type Guard,
  GUARD_LEVELS,
  guardLabel,
  isActedOn,
  type Limit,
  type Verdict,
} from "../../plan/guard.ts";
import { type Duration, formatDuration, HOUR, MINUTE, SECOND } from "../../time/time.ts";
import { formatCount, formatLimit, formatPercent, guardSentence } from "../figures.ts";
import { blockMinutesOf, type GaugeBlock, type GaugeBlocks, loadsOf, warmUpOf } from "./gauge-blocks.ts";
import { growthOf, meanOf } from "../statistics/intervals.ts";
import { isOfBlocks } from "../evidence/tested-limits.ts";
import type { View } from "../views.ts";
import { figuresOf } from "../windows/window-figures.ts";

/** With fewer blocks nothing is said of a comparison or of a growth. */
const LEAST_BLOCKS = 10;

/** Before a step has lasted so long none of its blocks says anything. */
export function leastOfBlocksMs(guard: Guard): Duration {
  return warmUpOf(guard) * SECOND + LEAST_BLOCKS * blockMinutesOf(guard) * MINUTE;
}

/** Whether a step waits until blocks have shown that all is well: not for what only warns. */
export function waitsForBlocks(guard: Guard): boolean {
  return (
    isActedOn(guard) &&
    (["hold", "rollback"] as const).some((level) => guard.limits[level]?.some((limit) => isOfBlocks(guard, limit)))
  );
}

type Loads = ReturnType<typeof loadsOf>;

/** What a limit on blocks has come to. */
interface Found {
  /** null: that can't be said yet. */
  readonly isBroken: boolean | null;
  /** For people, after the figures. */
  readonly sentence: string;
}

/** A guard of which some limits compare processes with stable's, or look at how they grow: by blocks of minutes. */
export function verdictOfBlocks(guard: Guard, blocks: GaugeBlocks, view: View): Verdict {
  const figures = figuresOf(guard, view.look, view.windows(guard.windowMs));
  const loads = guard.metric === "cpu" ? loadsOf(view) : null;
  const label = guardLabel(guard);
  const say = (verdict: Verdict["verdict"], sentence: string, more: Partial<Verdict> = {}): Verdict => ({
    metric: guard.metric,
    verdict,
    sentence,
    figures,
    ...more,
  });
  if (figures.candidate === null && guard.source === undefined)
    return say("no-data", `${label} unknown: nothing is known of the candidate's processes`);
  const levels = GUARD_LEVELS.flatMap((level) => {
    const limits = guard.limits[level];
    return limits === undefined
      ? []
      : [{ level, found: limits.map((limit) => foundIn(guard, limit, figures, blocks, loads)) }];
  });
  for (const { level, found } of levels) {
    if (found.every(({ isBroken }) => isBroken === true))
      return say("fail", found.map(({ sentence }) => sentence).join("; "), { level });
  }
  const [worst] = levels;
  const sentence = worst?.found.map((one) => one.sentence).join("; ") ?? "";
  // What only warns keeps nobody waiting for an hour.
  const isOpen = levels.some(
    ({ level, found }) =>
      level !== "warn" &&
      found.some(({ isBroken }) => isBroken === null) &&
      found.every(({ isBroken }) => isBroken !== false),
  );
  return say(isOpen ? "inconclusive" : "pass", sentence);
}

function foundIn(guard: Guard, limit: Limit, figures: Figures, all: GaugeBlocks, loads: Loads | null): Found {
  switch (limit.kind) {
    case "growth":
      return growth(guard, limit.value, figures, all);
    case "relative":
      return compared(guard, limit.factor, figures, all, loads);
    case "absolute":
    case "plain":
      return {
        isBroken: isWorse(guard, (figures.candidate ?? 0) - limit.value),
        sentence: guardSentence(guard, figures, limit),
      };
    case "before":
      // Nobody remembers what processes used before the switch, so no plan has such a limit on them.
      return { isBroken: false, sentence: guardSentence(guard, figures, limit) };
  }
}

/** Block by block, so that what both versions feel at once cancels. */
function compared(guard: Guard, factor: number, figures: Figures, { blocks }: GaugeBlocks, loads: Loads | null): Found {
  const sentence = guardSentence(guard, figures, { kind: "relative", factor });
  const pairs = blocks.flatMap(({ candidate, stable }) => (stable === null ? [] : [candidate - factor * stable]));
  if (loads !== null && !loads.areAlike)
    return {
      isBroken: null,
      sentence: `${sentence}; not to be compared while an instance answers ${rate(loads.candidate)} requests/s and one of ${figures.isTwin === true ? "its twin" : "stable"} ${rate(loads.stable)}`,
    };
  if (pairs.length < LEAST_BLOCKS) return { isBroken: null, sentence: `${sentence}; ${tooFew(pairs.length, guard)}` };
  const { low, high } = meanOf(pairs);
  const isBroken = isWorse(guard, low);
  if (isBroken === isWorse(guard, high)) return { isBroken, sentence: `${sentence}, ${pairs.length} blocks` };
  return { isBroken: null, sentence: `${sentence}; ${pairs.length} blocks do not tell it yet` };
}

/** Whether a figure that is so much above its limit breaks it. */
function isWorse(guard: Guard, above: number): boolean {
  return factsOf(guard).worse === "higher" ? above > 0 : above < 0;
}

/** An hour's growth of what the candidate uses beyond stable, as a part of what it uses. */
function growth(guard: Guard, limit: number, { isTwin }: Figures, { blocks }: GaugeBlocks): Found {
  const paired = blocks.filter(({ stable }) => stable !== null);
  const isBesideStable = paired.length >= LEAST_BLOCKS;
  const series = isBesideStable ? paired : blocks;
  const told = `limit ${formatLimit(guard, { kind: "growth", value: limit })}`;
  const label = guardLabel(guard);
  if (series.length < LEAST_BLOCKS)
    return { isBroken: null, sentence: `growth of ${label}, ${told}; ${tooFew(series.length, guard)}` };
  const level = series.reduce((sum, { candidate }) => sum + candidate, 0) / series.length;
  if (level <= 0) return { isBroken: false, sentence: `${label} 0%, ${told}` };
  const found = growthOf(
    series.map(({ at }) => (at * MINUTE) / HOUR),
    series.map(({ candidate, stable }: GaugeBlock) => candidate - (isBesideStable ? (stable ?? 0) : 0)),
  );
  const part = (value: number): number => value / level;
  const half = part(found.high - found.value);
  const sentence = `${label} grows ${signed(part(found.value))} an hour${isBesideStable ? ` beside ${isTwin === true ? "its twin" : "stable"}'s` : ""} (± ${formatPercent(half)}), ${told}`;
  if (part(found.low) > limit) return { isBroken: true, sentence };
  if (part(found.high) <= limit) return { isBroken: false, sentence };
  return {
    isBroken: null,
    sentence: `${sentence}; to tell that from none it takes ${timeToTell(series, half, limit)}`,
  };
}

/** The interval of a slope narrows with time to the power of 1.5. */
function timeToTell(series: readonly GaugeBlock[], half: number, limit: number): string {
  const minutes = (series.at(-1)?.at ?? 0) - (series[0]?.at ?? 0);
  const wanted = Math.max(minutes, minutes * ((2 * half) / limit) ** (2 / 3));
  return `about ${formatDuration(Math.ceil(wanted / 10) * 10 * MINUTE)}`;
}

function rate(perSecond: number): string {
  return perSecond < 10 ? String(Number(perSecond.toFixed(1))) : formatCount(perSecond);
}

function tooFew(count: number, guard: Guard): string {
  const minutes = blockMinutesOf(guard);
  return `${count} of ${LEAST_BLOCKS} ${minutes === 1 ? "minutes" : `blocks of ${minutes} minutes`} were seen`;
}

function signed(part: number): string {
  return `${part < 0 ? "−" : "+"}${formatPercent(Math.abs(part))}`;
}
