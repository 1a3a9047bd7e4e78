import { deletedInAll, type DeletedRows, deletedWords } from "../migration/deleted-rows.ts";
import { MIGRATION_PHASES, type MigrationPhase } from "../plan/database.ts";
import type { StepOf } from "../plan/step.ts";
import type { Because } from "../release/event.ts";
import type { Release } from "../release/release.ts";
import { fullStop, withoutFullStop } from "../text/plain-text.ts";
import { ONCE, type Recipe } from "./ingredient.ts";
import type { Seen } from "./seen.ts";

/** The ingredient of a rollback that takes the schema back. */
export const MIGRATE_BACK = "migrate-back";

/** One that broke off leaves nothing that counts, so it is simply made again. */
export function backupRecipe({ candidate }: Release, { proof }: StepOf<"backup">): Recipe {
  const { version } = candidate;
  const backup = { ...ONCE, name: "backup", effect: { kind: "backup", version, proof } } as const;
  // Of the others the version's folder is not asked.
  return proof === "drill" ? [prepared(version), backup] : [backup];
}

/** What was begun goes on where it ended, so it may be asked for again by whoever comes next. */
export function migrateRecipe(release: Release, step: StepOf<"migrate">): Recipe {
  const { version } = release.candidate;
  const phases = phasesOf(release, step);
  return [
    prepared(version),
    {
      ...ONCE,
      name: "migrate",
      effect: { kind: "migrate", version, phases, ...(step.what === "all" ? { whole: true } : {}) },
      inverse: phases.includes("contract") ? null : { kind: "migrate-back", version },
    },
  ];
}

export function takesAway(release: Release, step: StepOf<"migrate">): boolean {
  return phasesOf(release, step).includes("contract");
}

function phasesOf({ standbyRetired, stable }: Release, { what }: StepOf<"migrate">): readonly MigrationPhase[] {
  if (what !== "all") return [what];
  return standbyRetired || stable === null ? MIGRATION_PHASES : ["expand", "backfill"];
}

function prepared(version: string): Recipe[number] {
  return { ...ONCE, name: "prepare", effect: { kind: "prepare", version } };
}

/** I6: why what the version before needs may not be taken away yet; null: it may, or that is not what the step does. */
export function keptFromContract(release: Release, step: StepOf<"migrate">, { otherRuns }: Seen): Because | null {
  const { stable, standbyRetired } = release;
  if (stable === null || !takesAway(release, step)) return null;
  const waiting = (sentence: string): Because => ({ kind: "waiting", sentence });
  if (!standbyRetired)
    return waiting(`${stable.label} is not retired, and the contract step would take away what it needs.`);
  if (otherRuns !== null) return waiting(`The contract step waits until release ${otherRuns} has ended.`);
  return null;
}

/** What an engine has seen of a schema that was taken back. */
export interface WentBack {
  /** Files. */
  readonly reversed: readonly string[];
  readonly kept: readonly { readonly file: string; /** A sentence. */ readonly why: string }[];
  /** What those that were taken back had taken away, in words: it does not come back. Absent: nothing. */
  readonly gone?: readonly string[];
  /** Tables of which they say that they delete some rows. Absent: none. */
  readonly thinned?: readonly string[];
}

/** What became of the schema in a rollback, for people; empty: nothing was migrated. */
export function schemaSentence({ undo, steps }: Pick<Release, "undo" | "steps">): string {
  const back = undo?.effects[MIGRATE_BACK];
  if (back === undefined) return "";
  // It is in the journal as whoever performed it wrote it.
  const wentBack = back.state === "confirmed" ? (back.observed as unknown as WentBack) : null;
  return `${whatWentBack(steps, wentBack, back.fault?.what)}${lostSentence(steps, wentBack)}`;
}

function whatWentBack(steps: Release["steps"], wentBack: WentBack | null, why: string | undefined): string {
  if (wentBack === null) {
    const reason = fullStop(why ?? "nobody knows why");
    return isUntouched(steps)
      ? `No migration of this release was applied, as far as is known, and the database can't be asked: ${reason}`
      : `The schema stays expanded, which does no harm: ${reason}`;
  }
  const { reversed, kept } = wentBack;
  const broken = brokenOff(steps);
  if (broken !== null) {
    const left = kept.length === 0 ? "" : `, ${count(kept)} left, expanded`;
    return `Of the schema ${count(reversed)} taken back${left}; what broke off may have left something (tidegate migrate status): ${fullStop(broken)}`;
  }
  if (kept.length > 0) {
    const taken = reversed.length === 0 ? "" : `${count(reversed)} taken back, `;
    return `Of the schema ${taken}${count(kept)} left, expanded: ${keptWords(kept)}`;
  }
  if (reversed.length > 0) return `The schema is as it was: ${count(reversed)} taken back.`;
  const applied = new Set(migratedIn(steps).map(({ file }) => file)).size;
  return applied === 0
    ? "Nothing of the schema had been changed."
    : `This release had migrated ${applied} ${applied === 1 ? "file" : "files"}, and the database has none of them any more: somebody restored it, or took them back.`;
}

const MOST_KEPT = 3;

/** Which stays and why, of the first few. */
function keptWords(kept: WentBack["kept"]): string {
  const words = kept.slice(0, MOST_KEPT).map(({ file, why }) => `${file}: ${withoutFullStop(why)}`);
  const more = kept.length > MOST_KEPT ? [`and ${kept.length - MOST_KEPT} more`] : [];
  return fullStop([...words, ...more].join("; "));
}

/** Whatever the schema is now, rows that were deleted are gone. */
function lostSentence(steps: Release["steps"], wentBack: WentBack | null): string {
  const deleted = deletedInAll(migratedIn(steps).flatMap((each) => each.deleted ?? []));
  const counted = new Set(deleted.map(({ table }) => table));
  const { gone = [], thinned = [] } = wentBack ?? {};
  const words = [
    ...deleted.map(deletedWords),
    ...thinned.flatMap((table) => (counted.has(table) ? [] : [`the rows that were deleted from ${table}`])),
    ...gone,
  ];
  return words.length === 0 ? "" : ` What the migrations have taken away does not come back: ${words.join(", ")}.`;
}

/** What its migrations have written down of each file that they have applied. */
export function migratedIn(steps: Release["steps"]): readonly MigratedFile[] {
  return steps.flatMap(({ effects }) =>
    Object.values(effects).flatMap(({ effect, state, observed }) =>
      effect.kind === "migrate" && state === "confirmed"
        ? ((observed as { readonly applied?: readonly MigratedFile[] }).applied ?? [])
        : [],
    ),
  );
}

interface MigratedFile {
  readonly file: string;
  readonly deleted?: readonly DeletedRows[];
}

/** Whether all that was begun of its migrations was refused, or taken back whole. */
function isUntouched(steps: Release["steps"]): boolean {
  return steps.every(({ effects }) =>
    Object.values(effects).every(
      ({ effect, state, fault }) => effect.kind !== "migrate" || (state === "failed" && fault?.isBeforehand === true),
    ),
  );
}

/** Why a migration failed of which a part may be done; null: none did. */
function brokenOff(steps: Release["steps"]): string | null {
  const faults = steps.flatMap(({ effects }) =>
    Object.values(effects).flatMap(({ effect, state, fault }) =>
      effect.kind === "migrate" && state === "failed" && fault !== null && fault.isBeforehand !== true ? [fault] : [],
    ),
  );
  return faults.at(-1)?.what ?? null;
}

function count(migrations: readonly unknown[]): string {
  return `${migrations.length} migration${migrations.length === 1 ? "" : "s"}`;
}
