import type { DatabasePlan } from "../core/plan/database.ts";
import type { Backups } from "./backups.ts";
import type { Migrations } from "./migrations.ts";

/** The database of a plan: what changes its schema, and what it can be brought back from. */
export interface Databases {
  migrations(database: DatabasePlan): Promise<Migrations>;
  backups(database: DatabasePlan): Promise<Backups>;
}
