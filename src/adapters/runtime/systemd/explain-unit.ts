import type { Fault } from "../../../core/fault.ts";
import type { InstanceSeen } from "../../../core/observation.ts";
import { socketsOf } from "../../../local/listening-sockets.ts";
import { familyOf } from "../../../local/process-family.ts";
import { identify } from "../../../local/process-identity.ts";
import { explainFailedStart } from "../diagnose.ts";
import { INSTANCE_HOST } from "../line-program.ts";
import { missingEnvironmentFiles } from "../versions/copied-files.ts";
import { join } from "node:path";
import type { Systemctl, UnitProperties } from "./systemctl.ts";
import { logCommand, unitLog } from "./unit-log.ts";
import type { UnitRecord } from "./unit-records.ts";

export interface FailedUnit {
  readonly systemctl: Systemctl;
  readonly planFolder: string;
  readonly record: UnitRecord;
  readonly instance: InstanceSeen;
  readonly properties: UnitProperties | undefined;
}

const EXPLAINED_LINES = 60;

/** Why an instance did not get ready: what systemd says of its start first, then what its own words say. */
export async function explainUnit(failed: FailedUnit): Promise<Fault> {
  const { systemctl, planFolder, record, instance } = failed;
  const log = await unitLog(systemctl, record, EXPLAINED_LINES);
  const where = logCommand(systemctl, record);
  const own = record.adopted === undefined ? ofSystemd(failed) : adoptedGone(record);
  if (own !== null) return { where, ...own, detail: log.slice(-SHOWN) };
  const { files, serviceFolder, directory } = record;
  return explainFailedStart({
    service: record.service,
    instance,
    log,
    logFile: where,
    host: INSTANCE_HOST,
    expectedPort: record.port,
    listening: listeningOf(instance),
    run: record.run,
    folder: join(directory, serviceFolder),
    missingFiles: await missingEnvironmentFiles(planFolder, directory, { directory: serviceFolder, files }),
    livedMs: livedMs(instance),
  });
}

const SHOWN = 12;

/** What ended before the service's own program began. Source: systemd.exec(5) "Process exit codes". */
const BEFORE_THE_PROGRAM: Readonly<Record<number, readonly [code: string, what: string, fix: string]>> = {
  200: [
    "directory-missing",
    "its folder can't be entered",
    "may the user of the service enter each folder above the plan file? /root may not be entered by others",
  ],
  203: ["command-not-found", "its command can't be executed", "is there a /bin/sh?"],
  216: ["group-missing", "there is no such group", "correct `systemd: { group: … }`, or make it: groupadd"],
  217: ["user-missing", "there is no such user", "correct `systemd: { user: … }`, or make it: useradd --system"],
  226: [
    "unit-not-sandboxed",
    "systemd could not set up what the unit shuts it off from",
    "in a container it may not: then give no `user`, or correct `properties`",
  ],
  228: ["unit-not-sandboxed", "systemd could not restrict its system calls", "correct `properties` of `systemd`"],
};

function ofSystemd({ record: { id }, instance: { lastExit }, properties }: FailedUnit): Fault | null {
  if (lastExit?.outOfMemory === true) return outOfMemory(id, properties?.["MemoryMax"]);
  return beforeTheProgram(id, lastExit?.code);
}

/** Why systemd could not even begin it, by the code with which its own part ended; null: it is none of these. */
export function beforeTheProgram(id: string, exitCode: number | null | undefined): Fault | null {
  const known = BEFORE_THE_PROGRAM[exitCode ?? -1];
  if (known === undefined) return null;
  const [code, what, fix] = known;
  return { code, what: `${id} could not be started: ${what} (systemd's code ${exitCode}).`, fix };
}

function adoptedGone({ unit, address }: UnitRecord): Fault {
  return {
    code: "instance-not-ready",
    what: `What was taken over at ${address ?? "an unknown address"} (${unit}) does not answer as ready.`,
    fix: "Tidegate did not write that unit and doesn't restart it: look after it there",
  };
}

function outOfMemory(id: string, limit: string | undefined): Fault {
  const bytes = Number(limit);
  const isLimited = Number.isFinite(bytes) && bytes < 2 ** 60;
  const bound = isLimited ? `its limit of ${Math.round(bytes / 1_048_576)} MiB` : "the machine has";
  return {
    code: "instance-out-of-memory",
    what: `${id} was ended for want of memory: it needed more than ${bound}.`,
    fix: isLimited
      ? "give it more (`systemd: { memoryMax: … }`), or find out what needs it"
      : "find out what needs it, or give the machine more",
  };
}

function listeningOf({ pid }: InstanceSeen): ReturnType<typeof socketsOf> {
  const identity = pid === undefined ? null : identify(pid);
  return identity === null ? [] : socketsOf(familyOf(identity).map((row) => row.pid));
}

/** null when another life has begun since. */
function livedMs({ state, startedAt, lastExit }: InstanceSeen): number | null {
  if (startedAt === undefined) return null;
  if (state === "running") return Date.now() - startedAt;
  return lastExit !== undefined && lastExit.at >= startedAt ? lastExit.at - startedAt : null;
}
