import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { TrafficState } from "../../src/core/traffic/routing.ts";
import { callControl } from "../../src/local/control-socket.ts";
import { type StateFolder, stateFolder } from "../../src/local/state-folder.ts";
import { startProgram, type StartedProgram, freePort } from "../measure/started-program.ts";
import { keptFolder } from "../measure/kept-folder.ts";

const INSTANCE = fileURLToPath(new URL("../load/instance.ts", import.meta.url));
const TIDEGATE = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const WITHIN_MS = 60_000;

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  /** Wall ms just before the process was started. */
  readonly startedAt: number;
}

/** A repository of two versions, v1 serving, and `tidegate` typed in it, each command a process of its own. */
export interface Place extends AsyncDisposable {
  readonly port: number;
  readonly state: StateFolder;
  run(...words: readonly string[]): Promise<Ended>;
  /** One that lasts. */
  start(...words: readonly string[]): StartedProgram;
  plane(): Promise<TrafficState>;
  /** Waits until the candidate has half of the traffic. */
  untilHalf(): Promise<void>;
}

/** `unwatchedMs`: after which half of the traffic goes back to stable when no engine watches it. */
export async function openPlace(folder: string, unwatchedMs: number): Promise<Place> {
  const port = await freePort();
  makeRepository(folder, port, unwatchedMs);
  const state = stateFolder(join(folder, ".tidegate"));
  const options = { cwd: folder, env: { ...process.env, TIDEGATE_USER: "bench" } };
  const run: Place["run"] = async (...words) => {
    const startedAt = Date.now();
    const child = spawn(process.execPath, [TIDEGATE, ...words], { ...options, stdio: ["ignore", "pipe", "ignore"] });
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => void (stdout += text));
    const [code] = (await once(child, "close")) as [number | null];
    return { code, stdout, startedAt };
  };
  const plane = (): Promise<TrafficState> => callControl<TrafficState>(state.socket("proxy.sock"), "/state");
  const kept = keptFolder(state.path);
  const first = await run("release", "v1", "--json");
  if (first.code !== 0) throw new Error(`v1 could not be released: ${first.stdout}`);
  return {
    port,
    state,
    run,
    start: (...words) => startProgram(process.execPath, [TIDEGATE, ...words], { ...options, stdio: "ignore" }),
    plane,
    untilHalf: async () => {
      const until = performance.now() + WITHIN_MS;
      while ((await plane()).table?.share !== 5_000) {
        if (performance.now() > until) throw new Error("The candidate does not get half of the traffic.");
        await delay(20);
      }
    },
    [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose](),
  };
}

function makeRepository(folder: string, port: number, unwatchedMs: number): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, "tidegate.yaml"),
    `app: bench
services:
  web:
    run: exec ${process.execPath} ${INSTANCE}
    health: { ready: /health, every: 200ms, timeout: 2s }
    drain: 5s
    stopWithin: 2s
traffic: { embedded: ${port}, unwatched: { after: ${unwatchedMs}ms } }
guards: { errors: off, p95: off, restarts: off }
steps:
  - start
  - shift: 50%
    for: 60m
  - shift: 100%
    for: 1s
`,
  );
  const git = (...args: string[]): unknown =>
    execFileSync("git", ["-c", "user.name=bench", "-c", "user.email=bench@example.com", ...args], { cwd: folder });
  git("init", "--quiet", "--initial-branch=main");
  for (const version of ["v1", "v2"]) {
    writeFileSync(join(folder, "version"), version);
    git("add", "tidegate.yaml", "version");
    git("commit", "--quiet", "--message", version);
    git("tag", version);
  }
}
