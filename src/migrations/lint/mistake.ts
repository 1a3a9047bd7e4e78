/** A place of a file where it says or does other than its writer means. */
export interface Mistake {
  /** In the file, from 1. */
  readonly line: number;
  readonly what: string;
  readonly fix: string;
}
