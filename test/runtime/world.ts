import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { stopKeeper } from "../../src/adapters/runtime/processes/ensure-keeper.ts";
import { createProcessRuntime } from "../../src/adapters/runtime/processes/runtime.ts";
import type { Service } from "../../src/core/plan.ts";
import { callControl } from "../../src/local/control-socket.ts";
import { stateFolder, type StateFolder } from "../../src/local/state-folder.ts";
import type { KeeperState } from "../../src/keeper/protocol.ts";
import type { Runtime } from "../../src/ports/runtime.ts";
import { WEB } from "../support/plans.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const KEEPER = fileURLToPath(new URL("../keeper/keeper-program.ts", import.meta.url));

/** A plan file's folder in a real git repository, a state folder with a real keeper, and the runtime over both. */
export interface ProcessWorld extends AsyncDisposable {
  readonly app: string;
  readonly environment: string;
  readonly planFolder: string;
  readonly folder: StateFolder;
  readonly runtime: Runtime;
  another(more?: { services?: readonly Service[]; env?: Readonly<Record<string, string>> }): Runtime;
  /** Writes a file beside the plan file. */
  write(path: string, text: string): void;
  read(path: string): string;
  /** Commits everything there is and returns the sha. */
  commit(subject: string): string;
  git(...args: readonly string[]): string;
  keeper(): Promise<KeeperState>;
  killKeeper(): Promise<void>;
}

/** `subfolder`: the plan file lies deeper in the repository. */
export async function processWorld({ subfolder = "", repository = true } = {}): Promise<ProcessWorld> {
  const temporary = temporaryFolder();
  const root = temporary.file("repository");
  const planFolder = temporary.file("repository", subfolder);
  mkdirSync(planFolder, { recursive: true });
  const folder = stateFolder(temporary.file("repository", subfolder, ".tidegate"));
  const git = (...args: readonly string[]): string =>
    execFileSync("git", ["-c", "user.name=T", "-c", "user.email=t@example.com", ...args], {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    }).trim();
  if (repository) git("init", "--quiet", "--initial-branch=main");
  const another: ProcessWorld["another"] = ({ services = [], env = {} } = {}) =>
    createProcessRuntime({
      app: "shop",
      environment: "test",
      services,
      planFolder,
      folder,
      keeperCommand: [process.execPath, KEEPER, folder.path],
      env: { ...process.env, ...env },
    });
  const world: ProcessWorld = {
    app: "shop",
    environment: "test",
    planFolder,
    folder,
    runtime: another(),
    another,
    write(path, text) {
      mkdirSync(dirname(`${planFolder}/${path}`), { recursive: true });
      writeFileSync(`${planFolder}/${path}`, text);
    },
    read: (path) => readFileSync(`${planFolder}/${path}`, "utf8"),
    git,
    commit(subject) {
      git("add", "-A");
      git("commit", "--quiet", "--allow-empty", "-m", subject);
      return git("rev-parse", "HEAD");
    },
    keeper: () => callControl<KeeperState>(folder.socket("keeper.sock"), "/state"),
    async killKeeper() {
      const { pid } = await world.keeper();
      process.kill(pid, "SIGKILL");
    },
    async [Symbol.asyncDispose]() {
      // One that was killed left its instances alive: a new one is there to stop them.
      await another()
        .instances()
        .catch(() => undefined);
      await stopKeeper(folder);
      await temporary[Symbol.asyncDispose]();
    },
  };
  return world;
}

/** A service that answers `ok` on the port that it is given. */
export const SERVER: Service = {
  ...WEB,
  stopMs: 2_000,
  runtime: { kind: "process", directory: ".", run: "exec node server.js --port ${port}", files: [] },
};

export const SERVER_SOURCE = `
  const { createServer } = require("node:http");
  const port = Number(process.argv[process.argv.indexOf("--port") + 1]);
  createServer((_, response) => response.end("ok")).listen(port, "127.0.0.1", () => console.log("listening on " + port));
`;

export function running(line: string, more: Partial<Service> = {}): Service {
  return { ...SERVER, ...more, runtime: { ...SERVER.runtime, ...more.runtime, run: line } };
}

/** Something that listens and is none of Tidegate's; ends with the test process. */
export async function listener(): Promise<{ address: string; close(): void }> {
  const server = createServer((socket) => socket.end()).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  return { address: `127.0.0.1:${port}`, close: () => void server.close() };
}
