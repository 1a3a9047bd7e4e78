import type { Limit } from "../../core/plan/guard.ts";
import type { Source } from "../../core/plan/source.ts";
import { limitInUnit, type WrittenLimit } from "../../core/plan/source-limit.ts";
import type { Path } from "../reading/located.ts";
import type { Told } from "./context.ts";
import { LEVELS, type Scope } from "./entries.ts";
import { sourcedIn, type WrittenGuards } from "./sources.ts";

/** A scope of guards, the limits of figures from outside read in the units of their sources. */
export function scopeOf(
  place: WrittenGuards,
  sources: ReadonlyMap<string, Source>,
  told: Told,
): Pick<Scope, "written" | "path" | "sources"> {
  const read = sourcedIn(place).map(([name, one]): [string, unknown] => {
    const source = sources.get(name);
    if (one === "off" || source === undefined) return [name, one === "off" ? one : undefined];
    const limits = LEVELS.flatMap((level) => {
      const written = one.mine[level];
      return written === undefined ? [] : [[level, limitsIn(written, source, [...one.path, level], told)]];
    });
    return [name, { ...one.mine, ...Object.fromEntries(limits) }];
  });
  // What is not Tidegate's own has just been read, so all of it has the form of a guard.
  return { ...place, written: { ...place.written, ...Object.fromEntries(read) } as Scope["written"], sources };
}

function limitsIn(
  written: readonly WrittenLimit[] | null,
  { unit }: Source,
  path: Path,
  told: Told,
): readonly Limit[] | null {
  if (written === null) return null;
  return written.flatMap((limit) => {
    const result = limitInUnit(limit, unit);
    if (result.ok) return [result.value];
    told.plan.push({ code: "plan-value-invalid", what: result.what, fix: result.fix, path, on: "value" });
    return [];
  });
}
