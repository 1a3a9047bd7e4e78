import assert from "node:assert/strict";
import { cpSync, writeFileSync } from "node:fs";
import { freePort } from "../../../src/adapters/runtime/free-port.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { type Command, type Ended, startCommand } from "./command.ts";
import { endProcessesIn, type Leftover, processesIn } from "./leftovers.ts";

/** A folder with a plan file and no git repository, `tidegate` typed in it, and nothing left when it is disposed of. */
export interface PublishedPlace extends AsyncDisposable {
  readonly folder: string;
  /** Of the front door. */
  readonly port: number;
  file(...parts: string[]): string;
  write(path: string, text: string): void;
  start(args: readonly string[]): Command;
  tidegate(args: readonly string[]): Promise<Ended>;
  processes(): readonly Leftover[];
  /** Ends with `tidegate down`, after which nothing may run any more. */
  down(): Promise<void>;
}

/** `from` is copied there; `env` is added to this process's own environment. */
export async function publishedPlace(
  from: string,
  env: Readonly<Record<string, string>> = {},
): Promise<PublishedPlace> {
  const temporary = temporaryFolder();
  const folder = temporary.file("server");
  cpSync(from, folder, { recursive: true });
  const port = await freePort(new Set());
  const commands: Command[] = [];
  const start = (args: readonly string[]): Command => {
    const command = startCommand(args, {
      cwd: folder,
      env: { ...withoutInfluence(process.env), TIDEGATE_USER: "ann", ...env },
    });
    commands.push(command);
    return command;
  };
  const place: PublishedPlace = {
    folder,
    port,
    file: (...parts) => temporary.file("server", ...parts),
    write: (path, text) => writeFileSync(temporary.file("server", path), text),
    start,
    tidegate: (args) => start(args).ended,
    processes: () => processesIn(temporary.path),
    async down() {
      const { code, stdout, stderr } = await place.tidegate(["down", "--yes"]);
      assert.equal(code, 0, `${stdout}${stderr}`);
      assert.deepEqual(place.processes(), [], "tidegate down leaves nothing behind");
    },
    async [Symbol.asyncDispose]() {
      for (const command of commands) command.kill("SIGKILL");
      await endProcessesIn(temporary.path);
      await temporary[Symbol.asyncDispose]();
    },
  };
  return place;
}

/** What would make this another release: settings of whoever runs the tests. */
function withoutInfluence(env: NodeJS.ProcessEnv): Record<string, string | undefined> {
  const influence = /^(?:DEPLOYMENT_ENV|TIDEGATE_\w+|HEALTH_CHECK_\w+|CANARY_\w+|AUTOMATIC_ROLLBACK_ON_ERROR)$/;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !influence.test(name)));
}
