import type { AppDatabase } from "../cli/app-database.ts";
import { FaultError } from "../core/fault.ts";
import type { DatabasePlan } from "../core/plan/database.ts";
import type { Databases } from "../ports/databases.ts";
import { backupsOf, migrationsOf } from "./database.ts";

/** The databases that the plans of releases name. */
export function databasesOf(place: Omit<AppDatabase, "database">): Databases {
  const at = (database: DatabasePlan): AppDatabase => ({ ...place, database });
  return {
    migrations: (database) => {
      if (database.migrations !== undefined) return migrationsOf(at(database), { tool: database.migrations });
      // The compiler of the plan refuses such a step.
      throw new FaultError({
        code: "no-migrations",
        what: "The plan names no migrations.",
        fix: "name them under `database:`",
      });
    },
    backups: (database) => backupsOf(at(database)),
  };
}
