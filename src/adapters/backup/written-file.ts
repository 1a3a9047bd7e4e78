import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { type Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { FaultError } from "../../core/fault.ts";
import type { ProgramEnd, RunningProgram } from "./program.ts";

export interface Written {
  readonly bytes: number;
  /** Of what was meant to be written: what lies on the disk must give the same. */
  readonly sha256: string;
}

/**
 * Writes a stream to a new file that only its owner can read, and has the disk say that it is there. `through`: a program that it passes
 * before (age). Faults: backup-disk-full, backup-not-made.
 */
export async function writeBackup(
  from: Readable,
  path: string,
  { through, signal }: { readonly through: RunningProgram | null; readonly signal: AbortSignal },
): Promise<Written> {
  const hash = createHash("sha256");
  let bytes = 0;
  const counting = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      bytes += chunk.length;
      done(null, chunk);
    },
  });
  const file = createWriteStream(path, { flags: "wx", mode: 0o600, flush: true });
  const parts =
    through === null
      ? [pipeline(from, counting, file, { signal })]
      : [
          pipeline(from, through.input, { signal }),
          pipeline(through.output, counting, file, { signal }),
          refusedUnless(through.ended),
        ];
  const stopAll = (): void => {
    through?.stop();
    from.destroy();
  };
  for (const part of parts) part.catch(stopAll);
  const failed = (await Promise.allSettled(parts)).flatMap((end) =>
    end.status === "rejected" ? [end.reason as unknown] : [],
  );
  if (failed.length > 0) {
    signal.throwIfAborted();
    // Why the program ended says more than that its pipe broke; a full disk says more than both.
    throw writingFault(
      failed.find(isDiskFull) ?? failed.find((error) => error instanceof FaultError) ?? failed[0],
      path,
      bytes,
    );
  }
  return { bytes, sha256: hash.digest("hex") };
}

/** The sum over a file as it lies on the disk. */
export async function sumOf(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash, { signal });
  return hash.digest("hex");
}

async function refusedUnless(ended: Promise<ProgramEnd>): Promise<void> {
  const { code, said } = await ended;
  if (code === 0) return;
  throw new FaultError({
    code: "backup-not-encrypted",
    what: "age does not encrypt the backup, so that none was made.",
    detail: said,
    fix: "check the recipients: database: { backups: { encryptTo } }",
  });
}

/** What a person is told of a backup that could not be written. */
export function writingFault(error: unknown, path: string, bytes: number): FaultError {
  if (error instanceof FaultError) return error;
  const { message } = error as NodeJS.ErrnoException;
  if (isDiskFull(error))
    return new FaultError(
      {
        code: "backup-disk-full",
        what: `There was no room for the backup: the disk was full after ${inMegabytes(bytes)}. What was written of it is gone again.`,
        where: path.slice(0, path.lastIndexOf("/")),
        fix: "make room, or name a folder on another disk: database: { backups: { folder: … } }",
      },
      { cause: error },
    );
  return new FaultError(
    {
      code: "backup-not-made",
      what: "The backup could not be written.",
      where: path.slice(0, path.lastIndexOf("/")),
      cause: message,
      fix: "look whether the folder is there and can be written, then try again",
    },
    { cause: error },
  );
}

function isDiskFull(error: unknown): boolean {
  const { code = "" } = error as NodeJS.ErrnoException;
  return code === "ENOSPC" || code === "EDQUOT";
}

function inMegabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(bytes < 10_000_000 ? 1 : 0)} MB`;
}
