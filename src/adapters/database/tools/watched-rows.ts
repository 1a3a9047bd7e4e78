import type { Client } from "pg";

const INSTALL = `
CREATE SCHEMA tidegate_watch;
CREATE TABLE tidegate_watch.seen (what text PRIMARY KEY);
CREATE FUNCTION tidegate_watch.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO tidegate_watch.seen VALUES ('runs ' || TG_OP || ' on ' || TG_RELID::regclass) ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$`;

// Statements are seen even where there are no rows for them.
const WATCH = `
DO $$
DECLARE name regclass;
BEGIN
  FOR name IN SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname NOT IN ('information_schema', 'tidegate_watch')
      AND NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = c.oid AND g.tgname = 'tidegate_watch')
  LOOP
    EXECUTE format('CREATE TRIGGER tidegate_watch AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION tidegate_watch.note()', name);
  END LOOP;
END $$`;

/** Has a copy of a database note which tables' rows are written to, by statement. */
export async function watchRows(client: Client): Promise<void> {
  const { rows } = await client.query<{ there: boolean }>(
    "SELECT to_regclass('tidegate_watch.seen') IS NOT NULL AS there",
  );
  if (rows[0]?.there !== true) await client.query(INSTALL);
  await client.query(WATCH);
  await client.query("DELETE FROM tidegate_watch.seen");
}

/** `runs UPDATE on orders`, of what was there when it was watched; but for the tool's own tables. */
export async function writtenRows(client: Client, own: readonly string[]): Promise<readonly string[]> {
  const { rows } = await client.query<{ what: string }>("SELECT what FROM tidegate_watch.seen ORDER BY what");
  return rows.map(({ what }) => what).filter((what) => !own.some((table) => what.endsWith(` on ${table}`)));
}
