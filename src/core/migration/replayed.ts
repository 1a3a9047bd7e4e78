import type { MigrationPhase } from "../plan/database.ts";

/** What came of asking the old version's queries before migrations and after them. */
export interface ReplayedQueries {
  /** Where they are from: `pg_stat_statements`, or the path of a file. */
  readonly from: string;
  /** How many worked before, and were asked again. */
  readonly tried: number;
  /** Those that worked before an expand or a backfill and don't after it. */
  readonly broken: readonly BrokenQuery[];
  /** Those that failed before already, which says nothing of the migrations. */
  readonly failedBefore: readonly UntriedQuery[];
  readonly notTried: readonly UntriedQuery[];
}

export interface UntriedQuery {
  /** Its name, or its beginning. */
  readonly query: string;
  readonly why: string;
}

export interface BrokenQuery extends UntriedQuery {
  readonly file: string;
  readonly phase: MigrationPhase;
  /** The file itself allows something that the version that serves may miss. */
  readonly isAllowed: boolean;
}

/** `sign up: there is no unique … (after db/3_drop.sql, expand)` */
export function brokenSentence({ query, why, file, phase }: BrokenQuery): string {
  return `${query}: ${why} (after ${file}, ${phase})`;
}
