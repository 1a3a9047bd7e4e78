import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** One process as the kernel tells it. */
export interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  /** 0 where the system doesn't tell. */
  readonly session: number;
  /** Ended, but nobody has asked for its exit code yet: it holds a pid and nothing else. */
  readonly isZombie: boolean;
  /** Linux: clock ticks after boot; elsewhere seconds since 1970. Compare, don't calculate. */
  readonly startTicks: number;
  /** Processor time of its own and of the children it has waited for; 0 where the system doesn't tell. */
  readonly cpuTicks: number;
  readonly rssBytes: number;
}

const HAS_PROC = process.platform === "linux";

/** Every process of the machine (of the container) at this moment. */
export function listProcesses(): readonly ProcessRow[] {
  if (!HAS_PROC) return parsePs(runPs(["-A"]));
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readProcess(Number(name)) ?? []);
}

/** One process; null when there is none with this pid. */
export function readProcess(pid: number): ProcessRow | null {
  if (!HAS_PROC) return parsePs(runPs(["-p", String(pid)]))[0] ?? null;
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return null;
  }
}

/** The command line of a process for people, cut at `limit` characters; empty when it can't be read. */
export function commandOf(pid: number, limit = 120): string {
  let text: string;
  try {
    text = HAS_PROC
      ? readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim()
      : execFileSync("ps", ["-o", "args=", "-p", String(pid)], { encoding: "utf8" }).trim();
  } catch {
    return "";
  }
  return text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
}

/** The environment with which a process was started; empty when it can't be read (another user's, not Linux). */
export function environmentOf(pid: number): Readonly<Record<string, string>> {
  try {
    const entries = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").filter(Boolean);
    return Object.fromEntries(
      entries.map((entry) => [entry.slice(0, entry.indexOf("=")), entry.slice(entry.indexOf("=") + 1)]),
    );
  } catch {
    return {};
  }
}

/** Clock ticks in a second of processor time. */
export function ticksPerSecond(): number {
  return auxiliary().get(AT_CLKTCK) ?? 100;
}

/** A line of /proc/PID/stat. Source: proc_pid_stat(5). */
export function parseStat(line: string): ProcessRow {
  // The name in brackets may itself hold spaces and brackets: fields count from after the last one.
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
  const field = (number: number): number => Number(fields[number - 3] ?? 0);
  const state = fields[0];
  return {
    pid: Number.parseInt(line, 10),
    parent: field(4),
    group: field(5),
    session: field(6),
    isZombie: state === "Z" || state === "X",
    startTicks: field(22),
    cpuTicks: field(14) + field(15) + field(16) + field(17),
    rssBytes: field(24) * (auxiliary().get(AT_PAGESZ) ?? 4096),
  };
}

const PS_COLUMNS = "pid=,ppid=,pgid=,state=,rss=,lstart=";

/** Lines of `ps -o pid=,ppid=,pgid=,state=,rss=,lstart=`: what other systems than Linux offer. */
export function parsePs(text: string): ProcessRow[] {
  return text.split("\n").flatMap((line) => {
    const [pid, parent, group, state = "", rss, ...started] = line.trim().split(/\s+/);
    if (pid === undefined || pid === "") return [];
    return {
      pid: Number(pid),
      parent: Number(parent),
      group: Number(group),
      session: 0,
      isZombie: state.startsWith("Z"),
      startTicks: Math.floor(Date.parse(started.join(" ")) / 1_000),
      cpuTicks: 0,
      rssBytes: Number(rss) * 1024,
    };
  });
}

function runPs(which: readonly string[]): string {
  try {
    return execFileSync("ps", [...which, "-o", PS_COLUMNS], { encoding: "utf8", env: { LC_ALL: "C" } });
  } catch {
    // `ps -p` ends with 1 when there is no such process.
    return "";
  }
}

const AT_PAGESZ = 6;
const AT_CLKTCK = 17;
let auxiliaryVector: ReadonlyMap<number, number> | undefined;

/** What the kernel told this process at its start: pages aren't 4 KiB everywhere. Source: getauxval(3). */
function auxiliary(): ReadonlyMap<number, number> {
  if (auxiliaryVector !== undefined) return auxiliaryVector;
  const entries = new Map<number, number>();
  try {
    const bytes = readFileSync("/proc/self/auxv");
    for (let at = 0; at + 16 <= bytes.length; at += 16) {
      entries.set(Number(bytes.readBigUInt64LE(at)), Number(bytes.readBigUInt64LE(at + 8)));
    }
  } catch {
    // Not Linux: the defaults are never used there.
  }
  auxiliaryVector = entries;
  return entries;
}
