import { rmSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { FaultError } from "../../../core/fault.ts";
import type { StopOutcome } from "../../../ports/runtime.ts";
import { firstLine } from "./systemctl.ts";
import type { UnitPlace } from "./unit-place.ts";
import { fileOf, type UnitRecord, writeRecord } from "./unit-records.ts";
import { stateOf } from "./unit-state.ts";
import { ENVIRONMENT_FILE } from "./unit-text.ts";

/** After SIGKILL the kernel may need a while. */
const ENDS_WITHIN_MS = 20_000;
const LOOK_MS = 50;

/**
 * SIGTERM, then SIGKILL after `stopMs`, to all of its processes. It does not come back at a boot, and its secrets go with
 * it. Gone already: resolves at once. Faults: process-not-killable, runtime-unreachable, systemd-denied.
 */
export async function stopUnit(place: UnitPlace, record: UnitRecord, stopMs: number): Promise<StopOutcome> {
  const { folder, systemctl } = place;
  const { unit } = record;
  const stopped: UnitRecord = { ...record, wanted: "stopped", stoppedAt: Date.now() };
  // First: an engine that dies in between must not leave one behind that is missed.
  await writeRecord(folder, stopped);
  // Its own stop would wait as long as the unit says; here the release does.
  await systemctl.run("stop", "--no-block", "--", unit);
  // What a release has stopped does not come back at a boot; of the user's own that is taken back when it is resumed.
  if (record.adopted?.wasEnabled !== false) await systemctl.run("disable", "--no-reload", "--quiet", "--", unit);
  const isKilled = !(await hasEnded(place, stopped, stopMs));
  if (isKilled) {
    await systemctl.run("kill", "--signal=SIGKILL", "--", unit);
    if (!(await hasEnded(place, stopped, ENDS_WITHIN_MS))) throw notKillable(record);
  }
  rmSync(fileOf(folder, unit, ENVIRONMENT_FILE), { force: true });
  // Else `systemctl --failed` would show what was ended on purpose.
  await systemctl.run("reset-failed", "--", unit);
  return isKilled ? { wasKilled: true } : {};
}

async function hasEnded({ systemctl }: UnitPlace, record: UnitRecord, withinMs: number): Promise<boolean> {
  const until = performance.now() + withinMs;
  for (;;) {
    const seen = (await systemctl.show([record.unit], ["ActiveState", "SubState", "Job"])).get(record.unit);
    if (stateOf(record, seen) === "exited") return true;
    if (performance.now() >= until) return false;
    await delay(LOOK_MS);
  }
}

function notKillable({ id, unit }: UnitRecord): FaultError {
  return new FaultError({
    code: "process-not-killable",
    what: `${id} has not ended, and SIGKILL did not end it.`,
    where: firstLine(unit),
    fix: "a process that waits for a disk or a network file system can't be ended; systemctl status shows it",
  });
}
