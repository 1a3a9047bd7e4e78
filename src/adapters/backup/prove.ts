import { type Contents, differences, rowsOf } from "../../core/backup/contents.ts";
import type { Drilled, Proven } from "../../core/backup/record.ts";
import { FaultError } from "../../core/fault.ts";
import type { BackupPart, VerifyRequest } from "../../ports/backups.ts";
import type { Clock } from "../../ports/clock.ts";
import { drill, type Drilling, type Migrating, notPossible } from "./drill.ts";
import type { BackupKind, Copy, Going, StoredBackup } from "./kind.ts";

export interface ProofSettings extends Omit<Drilling, "migrating"> {
  readonly kind: BackupKind;
  readonly clock: Clock;
  /** null: the plan names no migrations. */
  readonly migrating: Migrating | null;
}

export interface ProofOrder extends Going, Pick<VerifyRequest, "proof" | "by" | "directory" | "servingDirectory"> {
  /** What is shown stays so, whatever fails after it. */
  readonly reached: (proof: Proven) => Promise<void>;
}

/**
 * Shows that a backup can be restored, as far as is asked. Faults: backup-broken, backup-differs, backup-not-restorable,
 * backup-not-provable, drill-not-possible, drill-failed.
 */
export async function proveBackup(settings: ProofSettings, backup: StoredBackup, order: ProofOrder): Promise<void> {
  const { kind, clock } = settings;
  const trying = drillOf(settings, order);
  const decode = await timed("decode", order, () => kind.decode(backup, order));
  const base = {
    at: clock.wall(),
    decodeMs: decode.tookMs,
    restoreMs: null,
    checksMs: null,
    tables: 0,
    rows: 0,
    drill: null,
  };
  await order.reached({ proof: "decode", ...base });
  if (order.proof === "decode") return;
  const restored = await timed("restore", order, () => kind.copy(backup, order));
  await using copy = restored.result;
  const { contents } = backup.record;
  const checks = await timed("checks", order, async () => refuseDifferent(contents, await copy.contents()));
  const proven = {
    ...base,
    restoreMs: restored.tookMs,
    checksMs: checks.tookMs,
    tables: contents.tables.length,
    rows: rowsOf(contents),
  };
  await order.reached({ proof: "restore", ...proven, at: clock.wall() });
  if (trying === null) return;
  const drilled = await timed("drill", order, () => trying(copy, contents));
  await order.reached({ proof: "drill", ...proven, at: clock.wall(), drill: drilled.result });
}

/** Faults: backup-differs. */
function refuseDifferent(source: Contents, copy: Contents): void {
  const found = differences(source, copy);
  if (found.length === 0) return;
  throw new FaultError({
    code: "backup-differs",
    what: "What was restored from the backup is not what was in the database.",
    detail: found.slice(0, 20),
    fix: "make another one: tidegate backup; if that differs too, whoever knows the database must see why",
  });
}

/** What a drill would do; null: none is asked for. Faults: drill-not-possible. */
export function drillOf(
  { migrating, ...more }: Pick<ProofSettings, keyof Drilling>,
  order: Omit<ProofOrder, "reached">,
): ((copy: Copy, before: Contents) => Promise<Drilled>) | null {
  const { directory, proof } = order;
  if (proof !== "drill") return null;
  if (migrating === null || directory === null)
    throw notPossible("There are no migrations to try on the restored copy.");
  return (copy, before) => drill({ migrating, ...more }, copy, before, { ...order, directory });
}

async function timed<T>(
  part: BackupPart | null,
  { tell }: Pick<Going, "tell">,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly tookMs: number }> {
  const startedAt = performance.now();
  if (part !== null) tell({ kind: "began", part });
  const result = await work();
  const tookMs = Math.round(performance.now() - startedAt);
  if (part !== null) tell({ kind: "ended", part, tookMs });
  return { result, tookMs };
}
