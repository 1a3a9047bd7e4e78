import { type Guard, GUARD_LEVELS, type Limit } from "../plan/guard.ts";

/** The limit that a sentence names while none is broken: the first of the worst level. null: there is none. */
export function firstLimit(guard: Guard): Limit | null {
  for (const level of GUARD_LEVELS) {
    const [limit] = guard.limits[level] ?? [];
    if (limit !== undefined) return limit;
  }
  return null;
}

/** Its number, a factor where it compares. */
export function limitValue(guard: Guard): number | null {
  const limit = firstLimit(guard);
  return limit === null ? null : limit.kind === "relative" || limit.kind === "before" ? limit.factor : limit.value;
}
