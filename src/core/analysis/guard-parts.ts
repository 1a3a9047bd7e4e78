import type { Guard, Limit } from "../plan/guard.ts";
import type { Look } from "./look.ts";
import { isOfBlocks, isTested } from "./evidence/tested-limits.ts";

/** A guard by how its limits are looked at; null: none is looked at so. */
export interface GuardParts {
  /** Levels whose limits are all tested with evidence. */
  readonly tested: Guard | null;
  /** Those of CPU and memory that are compared, or looked at for their growth. */
  readonly ofBlocks: Guard | null;
  /** The others, which are looked at over a window. */
  readonly plain: Guard | null;
}

/** Level by level: a list of limits is broken as a whole, and so is looked at in one way. */
export function partsOf(guard: Guard, judgeVersion: Look["judge"]): GuardParts {
  if (judgeVersion === 1) return { plain: guard, tested: null, ofBlocks: null };
  const levels = Object.entries(guard.limits);
  const part = (kind: keyof GuardParts): Guard | null => {
    const wanted = levels.filter(([, limits]) => kindOf(guard, limits) === kind);
    return wanted.length === 0 ? null : { ...guard, limits: Object.fromEntries(wanted) };
  };
  return { plain: part("plain"), tested: part("tested"), ofBlocks: part("ofBlocks") };
}

function kindOf(guard: Guard, limits: readonly Limit[]): keyof GuardParts {
  if (limits.some((limit) => isOfBlocks(guard, limit))) return "ofBlocks";
  return limits.every((limit) => isTested(guard, limit)) ? "tested" : "plain";
}
