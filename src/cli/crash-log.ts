import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeFolder } from "../local/make-folder.ts";
import type { Context } from "./context.ts";

/** Writes down what nobody expected; where, or null when even that is impossible. */
export function writeCrashLog(context: Context, error: unknown): string | null {
  const name = `crash-${new Date().toISOString().replaceAll(/[:.]/g, "-")}.log`;
  // The command may have failed before anyone knew where its state lies.
  const folders = [() => context.project().state.path, () => join(tmpdir(), `tidegate-${process.getuid?.() ?? 0}`)];
  for (const folder of folders) {
    try {
      const path = join(folder(), name);
      makeFolder(folder(), 0o700);
      writeFileSync(path, text(context, error), { mode: 0o600 });
      return path;
    } catch {
      // The next place, then.
    }
  }
  return null;
}

function text({ machinery }: Context, error: unknown): string {
  const { version, platform, arch } = process;
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const cause = error instanceof Error && error.cause instanceof Error ? `\ncaused by: ${error.cause.stack}` : "";
  // The words of the command may hold what somebody typed by mistake: only the first is told.
  const [word = ""] = process.argv.slice(2).filter((each) => !each.startsWith("-"));
  return `tidegate ${machinery.version} · node ${version} · ${platform} ${arch}\ncommand: ${word}\n\n${stack}${cause}\n`;
}
