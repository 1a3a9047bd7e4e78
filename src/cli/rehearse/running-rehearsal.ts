import type { Plan } from "../../core/plan/plan.ts";
import type {
  LeftOut,
  RehearsedDatabase,
  RehearsedRecovery,
  RehearsedRollback,
} from "../../core/rehearsal/rehearsal.ts";
import type { Backups } from "../../ports/backups.ts";
import type { Migrations } from "../../ports/migrations.ts";
import type { RehearsalCopies } from "../../ports/rehearsal-copies.ts";
import type { Context } from "../context.ts";
import type { Project } from "../project.ts";
import type { CountedByVersion } from "./counted-by-version.ts";
import type { Sandbox } from "./sandbox.ts";
import type { Visitors } from "./visitors.ts";
import type { Rehearsed } from "./what-is-rehearsed.ts";

/** Everything that the parts of a rehearsal work with. */
export interface RunningRehearsal {
  /** With the sandbox's environment. */
  readonly context: Context;
  readonly production: {
    readonly project: Project;
    readonly plan: Plan;
    readonly backups: Backups | null;
    /** Of files; null: there are none, or a tool of the team's own has them. */
    readonly migrations: Migrations | null;
  };
  readonly sandbox: Sandbox;
  readonly plan: Plan;
  readonly versions: Rehearsed;
  readonly copies: RehearsalCopies | null;
  readonly visitors: Visitors | null;
  readonly counted: CountedByVersion;
  readonly identity: string | null;
  readonly signal: AbortSignal;
}

/** What a rehearsal finds out while it runs. */
export interface Findings {
  database: RehearsedDatabase | null;
  rollback: RehearsedRollback | null;
  recovery: RehearsedRecovery | null;
  readonly leftOut: LeftOut[];
}
