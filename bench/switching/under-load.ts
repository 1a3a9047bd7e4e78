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
