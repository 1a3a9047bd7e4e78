import { table } from "../measure/output.ts";

/** What a load saw while something was done again and again. */
export interface UnderLoad {
  readonly what: string;
  /** How often it was done. */
  readonly count: number;
  readonly requests: number;
  /** Everything but a whole, right answer: resets and refused connections included. */
  readonly failed: number;
  readonly failures: readonly string[];
  /** Requests answered by each version: what never served proves nothing. */
  readonly byVersion: Readonly<Record<string, number>>;
}

/** All loads as a table, and what went wrong under it. */
export function underLoadLines(loads: readonly UnderLoad[]): readonly string[] {
  return [
    table(
      ["under load", "requests", "failed"],
      loads.map((load) => [load.what, load.requests.toLocaleString("en"), String(load.failed)]),
    ),
    ...loads.flatMap(({ what, failures }) => failures.map((failure) => `  ${what}: ${failure}`)),
  ];
}
