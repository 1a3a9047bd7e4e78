import type { OwnTool } from "../../../core/plan/database.ts";
import { alembic } from "./alembic.ts";
import { command } from "./command.ts";
import { dbMigrate } from "./db-migrate.ts";
import { knex } from "./knex.ts";
import { rails } from "./rails.ts";
import type { Tool } from "./tool.ts";

/** The tool that a plan names, for the version in a folder. */
export function toolOf(plan: OwnTool, directory: string): Tool {
  const version = { directory, phases: plan.phases };
  switch (plan.kind) {
    case "alembic":
      return alembic(plan, version);
    case "rails":
      return rails(plan, version);
    case "knex":
      return knex(plan, version);
    case "db-migrate":
      return dbMigrate(plan, version);
    case "command":
      return command(plan, version);
  }
}
