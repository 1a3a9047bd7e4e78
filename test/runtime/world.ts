import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { stopKeeper } from "../../src/adapters/runtime/processes/ensure-keeper.ts";
import { createProcessRuntime } from "../../src/adapters/runtime/processes/runtime.ts";
import type { Service, ServiceOf } from "../../src/core/plan/service.ts";
import { callControl } from "../../src/local/control-socket.ts";
import { stopFamily } from "../../src/local/process-family.ts";
import { identify, type ProcessIdentity } from "../../src/local/process-identity.ts";
import { stateFolder, type StateFolder } from "../../src/local/state-folder.ts";
import type { KeeperState } from "../../src/keeper/protocol.ts";
import type { Runtime } from "../../src/ports/runtime.ts";
import { type GitFolder, gitFolder } from "../support/git-folder.ts";
import { WEB } from "../support/plans.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/until.ts";

const KEEPER = fileURLToPath(new URL("../keeper/keeper-program.ts", import.meta.url));

/** A plan file's folder in a real git repository, a state folder with a real keeper, and the runtime over both. */
export interface ProcessWorld extends AsyncDisposable, GitFolder {
  readonly app: string;
  readonly environment: string;
  readonly planFolder: string;
  readonly folder: StateFolder;
  readonly runtime: Runtime;
  another(more?: { services?: readonly Service[]; env?: Readonly<Record<string, string>> }): Runtime;
  /** Starts something that listens and is none of Tidegate's; `supervised`: and that a loop starts again. */
  foreign(options?: { port?: number; supervised?: boolean }): Promise<{ pid: number; port: number }>;
  keeper(): Promise<KeeperState>;
  killKeeper(): Promise<void>;
}

/** `subfolder`: the plan file lies deeper in the repository. */
export async function processWorld({ subfolder = "", repository = true } = {}): Promise<ProcessWorld> {
  const temporary = temporaryFolder();
  const root = temporary.file("repository");
  const planFolder = temporary.file("repository", subfolder);
  const folder = stateFolder(temporary.file("repository", subfolder, ".tidegate"));
  const files = gitFolder(planFolder, repository ? root : null);
  const keeperCommand = [process.execPath, KEEPER, folder.path];
  const foreigners: ProcessIdentity[] = [];
  const another: ProcessWorld["another"] = ({ services = [], env = {} } = {}) =>
    createProcessRuntime({
      app: "shop",
      environment: "test",
      services,
      planFolder,
      folder,
      keeperCommand,
      env: { ...process.env, ...env },
    });
  const world: ProcessWorld = {
    app: "shop",
    environment: "test",
    planFolder,
    folder,
    runtime: another(),
    another,
    ...files,
    async foreign({ port = 0, supervised = false } = {}) {
      const file = temporary.file(`port-${foreigners.length}.txt`);
      const node = `${process.execPath} -e 'require("net").createServer().listen(${port}, "127.0.0.1", function () { require("fs").writeFileSync("${file}", process.pid + " " + this.address().port) })'`;
      const child = spawn("/bin/sh", ["-c", supervised ? `while :; do ${node}; done` : `exec ${node}`], {
        detached: true,
        stdio: "ignore",
      });
      const identity = identify(child.pid ?? 0);
      if (identity !== null) foreigners.push(identity);
      const told = await until("it listens", () => (existsSync(file) && readFileSync(file, "utf8")) || null);
      const [pid, listensOn] = told.split(" ").map(Number);
      return { pid: pid ?? 0, port: listensOn ?? 0 };
    },
    keeper: () => callControl<KeeperState>(folder.socket("keeper.sock"), "/state"),
    async killKeeper() {
      const { pid } = await world.keeper();
      process.kill(pid, "SIGKILL");
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(foreigners.map((identity) => stopFamily(identity, 0)));
      await stopKeeper(folder, { keeperCommand });
      await temporary[Symbol.asyncDispose]();
    },
  };
  return world;
}

/** A service that answers `ok` on the port that it is given. */
export const SERVER: ServiceOf<"process"> = {
  ...WEB,
  stopMs: 2_000,
  runtime: { kind: "process", directory: ".", run: "exec node server.js --port ${port}", files: [] },
};

export const SERVER_SOURCE = `
  const { createServer } = require("node:http");
  const port = Number(process.argv[process.argv.indexOf("--port") + 1]);
  createServer((_, response) => response.end("ok")).listen(port, "127.0.0.1", () => console.log("listening on " + port));
`;

export function running(line: string, more: Partial<ServiceOf<"process">> = {}): ServiceOf<"process"> {
  return { ...SERVER, ...more, runtime: { ...SERVER.runtime, ...more.runtime, run: line } };
}
