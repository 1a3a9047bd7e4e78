import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import type { Slot } from "../../../core/observation.ts";
import { writeFileAtomically } from "../../../local/atomic-file.ts";
import type { StateFolder } from "../../../local/state-folder.ts";
import { unitFolder, UNITS_FOLDER } from "./unit-text.ts";
import type { Liveness } from "../watched-liveness.ts";

/** What is known of an instance that systemd runs: systemd keeps no labels. It outlives the engine, and holds no secret. */
export interface UnitRecord {
  readonly format: 1;
  readonly id: string;
  /** `tidegate-shop-production-web-green-9f2c1e4a@0.service`. */
  readonly unit: string;
  readonly app: string;
  readonly environment: string;
  readonly service: string;
  readonly slot: Slot;
  readonly version: string;
  readonly port: number;
  readonly address?: string;
  /** The version's folder, and the service's in it. */
  readonly directory: string;
  readonly serviceFolder: string;
  readonly run: string;
  readonly files: readonly string[];
  readonly liveness?: Liveness;
  /** `stopped`: what is not there now is not missed. */
  readonly wanted: "running" | "stopped";
  readonly stoppedAt?: number;
  /** The user's own unit, that was taken over: nothing of it is written or removed here. */
  readonly adopted?: { readonly wasEnabled: boolean };
}

const RECORD_FILE = "instance.json";

/** Every record of the state folder. */
export function readRecords(folder: StateFolder): readonly UnitRecord[] {
  return unitsIn(folder).flatMap((unit) => readRecord(folder, unit) ?? []);
}

export function readRecord(folder: StateFolder, unit: string): UnitRecord | null {
  try {
    return JSON.parse(readFileSync(fileOf(folder, unit, RECORD_FILE), "utf8")) as UnitRecord;
  } catch {
    return null;
  }
}

export async function writeRecord(folder: StateFolder, record: UnitRecord): Promise<void> {
  mkdirSync(fileOf(folder, record.unit), { recursive: true, mode: 0o700 });
  await writeFileAtomically(fileOf(folder, record.unit, RECORD_FILE), `${JSON.stringify(record, null, 1)}\n`);
}

export function forgetRecord(folder: StateFolder, unit: string): void {
  rmSync(fileOf(folder, unit), { recursive: true, force: true });
}

/** A file in a unit's folder, or the folder itself. */
export function fileOf(folder: StateFolder, unit: string, ...name: readonly string[]): string {
  return folder.file(...unitFolder(unit), ...name);
}

function unitsIn(folder: StateFolder): readonly string[] {
  try {
    return readdirSync(folder.file(...UNITS_FOLDER)).sort();
  } catch {
    return [];
  }
}
