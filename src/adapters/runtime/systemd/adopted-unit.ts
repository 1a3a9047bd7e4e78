import { readFileSync } from "node:fs";
import { createStateFolder } from "../../../local/state-folder.ts";
import { ownersOfPort } from "../../../local/listening-sockets.ts";
import { listProcesses, readProcess } from "../../../local/process-table.ts";
import type { AdoptOrder, ResumeOrder } from "../../../ports/runtime.ts";
import type { Systemctl } from "./systemctl.ts";
import type { UnitPlace } from "./unit-place.ts";
import { forgetRecord, readRecords, type UnitRecord, writeRecord } from "./unit-records.ts";
import { stateOf } from "./unit-state.ts";

/**
 * Takes over the user's own unit that answers at an address: it takes traffic as it is, and is stopped by systemd when it
 * is retired, which would else start it again. null: what answers there is no unit's own process.
 */
export async function adoptUnit(place: UnitPlace, order: AdoptOrder): Promise<UnitRecord | null> {
  const { folder, systemctl } = place;
  const unit = await unitAt(systemctl, order.address);
  if (unit === null) return null;
  createStateFolder(folder);
  for (const before of readRecords(folder).filter((each) => each.adopted !== undefined && isOfPlace(each, order)))
    forgetRecord(folder, before.unit);
  const state = (await systemctl.show([unit], ["UnitFileState"])).get(unit)?.["UnitFileState"];
  const record: UnitRecord = {
    format: 1,
    id: `${order.service}-${order.slot}-adopted-${order.address.replaceAll(/[^A-Za-z0-9.]/g, "-")}`,
    unit,
    app: order.app,
    environment: order.environment,
    service: order.service,
    slot: order.slot,
    version: order.version,
    port: portOf(order.address),
    address: order.address,
    directory: "",
    serviceFolder: "",
    run: "",
    files: [],
    wanted: "running",
    adopted: { wasEnabled: state === "enabled" },
  };
  await writeRecord(folder, record);
  return record;
}

/** Starts those again that have been stopped, as they were. */
export async function resumeUnits(
  { folder, systemctl }: UnitPlace,
  of: { readonly app: string; readonly environment: string },
  { version, slot, services }: ResumeOrder,
): Promise<void> {
  const wanted = readRecords(folder).filter(
    (each) =>
      each.adopted !== undefined &&
      isOfPlace(each, of) &&
      each.version === version &&
      each.slot === slot &&
      services.includes(each.service),
  );
  const shown = await systemctl.show(
    wanted.map(({ unit }) => unit),
    ["ActiveState", "SubState", "Job"],
  );
  for (const record of wanted.filter((each) => stateOf(each, shown.get(each.unit)) === "exited")) {
    await writeRecord(folder, { ...record, wanted: "running" });
    if (record.adopted?.wasEnabled === true) await systemctl.run("enable", "--no-reload", "--quiet", "--", record.unit);
    await systemctl.run("start", "--", record.unit);
  }
}

function isOfPlace(
  { app, environment }: UnitRecord,
  of: { readonly app: string; readonly environment: string },
): boolean {
  return app === of.app && environment === of.environment;
}

/** The unit whose own process listens there: one that other services run under is not theirs to be stopped. */
async function unitAt(systemctl: Systemctl, address: string): Promise<string | null> {
  const host = address.slice(0, address.lastIndexOf(":")).replaceAll(/[[\]]/g, "");
  const { owners } = ownersOfPort(host, portOf(address));
  for (const { pid } of owners) {
    const unit = unitOfProcess(pid, systemctl.scope);
    // Tidegate's own front door, or one of its instances.
    if (unit === null || unit.startsWith("tidegate-")) continue;
    const main = Number((await systemctl.show([unit], ["MainPID"])).get(unit)?.["MainPID"] ?? 0);
    if (main > 0 && (main === pid || isOnlyChild(pid, main))) return unit;
  }
  return null;
}

/** As of `npm start`: the unit's process only waits for the one that serves. */
function isOnlyChild(pid: number, main: number): boolean {
  return readProcess(pid)?.parent === main && listProcesses().filter(({ parent }) => parent === main).length === 1;
}

/** Where the kernel counts it. Source: cgroups(7). */
function unitOfProcess(pid: number, scope: Systemctl["scope"]): string | null {
  let lines: readonly string[];
  try {
    lines = readFileSync(`/proc/${pid}/cgroup`, "utf8").split("\n");
  } catch {
    return null;
  }
  const group = lines.find((line) => line.includes(":name=systemd:")) ?? lines.find((line) => line.startsWith("0::"));
  const path = group?.slice(group.indexOf("/")) ?? "";
  const isUsers = /\/user@\d+\.service\//.test(path);
  const unit = path.split("/").at(-1) ?? "";
  return unit.endsWith(".service") && isUsers === (scope === "user") ? unit : null;
}

function portOf(address: string): number {
  return Number(address.slice(address.lastIndexOf(":") + 1));
}
