import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Fragment, type FragmentPlan, fragmentOf } from "../../src/adapters/traffic/haproxy/fragment.ts";
import { serversFileText } from "../../src/adapters/traffic/haproxy/restart-files.ts";
import { openRuntime } from "../../src/adapters/traffic/haproxy/runtime-socket.ts";
import type { HaproxyAddress, HaproxyPlan } from "../../src/core/plan/traffic.ts";
import { until } from "./until.ts";

/** A real HAProxy with a configuration that Tidegate did not write, but for its own part of it. */
export interface HaproxyUnderTest extends AsyncDisposable {
  readonly folder: string;
  readonly address: HaproxyAddress & { readonly kind: "unix" };
  readonly haproxy: HaproxyPlan;
  /** Of the frontend. */
  readonly port: number;
  readonly url: string;
  readonly configuration: string;
  /** Writes the configuration with Tidegate's part for a plan. */
  configure(plan: FragmentPlan, options?: HaproxyTestOptions): void;
  /** Writes one as it was before Tidegate, by default with a backend that says "before" itself. */
  configureBare(backend?: readonly string[]): void;
  /** Starts it, or starts it again with the files as they are now. */
  start(): Promise<void>;
  kill(): Promise<void>;
  /** A command of the runtime API, as a person would give it. */
  command(text: string): Promise<string>;
}

export interface HaproxyTestOptions {
  readonly level?: "user" | "operator" | "admin";
  /** Lines of the user's own frontend and global section. */
  readonly frontend?: readonly string[];
  readonly global?: readonly string[];
  /** Without Tidegate's part. */
  readonly isBare?: boolean;
  /** In the place of Tidegate's part for the plan. */
  readonly fragment?: Fragment;
  /** Lines of the backend that was there before. */
  readonly backend?: readonly string[];
}

export async function haproxyUnderTest(): Promise<HaproxyUnderTest> {
  const folder = mkdtempSync(join(tmpdir(), "tidegate-haproxy-"));
  const files = join(folder, "tidegate");
  mkdirSync(files);
  const address = { kind: "unix", path: join(folder, "admin.sock") } as const;
  const haproxy: HaproxyPlan = { balancers: [address], files, inside: files };
  const port = await freePort();
  const configuration = join(folder, "haproxy.cfg");
  let process: ChildProcess | undefined;
  const kill = async (): Promise<void> => {
    if (process === undefined || process.exitCode !== null || process.signalCode !== null) return;
    const exited = once(process, "exit");
    process.kill("SIGKILL");
    await exited;
  };
  const command = async (text: string): Promise<string> => {
    using session = await openRuntime(address, 5_000);
    return await session.run(text);
  };
  return {
    folder,
    address,
    haproxy,
    port,
    url: `http://127.0.0.1:${port}`,
    configuration,
    configure(plan, options = {}) {
      const fragment = options.fragment ?? fragmentOf(plan, haproxy, "");
      writeFileSync(fragment.files.map, "");
      writeFileSync(fragment.files.servers, serversFileText([]));
      writeFileSync(configuration, configurationText(port, address.path, fragment, options));
    },
    configureBare(backend) {
      const options = { isBare: true, ...(backend === undefined ? {} : { backend }) };
      writeFileSync(configuration, configurationText(port, address.path, NONE, options));
    },
    async start() {
      await kill();
      const checked = spawnSync("haproxy", ["-c", "-f", configuration], { encoding: "utf8" });
      if (checked.status !== 0) throw new Error(`${checked.stdout}${checked.stderr}`);
      process = spawn("haproxy", ["-db", "-q", "-f", configuration], { stdio: ["ignore", "ignore", "pipe"] });
      let said = "";
      process.stderr?.on("data", (text: Buffer) => (said += text.toString()));
      await until(`HAProxy to answer ${said}`, () =>
        command("show info").then(
          () => true,
          () => null,
        ),
      );
    },
    kill,
    command,
    async [Symbol.asyncDispose]() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const BEFORE = ["http-request return status 200 content-type text/plain string before"];
const NONE = { rules: "", ending: "", sections: "" };

function configurationText(
  port: number,
  socket: string,
  fragment: { readonly rules: string; readonly ending: string; readonly sections: string },
  { level = "admin", frontend = [], global = [], isBare = false, backend = BEFORE }: HaproxyTestOptions,
): string {
  const indented = `${fragment.rules}${fragment.ending}`.replaceAll(/^(?=.)/gm, "    ");
  return [
    "global",
    `    stats socket ${socket} mode 600 level ${level}`,
    "    maxconn 2000",
    ...global.map((line) => `    ${line}`),
    "defaults",
    "    mode http",
    "    timeout connect 2s",
    "    timeout client 30s",
    "    timeout server 30s",
    "    timeout tunnel 1m",
    "frontend www",
    `    bind 127.0.0.1:${port}`,
    ...frontend.map((line) => `    ${line}`),
    isBare ? "" : indented,
    "    default_backend before",
    "backend before",
    ...backend.map((line) => `    ${line}`),
    isBare ? "" : fragment.sections,
    "",
  ].join("\n");
}

export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
