import { type Guard, type GuardId, guardId, guardLabel, isActedOn } from "../../core/plan/guard.ts";
import { formatPercent } from "../../core/analysis/figures.ts";
import { usualWeights } from "../../core/plan/usual-weights.ts";
import { comparesAlone } from "../../core/analysis/evidence/tested-limits.ts";
import type { Path } from "../reading/located.ts";
import type { PathProblem } from "../reading/problem.ts";
import type { Told } from "./context.ts";
import { type Scope, writtenIn } from "./entries.ts";

/**
 * Gives each metric that rolls back by comparison alone its part of the evidence: the same in every step, all together 1. What
 * is written stands; what is left goes to the others.
 */
export function weighed(
  steps: readonly (readonly Guard[])[],
  scopes: readonly Scope[],
  told: Told,
): readonly (readonly Guard[])[] {
  const compared = new Map<GuardId, Guard>();
  for (const guard of steps.flat()) if (isWeighed(guard)) compared.set(guardId(guard), guard);
  told.plan.push(...ofNoUse(steps.flat(), scopes));
  const weights = weightsOf([...compared.values()], writtenWeights(compared, scopes, told));
  return steps.map((guards) =>
    guards.map((guard) => {
      const weight = isWeighed(guard) ? weights.get(guardId(guard)) : undefined;
      return weight === undefined ? guard : { ...guard, weight };
    }),
  );
}

function writtenWeights(
  compared: ReadonlyMap<GuardId, Guard>,
  scopes: readonly Scope[],
  told: Told,
): ReadonlyMap<GuardId, number> {
  const written = new Map<GuardId, number>();
  const mistaken = (path: Path, what: string, fix: string): void =>
    void told.plan.push({ code: "plan-value-invalid", what, fix, path, on: "value" });
  const atMost = "Together they are at most 100%; what is left goes to the comparisons without a weight.";
  let last: Path | null = null;
  for (const entry of scopes.flatMap(writtenIn)) {
    const id = guardId(entry);
    const { weight } = entry.mine;
    if (weight === undefined || !compared.has(id)) continue;
    written.set(id, weight);
    last = [...entry.path, "weight"];
    const sum = sumOf(written);
    if (weight === 0) mistaken(last, "A weight of 0% would never let this comparison speak.", atMost);
    else if (sum > 1 + ROUNDING)
      mistaken(last, `The weights of all comparisons come to ${formatPercent(sum)}.`, atMost);
  }
  const sum = sumOf(written);
  if (last !== null && written.size === compared.size && sum < 1 - ROUNDING)
    mistaken(
      last,
      `The weights of all comparisons come to ${formatPercent(sum)}: what is left would be nobody's.`,
      "Together they are 100%. Leave one of them out, and it gets what is left.",
    );
  return written;
}

function sumOf(weights: ReadonlyMap<GuardId, number>): number {
  return [...weights.values()].reduce((all, part) => all + part, 0);
}

/** Thirds don't come to exactly 1. */
const ROUNDING = 1e-9;

/** What is only tried out takes nothing of what the others have. */
function isWeighed(guard: Guard): boolean {
  return comparesAlone(guard) && isActedOn(guard);
}

/** Weights that would change nothing. */
function ofNoUse(guards: readonly Guard[], scopes: readonly Scope[]): readonly PathProblem[] {
  return scopes.flatMap(writtenIn).flatMap((entry): readonly PathProblem[] => {
    if (entry.mine.weight === undefined) return [];
    const label = guardLabel(entry);
    const all = guards.filter((guard) => guardId(guard) === guardId(entry));
    const isTriedOut = entry.mine.dryRun === true || (all.length > 0 && !all.some(isActedOn));
    if (!isTriedOut && (all.length === 0 || all.some(isWeighed))) return [];
    const what = isTriedOut
      ? `A dry run has no part of the evidence, so the weight of ${label} would change nothing.`
      : `Only a comparison that rolls back by itself, like \`rollback: 1.5x\`, has a weight, and ${label} has none.`;
    const fix = isTriedOut ? "Remove `weight`, or `dryRun`." : "Remove `weight`, or write such a limit.";
    return [{ code: "plan-value-invalid", what, fix, path: [...entry.path, "weight"], on: "key" }];
  });
}

function weightsOf(compared: readonly Guard[], written: ReadonlyMap<GuardId, number>): ReadonlyMap<GuardId, number> {
  const open = compared.filter((guard) => !written.has(guardId(guard)));
  const left = Math.max(0, 1 - sumOf(written));
  const usual = usualWeights(open);
  const parts = compared.map((guard): [GuardId, number] => [
    guardId(guard),
    written.get(guardId(guard)) ?? (usual.get(guard) ?? 0) * left,
  ]);
  return new Map(parts.map(([id, part]) => [id, Number(part.toPrecision(6))]));
}
