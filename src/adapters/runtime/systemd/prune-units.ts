import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { templateOfUnit } from "./unit-names.ts";
import type { UnitPlace } from "./unit-place.ts";
import { forgetRecord, type UnitRecord } from "./unit-records.ts";
import { isWrittenFor } from "./unit-text.ts";

/** What was stopped is asked for its log for a while. */
const KEPT_MS = 60 * 60_000;

/**
 * Forgets stopped instances of versions whose folders went, and those that nobody asks about any more, and takes away the
 * templates of which nothing is left.
 */
export async function pruneUnits(
  place: UnitPlace,
  records: readonly UnitRecord[],
  removed: readonly string[],
  inUse: readonly string[],
): Promise<void> {
  const isOld = ({ version, wanted, stoppedAt = 0, adopted }: UnitRecord): boolean =>
    wanted === "stopped" &&
    // One of the user's may be gone back to for as long as no other was taken over.
    adopted === undefined &&
    !inUse.includes(version) &&
    (removed.includes(version) || stoppedAt < Date.now() - KEPT_MS);
  await removeUnits(place, records.filter(isOld), records);
}

/** `gone` is stopped; a template stays as long as any of `all` needs it. */
export async function removeUnits(
  place: UnitPlace,
  gone: readonly UnitRecord[],
  all: readonly UnitRecord[],
): Promise<void> {
  if (gone.length === 0) return;
  const { folder, systemctl } = place;
  const unitsFolder = await place.unitsFolder();
  for (const { unit } of gone) forgetRecord(folder, unit);
  const needed = new Set(all.filter((each) => !gone.includes(each)).map(({ unit }) => templateOfUnit(unit)));
  const templates = new Set(gone.map(({ unit }) => templateOfUnit(unit)));
  const old = [...templates].filter((template) => !needed.has(template)).map((name) => join(unitsFolder, name));
  for (const path of old.filter((each) => isOwn(each, folder.path))) rmSync(path, { force: true });
  if (old.length > 0) await systemctl.run("daemon-reload");
}

function isOwn(path: string, statePath: string): boolean {
  try {
    return isWrittenFor(readFileSync(path, "utf8"), statePath);
  } catch {
    return false;
  }
}
