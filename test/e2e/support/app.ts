import assert from "node:assert/strict";
import { chmodSync } from "node:fs";
import { callControl } from "../../../src/local/control-socket.ts";
import { freePort } from "../../../src/adapters/runtime/free-port.ts";
import { type StateFolder, stateFolder } from "../../../src/local/state-folder.ts";
import type { TrafficState } from "../../../src/core/traffic/routing.ts";
import type { Status } from "../../../src/core/status/status.ts";
import type { KeeperState } from "../../../src/keeper/protocol.ts";
import { type GitFolder, gitFolder } from "../../support/git-folder.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { type Command, type Ended, startCommand } from "./command.ts";
import { endProcessesIn, type Leftover, processesIn } from "./leftovers.ts";
import { type Behaviour, SERVER_SOURCE, WORKER_SOURCE } from "./server-source.ts";

export interface RunOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly node?: readonly string[];
  /** By default the app's folder. */
  readonly cwd?: string;
}

/** A user's folder: a git repository with a server, a plan file and commits, and `tidegate` typed in it. */
export interface App extends AsyncDisposable, Omit<GitFolder, "read"> {
  readonly folder: string;
  readonly state: StateFolder;
  /** Of the front door. */
  readonly port: number;
  file(...parts: string[]): string;
  /** Writes the plan file; `${PORT_OF_FRONT_DOOR}` is filled in. */
  plan(text: string): void;
  /** Commits a version that behaves so. */
  version(behaviour: Behaviour): string;
  /** Runs a command to its end. */
  tidegate(args: readonly string[], options?: RunOptions): Promise<Ended>;
  /** Starts a command that lasts. It is killed with the app. */
  start(args: readonly string[], options?: RunOptions): Command;
  /** As `tidegate status --json` tells it. */
  status(release?: number): Promise<Status>;
  keeper(): Promise<KeeperState>;
  plane(): Promise<TrafficState>;
  /** What runs of the app. */
  processes(): readonly Leftover[];
  /** Kills whatever of it runs. */
  end(): Promise<void>;
  /** Ends with `tidegate down`, after which nothing may run any more. */
  down(): Promise<void>;
}

/** `of`: another Tidegate than that of these sources, and another PATH than that of these tests. */
export async function createApp(of: { readonly program?: string; readonly path?: string } = {}): Promise<App> {
  const temporary = temporaryFolder();
  const folder = temporary.file("shop");
  const state = stateFolder(temporary.file("shop", ".tidegate"));
  const port = await freePort(new Set());
  const commands: Command[] = [];
  const files = gitFolder(folder);
  const environment = (more: RunOptions["env"] = {}): Record<string, string | undefined> => ({
    PATH: of.path ?? process.env["PATH"],
    HOME: temporary.path,
    LANG: "C.UTF-8",
    TIDEGATE_USER: "ann",
    ...more,
  });
  const start: App["start"] = (args, { env, node, cwd = folder } = {}) => {
    const command = startCommand(args, {
      cwd,
      env: environment(env),
      ...(node === undefined ? {} : { node }),
      ...(of.program === undefined ? {} : { program: of.program }),
    });
    commands.push(command);
    return command;
  };
  const app: App = {
    folder,
    state,
    port,
    file: (...parts) => temporary.file("shop", ...parts),
    ...files,
    plan: (text) => app.write("tidegate.yaml", text.replaceAll("${PORT_OF_FRONT_DOOR}", String(port))),
    version(behaviour) {
      app.write("behaviour.json", `${JSON.stringify(behaviour)}\n`);
      return app.commit(behaviour.name);
    },
    tidegate: (args, options) => start(args, options).ended,
    start,
    async status(release) {
      const { stdout, stderr } = await app.tidegate([
        "status",
        ...(release === undefined ? [] : [String(release)]),
        "--json",
      ]);
      const { status } = JSON.parse(stdout === "" ? stderr : stdout) as { status: Status };
      return status;
    },
    keeper: () => callControl<KeeperState>(state.socket("keeper.sock"), "/state"),
    plane: () => callControl<TrafficState>(state.socket("proxy.sock"), "/state"),
    processes: () => processesIn(temporary.path),
    async down() {
      const { code, stdout, stderr } = await app.tidegate(["down", "--yes"]);
      assert.equal(code, 0, `${stdout}${stderr}`);
      assert.deepEqual(app.processes(), [], "tidegate down leaves nothing behind");
    },
    async end() {
      for (const command of commands) command.kill("SIGKILL");
      await endProcessesIn(temporary.path);
    },
    async [Symbol.asyncDispose]() {
      await app.end();
      chmodSync(folder, 0o700);
      await temporary[Symbol.asyncDispose]();
    },
  };
  app.write("server.js", SERVER_SOURCE);
  app.write("worker.js", WORKER_SOURCE);
  return app;
}
