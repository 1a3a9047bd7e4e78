import { readFileSync, statSync } from "node:fs";
import { writeFileAtomically } from "../../../local/atomic-file.ts";
import type { StateFolder } from "../../../local/state-folder.ts";
import type { UnitProperties } from "./systemctl.ts";
import { fileOf, type UnitRecord } from "./unit-records.ts";
import { type Clocks, crashesNow, type Ends, exitOf, exitShown } from "./unit-state.ts";
import { EXIT_FILE } from "./unit-text.ts";

const CRASHES_FILE = "crashes.json";

/** systemd counts from nothing when somebody starts a unit, and after a boot: those before are kept here. */
interface Crashes {
  readonly before: number;
  readonly now: number;
}

/** How an instance's lives ended. `isKept`: what is counted is written down; who only looks writes nothing. */
export async function endsOf(
  folder: StateFolder,
  { unit }: UnitRecord,
  properties: UnitProperties | undefined,
  clock: Clocks,
  isKept: boolean,
): Promise<Ends> {
  const known = readCrashes(folder, unit);
  const now = crashesNow(properties);
  const next = now < known.now ? { before: known.before + known.now, now } : { ...known, now };
  if (isKept && (next.now !== known.now || next.before !== known.before)) {
    // A full disk must not keep anybody from seeing it: the same is found at the next look.
    await writeFileAtomically(fileOf(folder, unit, CRASHES_FILE), `${JSON.stringify(next)}\n`).catch(() => undefined);
  }
  return { crashes: next.before + next.now, last: exitShown(properties, clock) ?? lastExit(folder, unit) };
}

function readCrashes(folder: StateFolder, unit: string): Crashes {
  try {
    return JSON.parse(readFileSync(fileOf(folder, unit, CRASHES_FILE), "utf8")) as Crashes;
  } catch {
    return { before: 0, now: 0 };
  }
}

function lastExit(folder: StateFolder, unit: string): Ends["last"] {
  const file = fileOf(folder, unit, EXIT_FILE);
  try {
    return exitOf(readFileSync(file, "utf8"), Math.round(statSync(file).mtimeMs));
  } catch {
    return null;
  }
}
