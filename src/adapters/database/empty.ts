import type { AppliedMigration } from "../../ports/migrations.ts";

/** As a part of an answer: what comes back without what was in it, where there is anything. */
export function emptyAfter(drops: readonly string[]): { readonly empty?: readonly string[] } {
  return drops.length === 0 ? {} : { empty: drops };
}

export function withDrops(applied: AppliedMigration, drops: readonly string[]): AppliedMigration {
  return drops.length === 0 ? applied : { ...applied, drops };
}
