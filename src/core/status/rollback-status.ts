import { MIGRATE_BACK, schemaSentence } from "../decide/database-recipe.ts";
import type { Evidence } from "../diagnosis/evidence.ts";
import type { Fault } from "../fault.ts";
import type { Observed } from "../release/effect.ts";
import type { Because } from "../release/event.ts";
import type { Release } from "../release/release.ts";

/** A rollback that is under way or done. */
export interface RollbackStatus {
  readonly sentence: string;
  readonly kind: Because["kind"];
  /** By the guard of which it was decided; absent: by none. */
  readonly metric?: string;
  readonly by: string | null;
  readonly decidedAtMs: number;
  readonly fromSharePercent: number;
  /** Traffic was back before the journal could be told; `tookMs` null: nobody could write down how long it took. */
  readonly putBackEarly: { readonly by: string | null; readonly atMs: number; readonly tookMs: number | null } | null;
  /** What was undone, in order, with the time after the decision. */
  readonly undone: readonly {
    readonly name: string;
    readonly afterMs: number;
    readonly failed: boolean;
    /** Of instances that were stopped: none was left, or some did not end by themselves in time. */
    readonly stopped?: "none" | "killed";
  }[];
  /** What became of the database's schema; absent: this release had not changed it, or nobody has looked yet. */
  readonly schema?: string;
  /** What it waits for just now, as the engine sees it; absent: for nothing that anybody need know. */
  readonly seen?: string;
  readonly evidence: Evidence | null;
  /** What the outside said, where a step's own work failed; null where a guard or a person decided. */
  readonly fault: Fault | null;
}

/** null: none was decided. */
export function rollbackStatus(release: Release): RollbackStatus | null {
  const { undo } = release;
  if (undo === null) return null;
  const evidence = undo.effects["gather-evidence"]?.observed;
  return {
    sentence: undo.because.sentence,
    kind: undo.because.kind,
    ...(undo.because.verdict === undefined ? {} : { metric: undo.because.verdict.metric }),
    by: undo.by,
    decidedAtMs: undo.decidedAt.wall,
    fromSharePercent: undo.fromShare / 100,
    putBackEarly: putBackEarly(release),
    undone: undone(release, undo),
    ...schemaOf(release),
    evidence: evidence === null || evidence === undefined ? null : (evidence as unknown as Evidence),
    fault: undo.because.fault ?? null,
  };
}

function schemaOf(release: Release): Pick<RollbackStatus, "schema"> {
  const state = release.undo?.effects[MIGRATE_BACK]?.state;
  return state === "confirmed" || state === "failed" ? { schema: schemaSentence(release) } : {};
}

function putBackEarly({ emergencies }: Release): RollbackStatus["putBackEarly"] {
  const early = emergencies.findLast(({ outcome }) => outcome === "put-back");
  if (early === undefined) return null;
  return { by: early.by, atMs: early.at + (early.tookMs ?? 0), tookMs: early.tookMs ?? null };
}

function undone(release: Release, { effects, decidedAt }: NonNullable<Release["undo"]>): RollbackStatus["undone"] {
  const after = (atMs: number): number => Math.max(0, atMs - decidedAt.wall);
  const early = putBackEarly(release);
  const ended = Object.values(effects).filter(({ name, endedAt }) => endedAt !== null && name !== "gather-evidence");
  return [
    ...(early === null ? [] : [{ name: "put-back-early", afterMs: after(early.atMs), failed: false }]),
    ...ended.map(({ name, endedAt, state, observed }) => ({
      name,
      afterMs: after(endedAt?.wall ?? 0),
      failed: state === "failed",
      ...howStopped(observed),
    })),
  ];
}

function howStopped(observed: Observed | null): Pick<RollbackStatus["undone"][number], "stopped"> {
  if (observed === null) return {};
  const { stopped, killed } = observed as { readonly stopped?: unknown; readonly killed?: unknown };
  if (Array.isArray(killed)) return { stopped: "killed" };
  return Array.isArray(stopped) && stopped.length === 0 ? { stopped: "none" } : {};
}
