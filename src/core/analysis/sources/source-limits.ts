import { guardId, guardLabel } from "../../plan/guard.ts";
import type { Reading } from "../../plan/source.ts";
import { formatDuration, SECOND } from "../../time/time.ts";
import type { CountedLooks } from "../windows/counted-looks.ts";
import { NO_BLOCKS } from "../gauges/gauge-blocks.ts";
import { verdictOfBlocks } from "../gauges/gauge-limits.ts";
import type { Gathered } from "../evidence/gathered.ts";
import { partsOf } from "../guard-parts.ts";
import type { Said } from "../judge-guard.ts";
import type { Look } from "../look.ts";
import { judgePlainly } from "../windows/plain-limits.ts";
import { cantTell } from "../windows/plain-verdict.ts";
import { newestOf, readingsOf, sourceFigures, type SourcedGuard } from "./source-figures.ts";
import type { View } from "../views.ts";
import { saysMore } from "../weight-of-verdicts.ts";

/** What a guard says whose figure comes from outside. A look counts when it brought something that was not counted before. */
export function judgeSource(
  guard: SourcedGuard,
  view: View,
  { gathered, looks }: { readonly gathered: Gathered; readonly looks: CountedLooks },
): Said {
  const { look } = view;
  const counted = looks.byReading(guardId(guard), readingsOf(guard, look).at(-1)?.second ?? null);
  const unknown = whatIsUnknown(guard, look);
  if (unknown !== null) {
    const figures = sourceFigures(guard, look);
    return { verdict: cantTell({ guard, figures, looks: counted }, ...unknown), isAsBadOnStable: false };
  }
  const { plain, ofBlocks } = partsOf(guard, look.judge);
  const byLimits = plain === null ? null : judgePlainly(plain, view, counted);
  if (ofBlocks === null && byLimits !== null) return byLimits;
  const blocks = gathered.gauges?.[guardId(guard)] ?? NO_BLOCKS;
  const byBlocks: Said = { verdict: verdictOfBlocks(ofBlocks ?? guard, blocks, view), isAsBadOnStable: false };
  return byLimits !== null && saysMore(byLimits.verdict, byBlocks.verdict) ? byLimits : byBlocks;
}

/** Why nothing can be said; null: something can. I4: what stable's side lacks is lacking too, where it was asked. */
function whatIsUnknown(guard: SourcedGuard, look: Look): readonly ["source-down" | "no-data", string] | null {
  const label = guardLabel(guard);
  const newest = newestOf(guard, look);
  if (newest === null) {
    const last = readingsOf(guard, look).at(-1);
    if (last === undefined) return ["no-data", `${label} unknown: its source was not asked yet`];
    const silent = formatDuration((look.toSecond - last.second) * SECOND);
    return ["source-down", `${label} unknown: ${guard.source.from.kind} has said nothing for ${silent}`];
  }
  const compares = Object.values(guard.limits).some((limits) => limits.some(({ kind }) => kind === "relative"));
  return (
    unknownOf(label, newest.candidate) ??
    (compares && newest.stable !== null ? unknownOf(`${label} of stable`, newest.stable) : null)
  );
}

function unknownOf(label: string, reading: Reading): readonly ["source-down" | "no-data", string] | null {
  if (reading.kind === "value") return null;
  const fix = reading.kind === "down" && reading.fix !== undefined ? `; ${reading.fix}` : "";
  return [reading.kind === "down" ? "source-down" : "no-data", `${label} unknown: ${reading.why}${fix}`];
}
