import type { BackupRecord } from "../../core/backup/record.ts";
import { FaultError } from "../../core/fault.ts";
import { fullStop } from "../../core/text/plain-text.ts";
import { formatDuration, HOUR, type Duration } from "../../core/time/time.ts";
import { createShellRunner } from "../command/shell.ts";
import type { BackupFolder } from "./folder.ts";
import type { Going } from "./kind.ts";

export interface UploadSettings {
  /** Where shell lines run: the plan file's folder. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly redact: (text: string) => string;
  /** Longer than this an upload doesn't get. */
  readonly uploadMs?: Duration;
}

/**
 * Hands a backup that is whole to the user's line, as `${file}`, and answers the record with what came of it.
 * Never throws for a line that fails: the backup stays where it is.
 */
export async function uploadBackup(
  line: string,
  record: BackupRecord,
  folder: BackupFolder,
  settings: UploadSettings,
  { signal, tell }: Going,
): Promise<BackupRecord> {
  const { directory, env, redact, uploadMs = HOUR } = settings;
  const file = folder.file(record.file);
  tell({ kind: "began", part: "upload" });
  const run = createShellRunner({ directory, redact, env });
  try {
    const { code, timedOut, output, tookMs } = await run.run(line, {
      // `${file}` is what the shell itself makes a variable's value of: no path can say more to it than its name.
      env: { file, TIDEGATE_BACKUP_ID: record.id, TIDEGATE_BACKUP_RECORD: folder.file(`${record.id}.json`) },
      timeoutMs: uploadMs,
      signal,
    });
    const said = output.at(-1) ?? "";
    const what = timedOut
      ? `the upload did not end within ${formatDuration(uploadMs)}, and was stopped.`
      : `the upload ended with ${code ?? "a signal"}${said === "" ? "." : `: ${fullStop(said)}`}`;
    tell({ kind: "ended", part: "upload", tookMs });
    return {
      ...record,
      upload: { isDone: code === 0 && !timedOut, what: code === 0 && !timedOut ? said : what, tookMs },
    };
  } catch (error) {
    const what = error instanceof FaultError ? error.fault.what : redact(String(error));
    return { ...record, upload: { isDone: false, what, tookMs: 0 } };
  }
}
