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

/** The phases that are run: all, where the release began with a database that held nothing. `last`: the version of the newest file. */
export async function phasesDue(request: UpRequest, atFirst: AtFirst, last = ""): Promise<readonly MigrationPhase[]> {
  if (request.wholeIfEmpty !== true) return request.phases;
  const { release } = request;
  if ((await atFirst.history()).some((entry) => entry.did === "created" && entry.release === release))
    return MIGRATION_PHASES;
  if (!(await atFirst.isEmpty())) return request.phases;
  if (!request.dryRun) await atFirst.note(createdBy(request, last));
  return MIGRATION_PHASES;
}

/**
 * Up to which version files are run, by this run or by one that was cut off, in a database that held nothing before the first of them; null:
 * there are none. Noted before the first: to whoever goes on, what the files before it have made is as new as to the run that was cut off.
 */
export async function beginsEmptyUpTo(request: UpRequest, atFirst: AtFirst, last: string): Promise<string | null> {
  const noted = emptyUpTo(await atFirst.history());
  if (noted !== null) return noted;
  const isWhole = request.atMost === undefined && MIGRATION_PHASES.every((phase) => request.phases.includes(phase));
  if (!isWhole || request.dryRun || !(await atFirst.isEmpty())) return null;
  await atFirst.note(createdBy(request, last));
  return last;
}

/** The same as far as it is noted. Once that version is applied it is of no matter any more. */
export function emptyUpTo(history: readonly HistoryEntry[]): string | null {
  const version = history.findLast(({ did }) => did === "created")?.version ?? "";
  return version === "" || history.some((each) => each.did === "up" && each.version === version) ? null : version;
}

function createdBy({ release, by }: Pick<UpRequest, "release" | "by">, version: string): Told {
  const nothing = { phase: null, tookMs: null, longestWaitMs: null, statements: null };
  return { version, file: "", did: "created", release, by, ...nothing, note: "the database held nothing" };
}
