import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { processesIn } from "../../test/e2e/support/leftovers.ts";

/** What a place costs after so many releases. */
export interface Sample {
  readonly releases: number;
  /** Of each of Tidegate's processes, in the order in which they were named. */
  readonly processes: Readonly<Record<string, { readonly rssMb: number; readonly openFiles: number }>>;
  /** All of the app's and Tidegate's. */
  readonly processCount: number;
  /** In the state folder, the prepared versions' own files apart. */
  readonly files: number;
  readonly journalMb: number;
  /** From the start of the command to its end, the mean since the sample before. */
  readonly releaseMs: number;
}

export interface Place {
  readonly root: string;
  readonly state: string;
  readonly pids: Readonly<Record<string, number>>;
}

export function sample(place: Place, releases: number, releaseMs: number): Sample {
  return {
    releases,
    processes: Object.fromEntries(
      Object.entries(place.pids).map(([name, pid]) => [
        name,
        { rssMb: rssOf(pid), openFiles: readdirSync(`/proc/${pid}/fd`).length },
      ]),
    ),
    processCount: processesIn(place.root).length,
    files: countFiles(place.state),
    journalMb: megabytes(statSync(join(place.state, "journal.db")).size),
    releaseMs: Math.round(releaseMs),
  };
}

function rssOf(pid: number): number {
  const kilobytes = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? Number.NaN);
  return megabytes(kilobytes * 1_024);
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 104_857.6) / 10;
}

/** A prepared version counts as one, whatever its build has made. */
function countFiles(folder: string): number {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    if (!entry.isDirectory()) return sum + 1;
    const path = join(folder, entry.name);
    return sum + (entry.name === "versions" ? readdirSync(path).length : countFiles(path));
  }, 0);
}
