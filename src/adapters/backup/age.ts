import { FaultError } from "../../core/fault.ts";
import { printedBy, type RunningProgram, startProgram } from "./program.ts";

/** What age is started with. */
export interface AgeSettings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly redact: (text: string) => string;
  readonly signal: AbortSignal;
}

/** Who can decrypt. `file`: of a person. `text`: a secret key in memory alone. */
export type Identity =
  { readonly kind: "file"; readonly path: string } | { readonly kind: "text"; readonly text: string };

const MISSING = {
  code: "backup-age-missing",
  what: "There is no `age` here, by which backups are encrypted.",
  fix: "install it: apt-get install age (Debian), dnf install age (Fedora), brew install age; or leave out database: { backups: { encryptTo } }",
};

/** Plain text in, encrypted out; for all of the recipients. Faults: backup-age-missing. */
export async function encrypting(recipients: readonly string[], settings: AgeSettings): Promise<RunningProgram> {
  const words = recipients.flatMap((recipient) => ["-r", recipient]);
  return started(["--encrypt", ...words], settings, false);
}

/** Encrypted in by the file's path, plain text out. Faults: backup-age-missing. */
export async function decrypting(path: string, identity: Identity, settings: AgeSettings): Promise<RunningProgram> {
  const of = identity.kind === "file" ? identity.path : "-";
  // A key that is locked by a passphrase is asked for in the terminal.
  const running = await started(["--decrypt", "-i", of, path], settings, identity.kind === "file");
  running.input.end(identity.kind === "text" ? identity.text : "");
  return running;
}

/**
 * A key pair for one run: added to the recipients, it lets Tidegate read back what it has just encrypted for others, and is forgotten with
 * the process. Its secret half is in memory and in a pipe to age alone. Faults: backup-age-missing.
 */
export async function passingIdentity({
  env,
  redact,
  signal,
}: AgeSettings): Promise<{ readonly recipient: string; readonly identity: Identity }> {
  const text = await printedBy({ program: "age-keygen", arguments: [], env, redact, signal });
  const recipient = /^# public key: (age1[0-9a-z]+)$/m.exec(text ?? "")?.[1];
  if (text === null || recipient === undefined) throw new FaultError(MISSING);
  return { recipient, identity: { kind: "text", text } };
}

async function started(
  words: readonly string[],
  settings: AgeSettings,
  isInTerminal: boolean,
): Promise<RunningProgram> {
  try {
    return await startProgram({ program: "age", arguments: words, ...settings, isInTerminal });
  } catch (error) {
    if (error instanceof FaultError && error.fault.code === "program-not-started") throw new FaultError(MISSING);
    throw error;
  }
}
