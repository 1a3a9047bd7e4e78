import { readFileSync, renameSync } from "node:fs";
import type { RoutingTable } from "../core/traffic/routing.ts";
import type { Instant } from "../core/time/time.ts";
import { writeFileAtomically } from "../local/atomic-file.ts";
import { bootId } from "../local/process-identity.ts";
import type { StateFolder } from "../local/state-folder.ts";
import { readTable } from "./check-table.ts";
import { newSealKey } from "./pin.ts";
import { PROXY_TABLE_FILE } from "./protocol.ts";

/** What the plane must still know after its process has died. */
export interface Remembered {
  readonly format: 1;
  /** The highest epoch ever claimed. */
  readonly epoch: number;
  readonly table: RoutingTable | null;
  /** When the lease ends unless it is renewed; null: no lease. */
  readonly leaseEndsAt: Instant | null;
  readonly returnedAt: Instant | null;
  readonly sealKey: string;
  /** On which it was written. */
  readonly bootId?: string;
}

/** Renewals come every few seconds: they have a small file of their own, and the table's is left alone. */
const LEASE_FILE = "routing-lease.json";

/**
 * The state that a plane starts with: what it last acknowledged, or nothing. A file that can't be read is put aside: the
 * engine then writes the table anew, while a plane that refuses to start would help nobody.
 */
export function loadRemembered(folder: StateFolder): Remembered {
  const path = folder.file(PROXY_TABLE_FILE);
  const text = readIfThere(path);
  const nothing: Remembered = {
    format: 1,
    epoch: 0,
    table: null,
    leaseEndsAt: null,
    returnedAt: null,
    sealKey: newSealKey(),
  };
  if (text === null) return nothing;
  try {
    const stored = JSON.parse(text) as Remembered;
    const table = stored.table === null ? null : readTable(stored.table);
    return { ...stored, table, leaseEndsAt: renewedUntil(folder, table, stored.leaseEndsAt) };
  } catch (error) {
    renameSync(path, `${path}.unreadable`);
    process.emitWarning(`${path} can't be read and was put aside: ${String(error)}`, "TidegateWarning");
    return nothing;
  }
}

export function saveRemembered(folder: StateFolder, remembered: Remembered): Promise<void> {
  return writeFileAtomically(folder.file(PROXY_TABLE_FILE), `${JSON.stringify({ ...remembered, bootId: bootId() })}\n`);
}

export function saveRenewal(folder: StateFolder, revision: number, endsAt: Instant): Promise<void> {
  return writeFileAtomically(folder.file(LEASE_FILE), `${JSON.stringify({ revision, endsAt })}\n`);
}

function renewedUntil(folder: StateFolder, table: RoutingTable | null, endsAt: Instant | null): Instant | null {
  if (table === null || endsAt === null) return endsAt;
  try {
    const renewal = JSON.parse(readIfThere(folder.file(LEASE_FILE)) ?? "{}") as { revision?: number; endsAt?: Instant };
    if (renewal.revision === table.revision && typeof renewal.endsAt === "number")
      return Math.max(endsAt, renewal.endsAt);
  } catch {
    // Unreadable: the lease then ends as it was written with the table, which is the safe side.
  }
  return endsAt;
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
