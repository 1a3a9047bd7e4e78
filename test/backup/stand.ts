import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { createBackups, type BackupSettings } from "../../src/adapters/backup/backups.ts";
import { postgresBackups } from "../../src/adapters/backup/postgres/kind.ts";
import { USUAL_FOLDERS } from "../../src/adapters/backup/postgres/programs.ts";
import { systemClock } from "../../src/adapters/clock/system.ts";
import type { BackupProof } from "../../src/core/backup/record.ts";
import { FaultError, type Fault } from "../../src/core/fault.ts";
import type { BackupPlan } from "../../src/core/plan/database.ts";
import { redactor } from "../../src/core/text/redact.ts";
import type { BackupProgress, BackupRequest, Backups, RestoreRequest } from "../../src/ports/backups.ts";

export interface BackupStand {
  readonly url: string;
  readonly folder: string;
  readonly plan?: Partial<BackupPlan>;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Where PostgreSQL's programs lie beside the PATH. */
  readonly folders?: readonly string[];
  readonly more?: Partial<BackupSettings>;
}

/** Real backups of a real PostgreSQL. */
export function backupsOf({
  url,
  folder,
  plan,
  env = process.env,
  folders = USUAL_FOLDERS,
  more,
}: BackupStand): Backups {
  const redact = redactor([]).text;
  const database = { url, values: () => ({}), redact };
  return createBackups({
    plan: { folder, keep: { newest: 3 }, encryptTo: [], ...plan },
    kind: postgresBackups({ database, env, folders, scratch: plan?.scratch ?? null }),
    clock: systemClock,
    migrating: null,
    directory: folder,
    env,
    redact,
    ...more,
  });
}

type Signal = BackupRequest["signal"];

interface Going extends Pick<BackupRequest, "signal" | "tell"> {
  readonly told: BackupProgress[];
}

/** For a run that nobody stops; what it tells is gathered. */
export function going(signal: Signal = new AbortController().signal): Going {
  const told: BackupProgress[] = [];
  return { signal, told, tell: (progress) => void told.push(progress) };
}

export const made = (backups: Backups, proof: BackupProof = "decode", signal?: Signal): ReturnType<Backups["make"]> =>
  backups.make({ proof, release: null, by: "ann", directory: null, ...going(signal) });

export const verified = (
  backups: Backups,
  proof: BackupProof,
  identity: string | null = null,
): ReturnType<Backups["verify"]> =>
  backups.verify({ backup: "newest", proof, by: "ann", directory: null, identity, ...going() });

export const target = (
  into: string | null = null,
  backup = "newest",
  identity: string | null = null,
): RestoreRequest => ({
  backup,
  into,
  identity,
  by: "ann",
  withoutOwners: false,
  ...going(),
});

/** The fault of something that must fail. */
export async function faultIn(work: Promise<unknown>): Promise<Fault> {
  try {
    await work;
  } catch (error) {
    if (error instanceof FaultError) return error.fault;
    throw error;
  }
  throw new Error("It did not fail.");
}

/** A folder with programs of these names, each a script for `sh`. */
export function fakePrograms(folder: string, scripts: Readonly<Record<string, string>>): string {
  mkdirSync(folder);
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(`${folder}/${name}`, `#!/bin/sh\n${script}\n`);
    chmodSync(`${folder}/${name}`, 0o755);
  }
  return folder;
}
