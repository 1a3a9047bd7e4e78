import type { MigrationPhase } from "../../core/plan/database.ts";
import type { Reversible } from "./migration-file.ts";

/** What a file says of itself in comments: `-- phase: expand`, `-- reversible: lossy`. */
export interface Headers {
  /** null: it does not say. */
  readonly phase: MigrationPhase | null;
  readonly reversible: Reversible;
}

export function headersOf(text: string): Headers {
  const of = (name: string, values: string): string | null =>
    new RegExp(String.raw`^[ \t]*--[ \t]*${name}:[ \t]*(${values})\b`, "im").exec(text)?.[1]?.toLowerCase() ?? null;
  return {
    phase: of("phase", "expand|backfill|contract") as MigrationPhase | null,
    reversible: (of("reversible", "yes|lossy|no") as Reversible | null) ?? "unsaid",
  };
}

/** The number of `-- batch: 1000` among the comments that stand right before a statement; null: there is none. */
export function batchBefore(text: string, from: number, start: number): number | null {
  const found = /^[ \t]*--[ \t]*batch:[ \t]*(\d+)/im.exec(text.slice(from, start))?.[1];
  return found === undefined ? null : Number(found);
}
