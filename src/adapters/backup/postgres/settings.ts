import type { DatabaseSettings } from "../../database/settings.ts";

/** What backups of a PostgreSQL database are made with. */
export interface PostgresBackups {
  readonly database: DatabaseSettings;
  /** What programs inherit. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where PostgreSQL's programs may lie beside the PATH; patterns. */
  readonly folders: readonly string[];
  /** An empty database of its own for copies, as an address; null: one is created on the same server each time. */
  readonly scratch: string | null;
}
