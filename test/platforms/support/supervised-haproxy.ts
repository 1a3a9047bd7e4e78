import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openRuntime } from "../../../src/adapters/traffic/haproxy/runtime-socket.ts";
import { stopFamily } from "../../../src/local/process-family.ts";
import { identify } from "../../../src/local/process-identity.ts";
import { until } from "../../support/until.ts";

/**
 * An HAProxy as an operating system runs it: a master with its worker, under a supervisor that holds the listening socket
 * and starts both again at once. Its configuration is its user's own, with one backend, and knows nothing of Tidegate.
 */
export interface SupervisedHaproxy extends AsyncDisposable {
  /** Of the frontend. */
  readonly port: number;
  /** Of the runtime API. */
  readonly socket: string;
  readonly configuration: string;
  /** The folder that Tidegate writes and HAProxy starts with. */
  readonly files: string;
  /** A command of the runtime API, as a person would give it. */
  command(text: string): Promise<string>;
  /** As `systemctl reload haproxy`: resolves when the new worker answers. */
  reload(): Promise<void>;
  /** kill -9 for the worker, with which its master ends; resolves when the next ones answer. */
  kill(): Promise<void>;
}

/**
 * Waits for each HAProxy within a call, so that its own event loop never takes a connection of the socket that it holds:
 * those that come while no HAProxy runs wait for the next one.
 */
const SUPERVISOR = `
const { spawnSync } = require("node:child_process");
const server = require("node:net").createServer().listen(0, "127.0.0.1", 1024, () => {
  require("node:fs").writeSync(1, server.address().port + "\\n");
  for (let starts = 0; starts < 50; starts += 1)
    spawnSync("haproxy", ["-W", "-p", process.argv[2], "-f", process.argv[1]], { stdio: ["ignore", "ignore", 2, server._handle.fd] });
});
`;

/** `backend`: the lines of the backend that serves now. */
export async function supervisedHaproxy(backend: readonly string[]): Promise<SupervisedHaproxy> {
  const folder = mkdtempSync(join(tmpdir(), "tidegate-haproxy-"));
  const [socket, configuration, files] = [
    join(folder, "admin.sock"),
    join(folder, "haproxy.cfg"),
    join(folder, "files"),
  ];
  const log = join(folder, "haproxy.log");
  mkdirSync(files);
  writeFileSync(configuration, configurationText(socket, backend));
  const supervisor: ChildProcess = spawn(process.execPath, ["-e", SUPERVISOR, configuration, join(folder, "pid")], {
    detached: true,
    stdio: ["ignore", "pipe", openSync(log, "a")],
  });
  const identity = identify(supervisor.pid ?? 0);
  const end = async (): Promise<void> => {
    if (identity !== null) await stopFamily(identity, 0);
    rmSync(folder, { recursive: true, force: true });
  };
  const command = async (text: string): Promise<string> => {
    using session = await openRuntime({ kind: "unix", path: socket }, 2_000);
    return await session.run(text);
  };
  const pidOf = (): Promise<number | null> =>
    command("show info").then(
      (told) => Number(/^Pid: (\d+)/m.exec(told)?.[1]),
      () => null,
    );
  const untilAnother = (before: number | null): Promise<number> =>
    until("another HAProxy answers", async () => {
      const now = await pidOf();
      return now === before ? null : now;
    });
  try {
    const [told] = (await once(supervisor.stdout as NonNullable<typeof supervisor.stdout>, "data")) as [Buffer];
    await untilAnother(null);
    return {
      port: Number(told.toString()),
      socket,
      configuration,
      files,
      command,
      async reload() {
        const before = await pidOf();
        process.kill(Number(readFileSync(join(folder, "pid"), "utf8")), "SIGUSR2");
        await untilAnother(before);
      },
      async kill() {
        const before = (await pidOf()) ?? 0;
        process.kill(before, "SIGKILL");
        await untilAnother(before);
      },
      [Symbol.asyncDispose]: end,
    };
  } catch (error) {
    const words = readFileSync(log, "utf8");
    await end();
    throw new Error(`HAProxy did not start.\n${words}`, { cause: error });
  }
}

function configurationText(socket: string, backend: readonly string[]): string {
  return [
    "global",
    `    stats socket ${socket} mode 600 level admin expose-fd listeners`,
    "    maxconn 2000",
    "defaults",
    "    mode http",
    "    timeout connect 2s",
    "    timeout client 30s",
    "    timeout server 30s",
    "    # At a reload, who has a connection is answered once more before it is closed.",
    "    option idle-close-on-response",
    "frontend www",
    "    bind fd@3",
    "    default_backend shop",
    "backend shop",
    ...backend.map((line) => `    ${line}`),
    "",
  ].join("\n");
}
