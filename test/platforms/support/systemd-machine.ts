import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { until } from "../../support/until.ts";

const PROCESS_1 = fileURLToPath(new URL("systemd-machine.sh", import.meta.url));
const INSIDE = "TIDEGATE_TEST_INSIDE_SYSTEMD";
const STARTS_WITHIN_MS = 30_000;

/**
 * True inside a machine of the tests' own that systemd runs. Outside it starts one, runs this test file in it, in this
 * one's place, and ends it: so all that the tests look at (processes, units, control groups) is the machine's.
 */
export async function isInsideSystemd(file: string): Promise<boolean> {
  if (process.env[INSIDE] !== undefined) return true;
  await using machine = await systemdMachine();
  const run = spawn("nsenter", [...machine.entering, process.execPath, ...process.execArgv, fileURLToPath(file)], {
    stdio: "inherit",
    env: { ...process.env, [INSIDE]: "1" },
  });
  const [code] = (await once(run, "exit")) as [number | null];
  process.exitCode = code ?? 1;
  return false;
}

interface SystemdMachine extends AsyncDisposable {
  /** What `nsenter` is told. */
  readonly entering: readonly string[];
}

async function systemdMachine(): Promise<SystemdMachine> {
  const folder = mkdtempSync(join(tmpdir(), "tidegate-systemd-"));
  const hierarchies = hierarchiesHere();
  const groups = hierarchies.map(({ path }) => join(path, basename(folder)));
  for (const group of groups) mkdirSync(group, { recursive: true });
  const kinds = hierarchies[0]?.name === "" ? "unified" : hierarchies.map(({ told }) => told).join(" ");
  // The shell enters the groups first: they are what the machine's own namespace of groups begins with.
  const enter = `for group in "$@"; do echo $$ > "$group/cgroup.procs" 2>/dev/null || true; done`;
  const unshare = "unshare --pid --fork --mount --uts --ipc --cgroup --kill-child=KILL";
  const child = spawn(
    "/bin/sh",
    ["-c", `${enter}; exec ${unshare} /bin/sh "${PROCESS_1}" "${folder}" "${kinds}"`, "sh", ...groups],
    {
      stdio: ["ignore", "inherit", "inherit"],
    },
  );
  const end = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    }
    await until("the machine's control groups are gone", () => groups.every(removeGroup));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const first = await until("the machine has a process 1", () => firstOf(child), STARTS_WITHIN_MS);
    const entering = ["--target", String(first), "--mount", "--pid", "--uts", "--ipc", "--cgroup"];
    await until(
      "systemd has started",
      () =>
        spawnSync("nsenter", [...entering, "systemctl", "is-system-running"], { encoding: "utf8" }).stdout.trim() ===
        "running",
      STARTS_WITHIN_MS,
    );
    return { entering, [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** The child of `unshare`, once it is systemd. */
function firstOf({ pid }: ChildProcess): number | null {
  try {
    const [first] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
    return readFileSync(`/proc/${first}/comm`, "utf8").trim() === "systemd" ? Number(first) : null;
  } catch {
    return null;
  }
}

interface Hierarchy {
  /** "" for the only one. */
  readonly name: string;
  /** This process's own group in it. */
  readonly path: string;
  readonly told: string;
}

function hierarchiesHere(): readonly Hierarchy[] {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" "))
    .filter(
      (words) =>
        words[4]?.startsWith("/sys/fs/cgroup") === true && /^cgroup2?$/.test(words[words.indexOf("-") + 1] ?? ""),
    );
  return mounts.map((words) => {
    const [mountPoint = "", kind = "", options = ""] = [4, words.indexOf("-") + 1, words.indexOf("-") + 3].map(
      (index) => words[index],
    );
    const name = mountPoint.slice("/sys/fs/cgroup/".length);
    const mine = options
      .split(",")
      .filter((option) => option !== "rw")
      .map((option) => (option.startsWith("name=") ? `none,${option}` : option));
    return {
      name,
      path: mountPoint,
      told: `${name}:${kind}:${kind === "cgroup2" || mine.length === 0 ? "rw" : mine.join(",")}`,
    };
  });
}

/** True when nothing of it is left. */
function removeGroup(group: string): boolean {
  try {
    for (const entry of readdirSync(group, { withFileTypes: true })) {
      if (entry.isDirectory()) removeGroup(join(group, entry.name));
    }
    rmdirSync(group);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT";
  }
}
