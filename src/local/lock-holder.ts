import { readFileSync, statSync } from "node:fs";
import { commandOf } from "./process-table.ts";

/** Who keeps a file locked. */
export interface LockHolder {
  readonly pid: number;
  /** `tidegate serve`, where it is ours; else its whole command line. */
  readonly command: string;
  /** By SIGSTOP (Ctrl-Z, a debugger, `docker pause`): it keeps the lock and does nothing. */
  readonly isStopped: boolean;
}

/** Null when nobody does, or the system doesn't tell (not Linux, a process of another container). */
export function lockHolder(path: string): LockHolder | null {
  try {
    const { ino } = statSync(path);
    const pid = holdersIn(readFileSync("/proc/locks", "utf8")).find((lock) => lock.inode === ino)?.pid ?? 0;
    return pid <= 0 ? null : { pid, command: calledByItsUser(commandOf(pid)), isStopped: isStopped(pid) };
  } catch {
    return null;
  }
}

/** Without Node and where the program lies, which nobody typed. */
function calledByItsUser(command: string): string {
  return command.replace(/^\S*node\S* (?:-\S+ )*\S*(?:main\.[jt]s|tidegate)(?= |$)/, "tidegate");
}

/** Lines like `1: POSIX  ADVISORY  WRITE 4711 fd:01:1311 0 EOF`. Source: proc_locks(5). */
function holdersIn(text: string): readonly { readonly pid: number; readonly inode: number }[] {
  return text.split("\n").flatMap((line) => {
    const [, , , kind, pid, file = ""] = line.replace("-> ", "").trim().split(/\s+/);
    return kind === "WRITE" ? [{ pid: Number(pid), inode: Number(file.split(":").at(-1)) }] : [];
  });
}

function isStopped(pid: number): boolean {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  return /^[tT]/.test(text.slice(text.lastIndexOf(")") + 2));
}
