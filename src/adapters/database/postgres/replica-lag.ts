import type { Session } from "./session.ts";

/**
 * How far the slowest replica is behind, in milliseconds. 0 where there is none, or where this user may not see it
 * (it takes pg_monitor).
 */
export async function replicaLagMs({ guard }: Pick<Session, "guard">): Promise<number> {
  const { rows } = await guard.query<{ lag: string | null }>(
    `SELECT (max(extract(epoch FROM replay_lag)) * 1000)::bigint AS lag FROM pg_stat_replication
     WHERE state IN ('streaming', 'catchup') AND application_name !~ 'pg_basebackup|pg_receivewal'
       AND pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn) > 0`,
  );
  return Number(rows[0]?.lag ?? 0);
}
