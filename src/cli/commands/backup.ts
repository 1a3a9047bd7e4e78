import { newestFirst, type BackupProof, PROOFS } from "../../core/backup/record.ts";
import { FaultError } from "../../core/fault.ts";
import type { Backups } from "../../ports/backups.ts";
import { appDatabase, DATABASE_OPTION } from "../app-database.ts";
import { answer } from "../context.ts";
import { type CommandDefinition, type Invocation, textOption } from "../definition.ts";
import { DONE, type ExitCode } from "../exit-code.ts";
import { backupLines, backupList, backupProgress, unreadableLine } from "../render/backup-view.ts";
import { onInterrupt } from "../signals.ts";

export const backup: CommandDefinition = {
  about:
    "Backs the app's database up, and proves that it can be restored. `decode` reads every byte of the backup again; `restore` restores it into a database of its own and compares every row with what was there in the moment of the backup; `drill` runs the version's migrations on that copy too: up, down and up again. The users' database is only read, and nobody waits for it but migrations. `list` shows what there is, `verify` proves one again, `prune` removes what the plan's `keep` lets go, as each backup does.",
  arguments: [
    { name: "action", required: false, about: "by default `make`", choices: ["make", "list", "verify", "prune"] },
    { name: "backup", required: false, about: "for `verify`: its id, the beginning of it, or `newest`" },
  ],
  options: [
    { flags: "--proof <proof>", about: "`decode`, `restore` (the default) or `drill`" },
    { flags: "--identity <file>", about: "for `verify` of an encrypted one: a file with a secret key of age" },
    DATABASE_OPTION,
  ],
  examples: [
    { line: "tidegate backup", does: "makes one, restores it beside and compares all rows" },
    { line: "tidegate backup --proof drill", does: "tries the migrations of this folder on it too" },
    { line: "tidegate backup list", does: "what there is, and how it was proven" },
  ],
  run: async (invocation) => {
    const { context } = invocation;
    const [action = "make", name] = invocation.arguments;
    const place = await appDatabase(invocation);
    const backups = await context.machinery.backups(place);
    if (action === "list") return await list(invocation, backups);
    if (action === "prune") {
      const removed = await backups.prune();
      const sentence = removed.length === 0 ? "None is too many." : `Removed: ${removed.join(", ")}.`;
      return answer(context, { removed }, [sentence]);
    }
    using interruption = onInterrupt();
    const going = {
      by: context.person,
      proof: proofOf(invocation),
      // A version that is not prepared yet lies where the plan file does.
      directory: place.folder,
      signal: interruption.signal,
      tell: backupProgress(context),
    };
    const identity = textOption(invocation, "identity") ?? null;
    const made = await unlessInterrupted(interruption.signal, () =>
      action === "verify"
        ? backups.verify({ ...going, backup: named(name), identity })
        : backups.make({ ...going, release: null }),
    );
    return answer(context, { ...made }, backupLines(made, action === "verify", context.terminal.style()));
  },
};

async function list({ context }: Invocation, backups: Backups): Promise<ExitCode> {
  const records = newestFirst(await backups.list());
  const unreadable = await backups.unreadable();
  const style = context.terminal.style();
  const lines = [...backupList(records, Date.now(), style), ...unreadable.map((fault) => unreadableLine(fault, style))];
  return answer(context, { backups: records, ...(unreadable.length === 0 ? {} : { unreadable }) }, lines, DONE);
}

/** Faults: interrupted. */
export async function unlessInterrupted<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new FaultError({ code: "interrupted", what: "Stopped. What was half done is gone again." });
  }
}

/** Faults: usage. */
function proofOf(invocation: Invocation): BackupProof {
  const word = textOption(invocation, "proof") ?? "restore";
  const proof = PROOFS.find((each) => each === word);
  if (proof !== undefined) return proof;
  throw new FaultError({
    code: "usage",
    what: `There is no proof "${word}".`,
    fix: `--proof ${PROOFS.join(", --proof ")}`,
  });
}

/** Faults: usage. */
function named(name: string | undefined): string {
  if (name !== undefined) return name;
  throw new FaultError({
    code: "usage",
    what: "Which backup?",
    fix: "tidegate backup verify newest; tidegate backup list names them",
  });
}
