import type { AppliedMigration, ReversedMigration } from "../../ports/migrations.ts";

/** As a part of an answer: what comes back without what was in it, and what does not come back, where there is anything. */
export function emptyAfter(
  drops: readonly string[],
  thinned: readonly string[] = [],
): Pick<ReversedMigration, "empty" | "thinned"> {
  return { ...(drops.length === 0 ? {} : { empty: drops }), ...(thinned.length === 0 ? {} : { thinned }) };
}

export function withDrops(applied: AppliedMigration, drops: readonly string[]): AppliedMigration {
  return drops.length === 0 ? applied : { ...applied, drops };
}
