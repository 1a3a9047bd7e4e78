import type { DatabaseSync } from "node:sqlite";
import { isSameProcess } from "../../../local/process-identity.ts";
import type { LockHolder } from "../../../ports/migrations.ts";
import { hasTable } from "./ledger.ts";

/** Who has the lock and lives; of a dead process it is nobody's. */
export function livingHolder(database: DatabaseSync): LockHolder | null {
  if (!hasTable(database, "tidegate_migration_lock")) return null;
  const row = database.prepare("SELECT pid, boot, ticks, application, since FROM tidegate_migration_lock").get();
  if (row === undefined) return null;
  const pid = Number(row["pid"]);
  const isAlive = isSameProcess({ pid, bootId: String(row["boot"]), startTicks: Number(row["ticks"]) });
  return isAlive ? { pid, application: String(row["application"]), since: Number(row["since"]) } : null;
}

/** Who has the lock of a file that may be locked itself; null: nobody, or it does not let itself be read. */
export async function holderAt(path: string): Promise<LockHolder | null> {
  const { DatabaseSync: Sqlite } = await import("node:sqlite");
  try {
    using database = new Sqlite(path, { readOnly: true, timeout: 0 });
    return livingHolder(database);
  } catch {
    return null;
  }
}

/** `tidegate migrate up (alice) (process 12, since 2026-11-22T09:30:00Z)`. */
export function holderWords({ application, pid, since }: LockHolder): string {
  return `${application} (process ${pid}, since ${new Date(since ?? 0).toISOString().replace(/\.\d+Z$/, "Z")})`;
}
