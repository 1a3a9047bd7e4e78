import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { FaultError } from "../core/fault.ts";
import { writeFileAtomically } from "../local/atomic-file.ts";
import { makeFolder } from "../local/make-folder.ts";
import type { StateFolder } from "../local/state-folder.ts";

/** Lets Tidegate's own requests choose a version; made once, readable by the owner alone. */
export async function engineToken(state: StateFolder): Promise<string> {
  const path = state.file("engine-token");
  try {
    const known = existsSync(path) ? readFileSync(path, "utf8").trim() : "";
    // A full disk or a crash may have left a part of it, which anybody could guess.
    if (/^[0-9a-f]{64}$/.test(known)) return known;
    const made = randomBytes(32).toString("hex");
    await writeFileAtomically(path, `${made}\n`);
    return made;
  } catch (error) {
    throw new FaultError(
      {
        code: "state-not-writable",
        what: "The state folder can't be written.",
        where: path,
        cause: error instanceof Error ? error.message : String(error),
        fix: "tidegate doctor",
      },
      { cause: error },
    );
  }
}

/** The state lies beside the plan file, where `git add .` would find it. */
export function keepOutOfGit(state: StateFolder): void {
  const path = state.file(".gitignore");
  if (existsSync(path)) return;
  makeFolder(state.path, 0o700);
  writeFileSync(path, "*\n", { mode: 0o600 });
}
