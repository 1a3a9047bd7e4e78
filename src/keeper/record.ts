import { readFileSync } from "node:fs";
import type { Instant } from "../core/time/time.ts";
import { FaultError } from "../core/fault.ts";
import { writeFileAtomically } from "../local/atomic-file.ts";
import type { ProcessIdentity } from "../local/process-identity.ts";
import type { ProxySpec, PublicInstanceSpec } from "./protocol.ts";

/** What a keeper must know to go on where a killed one stopped. Holds no secret value. */
export interface KeeperRecord {
  readonly format: 1;
  /** The highest that was claimed. */
  readonly epoch: number;
  readonly proxy: {
    readonly spec: ProxySpec;
    readonly life: Life;
    /** Processes that another one took over from, each until it is to have ended. */
    readonly leaving?: readonly { readonly life: Life; readonly until: Instant }[];
  } | null;
  readonly instances: readonly {
    readonly spec: PublicInstanceSpec;
    readonly secretNames: readonly string[];
    readonly life: Life;
  }[];
}

/** The life of one program under the keeper. */
export interface Life {
  /** What it was told last. A program that was stopped on purpose is never started by a new keeper. */
  readonly wanted: "running" | "stopped";
  readonly run?: Run;
  /** Crashes since it was first started. */
  readonly restarts: number;
  readonly failuresInARow: number;
  readonly lastExit?: Exit;
}

/** One process of a program. Without an identity the keeper was killed while it started it. */
export interface Run {
  /** In the process's environment as TIDEGATE_RUN. */
  readonly mark: string;
  readonly startedAt: Instant;
  readonly identity?: ProcessIdentity;
}

/** Code and signal are both null when no keeper was there to be told. */
export interface Exit {
  readonly code: number | null;
  readonly signal: string | null;
  readonly at: Instant;
}

export const UNBORN: Life = { wanted: "stopped", restarts: 0, failuresInARow: 0 };

/** Of every run that may still live. */
export function marksIn({ proxy, instances }: KeeperRecord): readonly string[] {
  const ofProxy = proxy === null ? [] : [proxy.life, ...(proxy.leaving ?? []).map(({ life }) => life)];
  return [...ofProxy, ...instances.map(({ life }) => life)].flatMap(({ run }) => (run === undefined ? [] : [run.mark]));
}

const NOTHING: KeeperRecord = { format: 1, epoch: 0, proxy: null, instances: [] };

/** What the keeper before this one wrote. Faults: keeper-record-unreadable. */
export function readRecord(path: string): KeeperRecord {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return NOTHING;
    throw error;
  }
  const record = parse(text);
  if (record?.format === 1) return record;
  throw new FaultError({
    code: "keeper-record-unreadable",
    what: "What the last keeper wrote about its processes can't be read.",
    where: path,
    fix: "is it from a newer Tidegate? then use that one; else stop the app's processes by hand and remove the file",
  });
}

function parse(text: string): KeeperRecord | null {
  try {
    return JSON.parse(text) as KeeperRecord;
  } catch {
    return null;
  }
}

/**
 * Writes the newest state; calls that come while one is written share the next write. Resolves once a state not older
 * than the call is on disk.
 */
export function recordWriter(path: string, current: () => KeeperRecord): () => Promise<void> {
  let writing: Promise<void> = Promise.resolve();
  let next: Promise<void> | null = null;
  return () => {
    next ??= writing
      .catch(() => undefined)
      .then(() => {
        next = null;
        writing = writeFileAtomically(path, `${JSON.stringify(current(), null, 1)}\n`);
        return writing;
      });
    return next;
  };
}
