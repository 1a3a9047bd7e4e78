import { FaultError } from "../../core/fault.ts";
import type { VerifyRequest } from "../../ports/backups.ts";
import { bytesOf } from "./folder.ts";
import type { Going, StoredBackup } from "./kind.ts";
import { sumOf } from "./written-file.ts";

/** Whether its bytes are those that were written. Faults: backup-broken. */
export async function checkSum({ record, path }: StoredBackup, { signal }: Going): Promise<void> {
  const bytes = bytesOf(path);
  const isSame = bytes === record.bytes && (await sumOf(path, signal)) === record.sha256;
  if (isSame) return;
  throw new FaultError({
    code: "backup-broken",
    what:
      bytes === null
        ? "The backup's file is not there any more."
        : bytes === record.bytes
          ? "The backup's file is not what was written: its checksum is another one."
          : `The backup's file is not what was written: it has ${bytes} bytes instead of ${record.bytes}.`,
    where: path,
    fix: "take another one: tidegate backup list; and look at the disk on which it lies",
  });
}

/** Faults: backup-identity-missing. */
export function refuseWithoutIdentity(
  { record, identity, path }: StoredBackup,
  { proof }: Pick<VerifyRequest, "proof">,
): void {
  if (record.recipients === 0 || identity !== null || proof === "decode") return;
  throw new FaultError({
    code: "backup-identity-missing",
    what: "The backup is encrypted, and nothing here can decrypt it.",
    where: path,
    fix: "give the file with the secret key of one of its recipients: --identity FILE",
  });
}
