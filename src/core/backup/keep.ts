import type { BackupPlan } from "../plan/database.ts";
import { DAY, type Instant } from "../time/time.ts";
import { type BackupRecord, isAtLeast, newestFirst } from "./record.ts";

/**
 * The backups that the policy lets go: neither among the newest so many nor younger than so many days. The newest that was proven by
 * restoring it always stays. One that is broken counts as none, and goes once it is old enough.
 */
export function tooMany(
  records: readonly BackupRecord[],
  { newest, days }: BackupPlan["keep"],
  now: Instant,
): readonly BackupRecord[] {
  const sorted = newestFirst(records);
  const good = sorted.filter(({ trouble }) => trouble === null);
  const best = good.find(({ proof }) => proof !== null && isAtLeast(proof.proof, "restore"));
  const kept = new Set(good.slice(0, newest).map(({ id }) => id));
  if (best !== undefined) kept.add(best.id);
  const oldestKept = good.filter(({ id }) => kept.has(id)).at(-1);
  return sorted.filter((record) => {
    if (kept.has(record.id)) return false;
    if (days !== undefined && now - record.madeAt < days * DAY) return false;
    // Somebody may still want to look at what broke it: it goes no earlier than a good one of its age.
    return record.trouble === null || (oldestKept !== undefined && record.id < oldestKept.id);
  });
}
