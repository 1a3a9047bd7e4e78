/** What a way back does that nobody can undo, or of which nobody can say. In words, as people are told. */
export interface Loss {
  readonly line: number;
  /** `drops column orders.note, in which 340 of 1200 rows have a value`. */
  readonly what: string;
}
