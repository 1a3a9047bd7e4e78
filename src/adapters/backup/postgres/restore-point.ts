import type { Client } from "pg";
import type { RestorePoint } from "../../../core/backup/record.ts";

/**
 * Marks this moment in the server's log. Where that log is archived the server can be brought back to it, with all that no dump holds.
 * Most roles may not, which is no fault: the dump does not need it.
 */
export async function makeRestorePoint(
  client: Client,
  id: string,
): Promise<{ readonly restorePoint: RestorePoint | null; readonly note: string | null }> {
  const name = `tidegate-${id}`;
  try {
    const { rows } = await client.query<{ lsn: string; archived: boolean }>(
      `SELECT pg_create_restore_point($1)::text AS lsn, current_setting('archive_mode') <> 'off' AS archived`,
      [name],
    );
    const [row] = rows;
    if (row === undefined) return { restorePoint: null, note: null };
    return { restorePoint: { name, lsn: row.lsn, isArchived: row.archived }, note: null };
  } catch (error) {
    const { code = "", message } = error as Error & { readonly code?: string };
    const note =
      code === "42501"
        ? "No restore point: the role may not make one (GRANT EXECUTE ON FUNCTION pg_create_restore_point(text) TO role)."
        : `No restore point: ${message}.`;
    return { restorePoint: null, note };
  }
}
