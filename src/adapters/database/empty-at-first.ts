import { MIGRATION_PHASES, type MigrationPhase } from "../../core/plan/database.ts";
import type { HistoryEntry, UpRequest } from "../../ports/migrations.ts";
import type { Told } from "./ledger-row.ts";

/** What an adapter knows of a database that may have been empty. */
export interface AtFirst {
  /** Whether it holds nothing now but what Tidegate and the team's tool write down of migrations. */
  isEmpty(): Promise<boolean>;
  history(): Promise<readonly HistoryEntry[]>;
  /** Writes into the history that it was empty: whoever goes on after this run must know. */
  note(told: Told): Promise<void>;
}

/** The phases that are run: all, where the release began with a database that held nothing. */
export async function phasesDue(request: UpRequest, atFirst: AtFirst): Promise<readonly MigrationPhase[]> {
  if (request.wholeIfEmpty !== true) return request.phases;
  const { release } = request;
  if ((await atFirst.history()).some((entry) => entry.did === "created" && entry.release === release))
    return MIGRATION_PHASES;
  if (!(await atFirst.isEmpty())) return request.phases;
  if (!request.dryRun) await atFirst.note(createdBy(request));
  return MIGRATION_PHASES;
}

function createdBy({ release, by }: Pick<UpRequest, "release" | "by">): Told {
  const nothing = { phase: null, tookMs: null, longestWaitMs: null, statements: null };
  return { version: "", file: "", did: "created", release, by, ...nothing, note: "the database held nothing" };
}
