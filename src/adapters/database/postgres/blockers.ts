import { formatDuration } from "../../../core/time/time.ts";
import type { Session } from "./session.ts";
import type { Target } from "./targets.ts";

/** A session that has what a statement needs, and has had it for longer than a moment. */
export interface Blocker {
  readonly pid: number | null;
  readonly relation: string;
  readonly isAutovacuum: boolean;
  /** In words. */
  readonly who: string;
}

/** Shorter transactions end by themselves before anybody feels it. */
const MOMENT_MS = 100;

const ASK = `
  WITH wanted AS (
    SELECT to_regclass(w.name) AS oid, w.everybody FROM unnest($1::text[], $2::boolean[]) AS w (name, everybody)
  ), tables AS (
    SELECT coalesce(i.indrelid, w.oid) AS oid, w.everybody FROM wanted w LEFT JOIN pg_index i ON i.indexrelid = w.oid
    WHERE w.oid IS NOT NULL
  ), everything AS (
    SELECT * FROM tables UNION SELECT h.inhrelid, t.everybody FROM tables t JOIN pg_inherits h ON h.inhparent = t.oid
  )
  SELECT l.pid, a.application_name AS application, a.backend_type AS kind, a.state, t.oid::regclass::text AS relation,
    (extract(epoch FROM clock_timestamp() - a.xact_start) * 1000)::bigint AS age
  FROM everything t
  JOIN pg_locks l ON l.locktype = 'relation' AND l.relation = t.oid AND l.granted
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  LEFT JOIN pg_stat_activity a ON a.pid = l.pid
  WHERE (t.everybody OR l.mode NOT IN ('AccessShareLock', 'RowShareLock')) AND l.pid IS DISTINCT FROM $3
    AND coalesce(clock_timestamp() - a.xact_start > $4::float8 * interval '1 millisecond', l.pid IS NULL)
  ORDER BY age DESC NULLS FIRST LIMIT 3`;

/** Who would keep the statements waiting now. A look costs a fraction of a millisecond, and keeps nobody waiting. */
export async function blockersOf({ guard, workPid }: Session, targets: readonly Target[]): Promise<readonly Blocker[]> {
  if (targets.length === 0) return [];
  const { rows } = await guard.query<{
    pid: number | null;
    application: string | null;
    kind: string | null;
    state: string | null;
    relation: string;
    age: string | null;
  }>(ASK, [targets.map(({ name }) => name), targets.map(({ everybody }) => everybody), workPid, MOMENT_MS]);
  return rows.map(({ pid, application, kind, state, relation, age }) => {
    const isAutovacuum = kind === "autovacuum worker";
    const name = isAutovacuum ? "autovacuum" : application === null || application === "" ? "a session" : application;
    const since = age === null ? "" : ` for ${formatDuration(Math.max(0, Math.round(Number(age) / 100) * 100))}`;
    const who =
      pid === null
        ? `a prepared transaction has ${relation}`
        : `${name} (process ${pid}) has ${relation} in a transaction${since}${state === "idle in transaction" ? ", and does nothing" : ""}`;
    return { pid, relation, isAutovacuum, who };
  });
}

/** Asks autovacuum to let go. It does that for whoever waits a second in its way, but nobody here waits that long. */
export async function sendAway({ guard }: Session, blockers: readonly Blocker[]): Promise<void> {
  for (const { pid, isAutovacuum } of blockers)
    if (isAutovacuum && pid !== null) await guard.query("SELECT pg_cancel_backend($1)", [pid]).catch(() => undefined);
}
