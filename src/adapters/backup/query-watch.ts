import type { ReplayedQueries } from "../../core/migration/replayed.ts";
import { brokenSentence } from "../../core/migration/replayed.ts";
import { FaultError } from "../../core/fault.ts";
import type { MigrationPhase } from "../../core/plan/database.ts";
import type { DatabaseSettings } from "../database/settings.ts";

/** What the version that serves asks, asked of a copy while that is migrated. */
export interface QueryWatch extends AsyncDisposable {
  /** A migration was applied: what worked before is asked again. */
  after(migration: {
    readonly file: string;
    readonly phase: MigrationPhase;
    readonly isAllowed: boolean;
  }): Promise<void>;
  result(): ReplayedQueries;
}

/** null: nobody knows what is asked, or nothing of it works on the copy. */
export type Watching = (at: WatchedCopy) => Promise<QueryWatch | null>;

export interface WatchedCopy {
  readonly copy: DatabaseSettings;
  /** The folder of the version whose migrations are tried. */
  readonly directory: string;
  /** Of the version that serves; absent: `directory`. */
  readonly servingDirectory?: string;
  readonly signal: AbortSignal;
}

/** Faults: drill-breaks-queries. */
export function refuseBroken({ broken, from }: ReplayedQueries): void {
  const wrong = broken.filter(({ isAllowed }) => !isAllowed);
  if (wrong.length === 0) return;
  throw new FaultError({
    code: "drill-breaks-queries",
    what: `${wrong.length === 1 ? "A query" : `${wrong.length} queries`} of the version that serves (${from}) worked on the copy, and no longer after these migrations.`,
    detail: wrong.slice(0, 20).map(brokenSentence),
    fix: "put what takes away into a migration with `-- phase: contract`; or, if nothing asks it any more, take it out of the file, or: SELECT pg_stat_statements_reset()",
  });
}
