import type { Client } from "pg";
import type { MigrationStatus } from "../../../ports/migrations.ts";

/**
 * What a role does not see that it should: without pg_monitor the transactions of other roles have no beginning, so nobody can look
 * whether they are in the way before a lock is taken, and replicas have no lag.
 */
export async function notesOf(client: Client): Promise<NonNullable<MigrationStatus["notes"]>> {
  const { rows } = await client.query<{ role: string; sees: boolean }>(
    "SELECT quote_ident(current_user) AS role, pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') AS sees",
  );
  const [row] = rows;
  if (row === undefined || row.sees) return [];
  return [
    {
      what: "This role does not see what other roles do, so a migration can't look who is in its way before it asks for a lock, and a backfill does not see how far replicas are behind.",
      fix: `GRANT pg_monitor TO ${row.role}`,
    },
  ];
}
