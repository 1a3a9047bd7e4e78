import { readdirSync, readFileSync, readlinkSync } from "node:fs";

export interface Leftover {
  readonly pid: number;
  readonly command: string;
}

/** Living processes that run in a folder or name it in their command line: all that these tests have started. */
export function processesIn(folder: string): readonly Leftover[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      const command = read(() => readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ").trim());
      // A zombie has no command line: it is dead, and whoever started it has not looked yet.
      if (command === "") return [];
      const place = read(() => readlinkSync(`/proc/${name}/cwd`));
      return place.startsWith(folder) || command.includes(folder) ? [{ pid: Number(name), command }] : [];
    });
}

/** Kills what is left there, by its pids, until nothing is. */
export async function endProcessesIn(folder: string): Promise<void> {
  for (let left = processesIn(folder); left.length > 0; left = processesIn(folder)) {
    for (const { pid } of left) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It ended meanwhile.
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function read(look: () => string): string {
  try {
    return look();
  } catch {
    return "";
  }
}
