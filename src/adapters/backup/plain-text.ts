import { createReadStream } from "node:fs";
import type { Readable } from "node:stream";
import { FaultError } from "../../core/fault.ts";
import { type AgeSettings, decrypting } from "./age.ts";
import type { StoredBackup } from "./kind.ts";

export interface PlainText {
  readonly output: Readable;
  /** Rejects when it was not all of it. Faults: backup-not-decrypted. */
  readonly whole: Promise<void>;
}

/** What was dumped, as a stream: an encrypted backup lies nowhere in plain text. */
export async function plainTextOf({ path, identity }: StoredBackup, settings: AgeSettings): Promise<PlainText> {
  if (identity === null)
    return { output: createReadStream(path, { highWaterMark: 1 << 18 }), whole: Promise.resolve() };
  const age = await decrypting(path, identity, settings);
  const whole = age.ended.then(({ code, said }) => {
    if (code === 0) return;
    throw new FaultError({
      code: "backup-not-decrypted",
      what: "age does not decrypt the backup.",
      where: path,
      detail: said,
      fix: "give the file with the secret key of one of its recipients: --identity FILE",
    });
  });
  // Whoever reads to the end asks for it; whoever doesn't has a reason of its own.
  whole.catch(() => undefined);
  return { output: age.output, whole };
}
