import { type Contents, differences, rowsOf } from "../../core/backup/contents.ts";
import type { Drilled, Proven } from "../../core/backup/record.ts";
import { FaultError } from "../../core/fault.ts";
import type { BackupPart, VerifyRequest } from "../../ports/backups.ts";
import type { Clock } from "../../ports/clock.ts";
import type { BackupKind, Going, StoredBackup } from "./kind.ts";

export interface ProofSettings {
  readonly kind: BackupKind;
  readonly clock: Clock;
}

type ProofOrder = Going & Pick<VerifyRequest, "proof" | "by" | "directory">;

/**
 * Shows that a backup can be restored, as far as is asked. Faults: backup-broken, backup-differs, backup-not-restorable,
 * backup-not-provable, drill-not-possible, drill-failed.
 */
export async function proveBackup(settings: ProofSettings, backup: StoredBackup, order: ProofOrder): Promise<Proven> {
  const { kind, clock } = settings;
  if (order.proof === "drill") await drilled();
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
  if (order.proof === "decode") return { proof: "decode", ...base };
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
  if (order.proof === "restore") return { proof: "restore", ...proven, at: clock.wall() };
  const drill = await timed("drill", order, () => drilled());
  return { proof: "drill", ...proven, at: clock.wall(), drill: drill.result };
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

/** Until migrations run. */
async function drilled(): Promise<Drilled> {
  throw new FaultError({
    code: "drill-not-possible",
    what: "There are no migrations to try on the restored copy.",
    fix: "name them: database: { migrations: db/migrations }; or prove the backup with --proof restore",
  });
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
