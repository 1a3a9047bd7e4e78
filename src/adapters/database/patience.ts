/** How long a migration waits for others. */
export interface Patience {
  /** How long others may have to wait behind one of its statements, each time that it tries. */
  readonly lockTimeoutMs: number;
  /** In all, for the locks of one file; then it gives up, and says who was in the way. */
  readonly boundMs: number;
  /** For another run of migrations to end. */
  readonly otherRunMs: number;
  /** A backfill waits while a replica is further behind than this. */
  readonly lagMs: number;
}

export const USUAL_PATIENCE: Patience = { lockTimeoutMs: 300, boundMs: 120_000, otherRunMs: 5_000, lagMs: 10_000 };
