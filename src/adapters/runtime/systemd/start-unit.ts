import { mkdirSync, rmSync } from "node:fs";
import { FaultError } from "../../../core/fault.ts";
import type { InstanceSeen } from "../../../core/observation.ts";
import { environmentLine } from "../../../core/text/unit-words.ts";
import { writeFileAtomically } from "../../../local/atomic-file.ts";
import { lock } from "../../../local/exclusive-lock.ts";
import { freePort } from "../free-port.ts";
import { instanceId } from "../instance-id.ts";
import { addressOf, type LineProgram, lineProgram } from "../line-program.ts";
import { livenessOf } from "../watched-liveness.ts";
import { beforeTheProgram } from "./explain-unit.ts";
import { firstLine, type Systemctl, type SystemctlAnswer } from "./systemctl.ts";
import { stopUnit } from "./stop-unit.ts";
import { writeTemplate } from "./template.ts";
import { unitLog } from "./unit-log.ts";
import { unitName } from "./unit-names.ts";
import type { UnitPlace } from "./unit-place.ts";
import { fileOf, readRecord, readRecords, type UnitRecord, writeRecord } from "./unit-records.ts";
import { clocks, exitShown, PROPERTIES } from "./unit-state.ts";
import { ENVIRONMENT_FILE, EXIT_FILE, PORT_NAME, type UnitOrder } from "./unit-text.ts";

/**
 * Writes what an instance is made of, and has systemd start it, now and after every boot. Does not wait until it is
 * ready. Faults: undefined-name, unit-foreign, units-not-written, instance-not-started, runtime-unreachable, systemd-denied.
 */
export async function startUnit(place: UnitPlace, order: UnitOrder): Promise<UnitRecord> {
  const { folder, systemctl, env } = place;
  const unit = unitName(order);
  mkdirSync(fileOf(folder, unit), { recursive: true, mode: 0o700 });
  // Two at once would be given the same port.
  using _alone = await lock(folder.file("systemd", "start.lock"));
  const earlier = readRecord(folder, unit);
  const others = readRecords(folder).filter((each) => each.unit !== unit && each.wanted === "running");
  const port = await freePort(new Set(others.map((each) => each.port)), earlier?.port);
  const program = lineProgram(order, String(port), env);
  const record = recordOf(order, unit, port);
  await writeTemplate(place, order);
  await writeFileAtomically(fileOf(folder, unit, ENVIRONMENT_FILE), environmentText(order, program, port), 0o600);
  await writeRecord(folder, record);
  rmSync(fileOf(folder, unit, EXIT_FILE), { force: true });
  try {
    await must(systemctl.run("enable", "--no-reload", "--quiet", "--", unit), record);
    await must(systemctl.run("start", "--", unit), record);
  } catch (error) {
    const last = await lastExit(systemctl, unit).catch(() => null);
    // It would be tried again and again, and at every boot. What ran before is wanted whatever becomes of this start.
    if (earlier?.wanted !== "running") await stopUnit(place, record, 0).catch(() => undefined);
    const known = beforeTheProgram(record.id, last?.code);
    throw known === null
      ? error
      : new FaultError({ ...known, where: unit, detail: await unitLog(systemctl, record, 2) });
  }
  return record;
}

async function lastExit(systemctl: Systemctl, unit: string): Promise<InstanceSeen["lastExit"] | null> {
  return exitShown((await systemctl.show([unit], PROPERTIES)).get(unit), clocks());
}

function recordOf(order: UnitOrder, unit: string, port: number): UnitRecord {
  const { app, environment, service, slot, version, directory } = order;
  const address = addressOf(order, port);
  const liveness = livenessOf(service);
  return {
    format: 1,
    id: instanceId(order),
    unit,
    app,
    environment,
    service: service.name,
    slot,
    version,
    port,
    ...(address === undefined ? {} : { address }),
    directory,
    serviceFolder: service.runtime.directory,
    run: service.runtime.run,
    files: service.runtime.files,
    ...(liveness === undefined ? {} : { liveness }),
    wanted: "running",
  };
}

/** systemd knows better whose these are. */
const OF_THE_ACCOUNT = /^(?:HOME|USER|LOGNAME|SHELL|TMPDIR|XDG_.*)$/;

function environmentText(order: UnitOrder, { env, secretEnv }: LineProgram, port: number): string {
  const isMeant = (name: string): boolean => !OF_THE_ACCOUNT.test(name) || Object.hasOwn(order.service.env, name);
  const mine = Object.entries(env).filter(([name]) => isMeant(name));
  const all = { ...Object.fromEntries(mine), ...secretEnv, [PORT_NAME]: String(port) };
  const lines = Object.entries(all).map(([name, value]) => environmentLine(name, value));
  return `${lines.join("\n")}\n`;
}

async function must(asked: Promise<SystemctlAnswer>, { id, unit }: UnitRecord): Promise<void> {
  const { code, errors, isLate } = await asked;
  // It waits for what comes before it, as the network does at a boot; the release waits for it in its own time.
  if (code === 0 || isLate === true) return;
  throw new FaultError({
    code: "instance-not-started",
    what: `systemd could not start ${id}.`,
    where: unit,
    cause: firstLine(errors),
    fix: `journalctl -u '${unit}' says more; systemctl cat '${unit}' shows what it is`,
  });
}
