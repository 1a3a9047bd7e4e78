import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { callControl } from "../../src/local/control-socket.ts";
import { stopFamily } from "../../src/local/process-family.ts";
import { bootId } from "../../src/local/process-identity.ts";
import { stateFolder } from "../../src/local/state-folder.ts";
import type { InstanceSpec, InstanceState, KeeperState, ProxySpec } from "../../src/keeper/protocol.ts";
import type { KeeperRecord } from "../../src/keeper/record.ts";
import { findByMark } from "../../src/keeper/supervised-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/until.ts";

const PROGRAM = fileURLToPath(new URL("keeper-program.ts", import.meta.url));

/** A state folder with a real keeper process that can be killed and started again. */
export interface KeeperUnderTest extends AsyncDisposable {
  readonly stateDir: string;
  /** A path beside the state folder, where instances run. */
  file(...parts: string[]): string;
  /** Starts a keeper and waits until it answers. One that runs is then no longer this one's to kill. */
  start(program?: KeeperProgram): Promise<ChildProcess>;
  /** Kills the keeper with this signal and waits until it is gone. */
  kill(signal: NodeJS.Signals): Promise<void>;
  state(): Promise<KeeperState>;
  instance(id: string): Promise<InstanceState>;
  put(spec: Partial<InstanceSpec> & { readonly id: string; readonly command: string }): Promise<InstanceState>;
  stop(id: string, graceMs?: number): Promise<InstanceState>;
  putProxy(spec: Pick<ProxySpec, "listeners">): Promise<KeeperState>;
  record(): KeeperRecord;
  call<T>(path: string, options?: Parameters<typeof callControl>[2]): Promise<T>;
  /** What the keeper itself has said. */
  said(): string;
}

export async function keeperUnderTest(): Promise<KeeperUnderTest> {
  const temporary = temporaryFolder();
  const folder = stateFolder(temporary.file("state"));
  await mkdir(folder.path);
  const output = temporary.file("keeper-output.txt");
  let keeper: ChildProcess | null = null;
  const keepers: ChildProcess[] = [];
  const call = <T>(path: string, options: Parameters<typeof callControl>[2] = {}): Promise<T> =>
    callControl<T>(folder.socket("keeper.sock"), path, { timeoutMs: 30_000, ...options });
  const test: KeeperUnderTest = {
    stateDir: folder.path,
    file: (...parts) => temporary.file(...parts),
    call,
    async start(program) {
      const started = runKeeperProgram(folder.path, output, program);
      keepers.push(started);
      keeper = started;
      await until("the keeper answers", async () => (await test.state().catch(() => null))?.pid === started.pid);
      return started;
    },
    async kill(signal) {
      const process = keeper;
      keeper = null;
      if (process === null || process.exitCode !== null || process.signalCode !== null) return;
      const gone = once(process, "exit");
      process.kill(signal);
      await gone;
    },
    state: () => call("/state"),
    async instance(id) {
      const found = (await test.state()).instances.find((instance) => instance.spec.id === id);
      if (found === undefined) throw new Error(`The keeper knows no ${id}.`);
      return found;
    },
    put: (spec) =>
      call(`/instances/${spec.id}`, {
        method: "PUT",
        body: {
          directory: temporary.path,
          env: { PATH: process.env["PATH"] ?? "" },
          labels: {},
          restart: "on-crash",
          ...spec,
        },
      }),
    stop: (id, graceMs = 5_000) => call(`/instances/${id}?graceMs=${graceMs}`, { method: "DELETE" }),
    putProxy: (spec) =>
      call("/proxy", {
        method: "PUT",
        body: { timeouts: { headersMs: 1_000, idleMs: 1_000, connectMs: 1_000 }, ...spec },
      }),
    record: () => JSON.parse(readFileSync(folder.file("keeper.json"), "utf8")) as KeeperRecord,
    said: () => readFileSync(output, "utf8"),
    async [Symbol.asyncDispose]() {
      await test.kill("SIGKILL");
      for (const each of keepers) each.kill("SIGKILL");
      await endEverything(folder.file("keeper.json"));
      await temporary[Symbol.asyncDispose]();
    },
  };
  return test;
}

export interface KeeperProgram {
  readonly version?: string;
  readonly takeOver?: "older" | "any";
  /** By default a stand-in that answers with its pid. */
  readonly realProxy?: boolean;
  /** Beside this process's own environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A keeper process whose output goes to a file, as it does in life. */
export function runKeeperProgram(
  stateDir: string,
  output: string,
  { version = "test", takeOver = "older", realProxy = false, env = {} }: KeeperProgram = {},
): ChildProcess {
  const log = openSync(output, "a");
  try {
    return spawn(process.execPath, [PROGRAM, stateDir, version, takeOver, realProxy ? "real" : "stand-in"], {
      stdio: ["ignore", log, log],
      env: { ...process.env, ...env },
    });
  } finally {
    closeSync(log);
  }
}

async function endEverything(recordFile: string): Promise<void> {
  let record: KeeperRecord;
  try {
    record = JSON.parse(readFileSync(recordFile, "utf8")) as KeeperRecord;
  } catch {
    return;
  }
  const programs = [...(record.instances ?? []), ...(record.proxy?.leaving ?? []), record.proxy ?? []].flat();
  const lives = programs.map((program) => program.life);
  for (const { run } of lives) {
    const identity = run?.identity ?? (run === undefined ? undefined : findByMark(run.mark));
    if (identity !== undefined && identity.bootId === bootId()) await stopFamily(identity, 0);
  }
}
