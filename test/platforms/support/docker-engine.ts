import { execFileSync, spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dockerClient, type DockerClient } from "../../../src/adapters/runtime/compose/docker-client.ts";
import { stopFamily } from "../../../src/local/process-family.ts";
import { identify } from "../../../src/local/process-identity.ts";
import { until } from "../../support/until.ts";

/** A Docker engine of the tests' own: its socket, its data and its containers go when it is disposed of. */
export interface DockerEngine extends AsyncDisposable {
  /** `unix://…`. */
  readonly host: string;
  readonly docker: DockerClient;
  /** An environment in which docker and compose ask this engine, and read no configuration of the user's. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Runs docker to its end and answers what it wrote. */
  run(...args: readonly string[]): string;
}

/** The path may not be long: the engine puts sockets below it. */
const ROOT = join(tmpdir(), "tgd-");
const STARTS_WITHIN_MS = 30_000;

/**
 * `TIDEGATE_TEST_DOCKER_HOST` names one that runs already, for which nothing is started and nothing removed.
 * `TIDEGATE_TEST_COMPOSE_PLUGIN` is the file of a compose plugin, which goes before the older docker-compose.
 */
export async function dockerEngine(): Promise<DockerEngine> {
  const given = process.env["TIDEGATE_TEST_DOCKER_HOST"];
  const folder = mkdtempSync(ROOT);
  if (given !== undefined) return engineAt(given, folder, () => Promise.resolve());
  const socket = join(folder, "docker.sock");
  const log = openSync(join(folder, "dockerd.log"), "a");
  // Without the machine's packet filter, which the tests may not touch: containers are reached by bridge all the same.
  const child = spawn(
    "dockerd",
    [
      "--iptables=false",
      "--ip-forward=false",
      "--ip-masq=false",
      `--data-root=${join(folder, "data")}`,
      `--exec-root=${join(folder, "exec")}`,
      `--host=unix://${socket}`,
      `--pidfile=${join(folder, "pid")}`,
    ],
    { detached: true, stdio: ["ignore", log, log] },
  );
  const identity = identify(child.pid ?? 0);
  const engine = engineAt(`unix://${socket}`, folder, async () => {
    if (identity !== null) await stopFamily(identity, 20_000);
    await until(
      "the mounts of the engine are gone",
      () => !readFileSync("/proc/self/mountinfo", "utf8").includes(folder),
      STARTS_WITHIN_MS,
    );
  });
  try {
    await until("the engine answers", () => engine.docker.get("/info").catch(() => null), STARTS_WITHIN_MS);
  } catch (error) {
    const words = readFileSync(join(folder, "dockerd.log"), "utf8").split("\n").slice(-12).join("\n");
    await engine[Symbol.asyncDispose]();
    throw new Error(`The Docker engine did not start.\n${words}`, { cause: error });
  }
  return engine;
}

function engineAt(host: string, folder: string, end: () => Promise<void>): DockerEngine {
  const config = join(folder, "config");
  mkdirSync(join(config, "cli-plugins"), { recursive: true });
  const plugin = process.env["TIDEGATE_TEST_COMPOSE_PLUGIN"];
  if (plugin !== undefined) copyFileSync(plugin, join(config, "cli-plugins", "docker-compose"));
  const env = {
    ...process.env,
    DOCKER_HOST: host,
    DOCKER_CONFIG: config,
    DOCKER_CONTEXT: undefined,
    COMPOSE_PROJECT_NAME: undefined,
  };
  const run = (...args: readonly string[]): string =>
    execFileSync("docker", args, {
      env,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    }).trim();
  return {
    host,
    docker: dockerClient({ host, from: "the tests" }),
    env,
    run,
    async [Symbol.asyncDispose]() {
      try {
        const ids = run("ps", "-aq")
          .split("\n")
          .filter((id) => id !== "");
        if (ids.length > 0) run("rm", "-f", "-v", ...ids);
        run("network", "prune", "-f");
      } finally {
        await end();
        rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
      }
    },
  };
}

/**
 * Builds an image with Node in it out of this machine's own files, because the tests reach no registry: what other
 * images of the tests are made from. `name` is its tag.
 */
export function buildNodeImage(engine: DockerEngine, name: string): void {
  const folder = mkdtempSync(join(tmpdir(), "tgd-node-"));
  try {
    const files = [process.execPath, ...librariesOf(process.execPath)];
    const copies = files.map((file, index) => {
      copyFileSync(file, join(folder, `file-${index}`));
      return `COPY file-${index} ${index === 0 ? "/usr/bin/node" : file}`;
    });
    copyFileSync("/bin/busybox", join(folder, "busybox"));
    writeFileSync(
      join(folder, "Dockerfile"),
      [
        "FROM scratch",
        ...copies,
        "COPY busybox /bin/busybox",
        "COPY busybox /bin/sh",
        "ENV PATH=/usr/bin:/bin",
        "",
      ].join("\n"),
    );
    engine.run("build", "-q", "-t", name, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function librariesOf(file: string): readonly string[] {
  const lines = execFileSync("ldd", [file], { encoding: "utf8" }).split("\n");
  return lines.flatMap((line) => /(?:=>\s*)?(\/\S+)\s+\(0x/.exec(line)?.[1] ?? []);
}
