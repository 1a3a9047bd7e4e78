import type { AtFirst } from "../empty-at-first.ts";
import { readHistory } from "./ledger.ts";
import type { Session } from "./session.ts";

export function atFirst({ work, place, ledger }: Session): AtFirst {
  return {
    async isEmpty() {
      const { rows } = await work.query<{ isThere: boolean }>(ANYTHING, [[place.versions, place.rows, place.history]]);
      return rows[0]?.isThere === false;
    },
    history: () => readHistory(work, place),
    note: async (told) => void (await work.query(ledger.told(told))),
  };
}

/** Tables, views and sequences that no extension has brought. */
const ANYTHING = `
  SELECT EXISTS (
    SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'
      AND NOT (quote_ident(n.nspname) || '.' || quote_ident(c.relname)) = ANY ($1)
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'e')
  ) AS "isThere"`;
