import type { InstanceSeen } from "../../../core/observation.ts";
import type { StateFolder } from "../../../local/state-folder.ts";
import { removeUnits } from "./prune-units.ts";
import { stopUnit } from "./stop-unit.ts";
import { systemctl as systemctlOf } from "./systemctl.ts";
import { endsOf } from "./unit-ends.ts";
import { unitPlace } from "./unit-place.ts";
import { forgetRecord, readRecords } from "./unit-records.ts";
import { clocks, PROPERTIES, stateOf, unitSeen } from "./unit-state.ts";

interface Place {
  readonly app: string;
  readonly environment: string;
}

/** What systemd runs of a state folder: no plan file is needed. Faults: runtime-unreachable. */
export async function keptUnits(folder: StateFolder, of: Place | null): Promise<readonly InstanceSeen[]> {
  const records = readRecords(folder).filter(
    ({ app, environment }) => of === null || (of.app === app && of.environment === environment),
  );
  if (records.length === 0) return [];
  const shown = await systemctlOf(process.env).show(
    records.map(({ unit }) => unit),
    PROPERTIES,
  );
  const now = clocks();
  return Promise.all(
    records.map(async (record) => {
      const properties = shown.get(record.unit);
      return unitSeen(record, properties, await endsOf(folder, record, properties, now, false), null, now);
    }),
  );
}

/**
 * Stops some of them; all of them, and takes their units away, where none are named. What was adopted is left then.
 * Answers whom it found.
 * Faults: process-not-killable, runtime-unreachable, systemd-denied.
 */
export async function stopKeptUnits(
  folder: StateFolder,
  ids: readonly string[] | null,
  stopMs: number,
  unitsFolder?: string,
): Promise<readonly string[]> {
  const all = readRecords(folder);
  const wanted = all.filter(({ id, adopted }) => (ids === null ? adopted === undefined : ids.includes(id)));
  if (ids === null) for (const { unit } of all.filter((each) => each.adopted !== undefined)) forgetRecord(folder, unit);
  if (wanted.length === 0) return [];
  const place = unitPlace(folder, systemctlOf(process.env), process.env, unitsFolder);
  const shown = await place.systemctl.show(
    wanted.map(({ unit }) => unit),
    PROPERTIES,
  );
  const living = wanted.filter((each) => each.wanted === "running" || stateOf(each, shown.get(each.unit)) !== "exited");
  await Promise.all(living.map((each) => stopUnit(place, each, stopMs)));
  if (ids === null) await removeUnits(place, wanted, wanted);
  return wanted.map(({ id }) => id);
}
