import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { FaultError } from "../../../core/fault.ts";
import { environmentLine } from "../../../core/text/unit-words.ts";
import { writeFileAtomically } from "../../../local/atomic-file.ts";
import { lock } from "../../../local/exclusive-lock.ts";
import { freePort } from "../free-port.ts";
import { instanceId } from "../instance-id.ts";
import { addressOf, type LineProgram, lineProgram } from "../line-program.ts";
import { livenessOf } from "../watched-liveness.ts";
import { firstLine } from "./systemctl.ts";
import { stopUnit } from "./stop-unit.ts";
import { templateFile, unitName } from "./unit-names.ts";
import type { UnitPlace } from "./unit-place.ts";
import { fileOf, readRecord, readRecords, type UnitRecord, writeRecord } from "./unit-records.ts";
import { ENVIRONMENT_FILE, isWrittenFor, PORT_NAME, PORT_PLACE, templateText, type UnitOrder } from "./unit-text.ts";

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
  try {
    await must(systemctl.run("enable", "--no-reload", "--quiet", "--", unit), record);
    await must(systemctl.run("start", "--", unit), record);
  } catch (error) {
    // It would be tried again and again, and at every boot.
    await stopUnit(place, record, 0).catch(() => undefined);
    throw error;
  }
  return record;
}

/** The same for every instance of a version in a slot, so it is written and read in by systemd once. */
async function writeTemplate(place: UnitPlace, order: UnitOrder): Promise<void> {
  const { folder, systemctl, env, unitsFolder } = place;
  const path = join(unitsFolder, templateFile(order));
  const { command } = lineProgram(order, PORT_PLACE, env);
  const text = templateText({ order, manager: await systemctl.manager(), command, statePath: folder.path });
  const there = read(path);
  if (there === text) return;
  if (there !== null && !isWrittenFor(there, folder.path)) throw foreign(path, there);
  try {
    mkdirSync(unitsFolder, { recursive: true });
    await writeFileAtomically(path, text, 0o644);
  } catch (error) {
    throw notWritten(path, error);
  }
  const reloaded = await systemctl.run("daemon-reload");
  if (reloaded.code !== 0) throw notWritten(path, reloaded.errors);
}

function recordOf(order: UnitOrder, unit: string, port: number): UnitRecord {
  const { app, environment, service, slot, version, directory } = order;
  const address = addressOf(order, port);
  const liveness = livenessOf(service.health);
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

async function must(asked: Promise<{ code: number; errors: string }>, { id, unit }: UnitRecord): Promise<void> {
  const { code, errors } = await asked;
  if (code === 0) return;
  throw new FaultError({
    code: "instance-not-started",
    what: `systemd could not start ${id}.`,
    where: unit,
    cause: firstLine(errors),
    fix: `journalctl -u '${unit}' says more; systemctl cat '${unit}' shows what it is`,
  });
}

function foreign(path: string, text: string): FaultError {
  const owner = /^# Written by Tidegate for (.*?)\. /.exec(text)?.[1];
  return new FaultError({
    code: "unit-foreign",
    what:
      owner === undefined
        ? "There is a unit of this name that Tidegate did not write."
        : "There is a unit of this name that another Tidegate wrote.",
    where: path,
    ...(owner === undefined ? {} : { cause: `it is of the state folder ${owner}` }),
    fix:
      owner === undefined
        ? "remove it, or call the app, the environment or the service otherwise"
        : `stop that one (tidegate down --state ${owner}), or call this app or its environment otherwise`,
  });
}

function notWritten(path: string, error: unknown): FaultError {
  return new FaultError({
    code: "units-not-written",
    what: "A unit of systemd's could not be written.",
    where: path,
    cause: error instanceof Error ? error.message : firstLine(String(error)),
    fix: "release as root, for the system's services, or as an ordinary user, for that user's own",
  });
}

function read(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
