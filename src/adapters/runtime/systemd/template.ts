import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { FaultError } from "../../../core/fault.ts";
import { writeFileAtomically } from "../../../local/atomic-file.ts";
import { lineProgram } from "../line-program.ts";
import { firstLine } from "./systemctl.ts";
import { templateFile } from "./unit-names.ts";
import type { UnitPlace } from "./unit-place.ts";
import { isWrittenFor, PORT_PLACE, templateText, type UnitOrder } from "./unit-text.ts";

/**
 * The same for every instance of a version in a slot, so it is written and read in by systemd once. Faults: undefined-name,
 * unit-foreign, units-not-written.
 */
export async function writeTemplate(place: UnitPlace, order: UnitOrder): Promise<void> {
  const { folder, systemctl, env } = place;
  const unitsFolder = await place.unitsFolder();
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
