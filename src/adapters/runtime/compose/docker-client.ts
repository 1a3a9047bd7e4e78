import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import type { IncomingMessage, RequestOptions } from "node:http";
import { userInfo } from "node:os";
import { join } from "node:path";
import { Duplex } from "node:stream";
import { type Fault, FaultError } from "../../../core/fault.ts";
import { formatDuration } from "../../../core/time/time.ts";
import { http, https } from "../../../local/node-http.ts";
import type { DockerAddress } from "./docker-address.ts";

/** Asks one Docker engine. Every method faults with `runtime-unreachable` when it does not answer. */
export interface DockerClient {
  readonly address: DockerAddress;
  /** Its answer as JSON; null where it knows no such thing (404). Faults: docker-refused. */
  get<T>(path: string): Promise<T | null>;
  /** The answer's bytes. */
  bytes(path: string): Promise<Buffer>;
  /** Answers the status: 404 and 304 are no faults, what is to be is so already. */
  change(
    method: "POST" | "DELETE",
    path: string,
    body?: unknown,
    timeoutMs?: number,
  ): Promise<{ readonly status: number; readonly body: unknown }>;
}

const TIMEOUT_MS = 15_000;
/** Every engine since 2020 speaks it, and newer ones as well. */
const OLDEST = "1.41";
const NEWEST = "1.47";
const BODY_LIMIT = 16 * 1024 * 1024;

export function dockerClient(address: DockerAddress): DockerClient {
  let spoken: Promise<string> | undefined;
  const ask = async (method: string, path: string, body?: unknown, timeoutMs = TIMEOUT_MS): Promise<Answer> => {
    spoken ??= versionOf(address).catch((error: unknown) => {
      spoken = undefined;
      throw error;
    });
    return request(address, method, `/v${await spoken}${path}`, body, timeoutMs);
  };
  return {
    address,
    async get<T>(path: string) {
      const { status, bytes } = await ask("GET", path);
      if (status === 404) return null;
      if (status >= 400) throw refused(address, status, bytes);
      return JSON.parse(bytes.toString("utf8")) as T;
    },
    async bytes(path) {
      const { status, bytes } = await ask("GET", path);
      if (status >= 400) throw refused(address, status, bytes);
      return bytes;
    },
    async change(method, path, body, timeoutMs) {
      const { status, bytes } = await ask(method, path, body, timeoutMs);
      if (status >= 400 && status !== 404) throw refused(address, status, bytes);
      return { status, body: jsonOf(bytes) };
    },
  };
}

interface Answer {
  readonly status: number;
  readonly bytes: Buffer;
}

/** The newest version that both sides know. */
async function versionOf(address: DockerAddress): Promise<string> {
  const { status, bytes } = await request(address, "GET", "/version", undefined, TIMEOUT_MS);
  if (status >= 400) throw refused(address, status, bytes);
  const { ApiVersion = OLDEST, MinAPIVersion = OLDEST } = jsonOf(bytes) as {
    ApiVersion?: string;
    MinAPIVersion?: string;
  };
  if (isBefore(ApiVersion, OLDEST)) throw tooOld(address, ApiVersion);
  const wanted = isBefore(ApiVersion, NEWEST) ? ApiVersion : NEWEST;
  return isBefore(wanted, MinAPIVersion) ? MinAPIVersion : wanted;
}

function isBefore(one: string, other: string): boolean {
  const [a = 0, b = 0] = one.split(".").map(Number);
  const [c = 0, d = 0] = other.split(".").map(Number);
  return a < c || (a === c && b < d);
}

function request(
  address: DockerAddress,
  method: string,
  path: string,
  body: unknown,
  timeoutMs: number,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const fail = (error: unknown): void => reject(unreachable(address, error));
    try {
      const options: RequestOptions = {
        ...way(address),
        method,
        path,
        headers: {
          host: "docker",
          ...(text === undefined
            ? {}
            : { "content-type": "application/json", "content-length": Buffer.byteLength(text) }),
        },
        agent: false,
        timeout: timeoutMs,
      };
      const outgoing = (address.certificates === undefined ? http() : https()).request(options);
      const timer = setTimeout(
        () => outgoing.destroy(new Error(`no answer within ${formatDuration(timeoutMs)}`)),
        timeoutMs,
      );
      outgoing.once("close", () => clearTimeout(timer));
      outgoing.once("error", fail);
      outgoing.once("response", (incoming) => {
        collect(incoming).then((bytes) => resolve({ status: incoming.statusCode ?? 0, bytes }), fail);
      });
      outgoing.end(text);
    } catch (error) {
      fail(error);
    }
  });
}

async function collect(incoming: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of incoming as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > BODY_LIMIT) throw new Error("its answer has no end");
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function way(address: DockerAddress): RequestOptions {
  const { host, certificates } = address;
  if (host.startsWith("unix://")) return { socketPath: host.slice("unix://".length) };
  if (host.startsWith("ssh://")) return { createConnection: () => overSsh(host) };
  const url = new URL(host.replace(/^tcp:/, "http:"));
  const pem = (name: string): string => readFileSync(join(certificates ?? "", name), "utf8");
  const tls = certificates === undefined ? {} : { ca: pem("ca.pem"), cert: pem("cert.pem"), key: pem("key.pem") };
  return { host: url.hostname.replaceAll(/[[\]]/g, ""), port: Number(url.port === "" ? "2375" : url.port), ...tls };
}

/** As docker itself does: the engine's machine hands the connection on to the socket there. */
function overSsh(host: string): Duplex {
  const url = new URL(host);
  const child = spawn(
    "ssh",
    [
      ...(url.username === "" ? [] : ["-l", decodeURIComponent(url.username)]),
      ...(url.port === "" ? [] : ["-p", url.port]),
      "-o",
      "ConnectTimeout=10",
      "-o",
      "BatchMode=yes",
      "-T",
      "--",
      url.hostname,
      "docker",
      "system",
      "dial-stdio",
    ],
    { stdio: ["pipe", "pipe", "pipe"] },
  );
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said = `${said}${chunk.toString("utf8")}`.slice(-500)));
  const stream = Duplex.from({ readable: child.stdout, writable: child.stdin });
  child.once("error", (error) => stream.destroy(error));
  child.once("exit", (code) => {
    if (code !== 0 && !stream.destroyed) stream.destroy(new Error(`ssh ended with code ${code}: ${said.trim()}`));
  });
  stream.once("close", () => child.kill());
  return stream;
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8")) as unknown;
  } catch {
    return null;
  }
}

function refused({ host }: DockerAddress, status: number, bytes: Buffer): FaultError {
  const said = (jsonOf(bytes) as { message?: string } | null)?.message ?? bytes.toString("utf8").slice(0, 300);
  return new FaultError({
    code: "docker-refused",
    what: "The Docker engine refused what was asked of it.",
    where: host,
    cause: `${status}: ${said.trim()}`,
  });
}

function tooOld({ host }: DockerAddress, version: string): FaultError {
  return new FaultError({
    code: "docker-too-old",
    what: `The Docker engine speaks version ${version} of its API, and Tidegate needs ${OLDEST}.`,
    where: host,
    fix: "Docker 20.10 or newer has it",
  });
}

function unreachable(address: DockerAddress, error: unknown): FaultError {
  return new FaultError(unreachableFault(address, error), { cause: error });
}

/** Why an engine can't be asked, by what the system said. */
export function unreachableFault({ host, from }: DockerAddress, error: unknown): Fault {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const where = `${host} · from ${from}`;
  const path = host.slice("unix://".length);
  if (code === "EACCES" || code === "EPERM")
    return {
      code: "runtime-unreachable",
      what: `${userInfo().username} may not open the socket of the Docker engine.`,
      where,
      fix: `let them: sudo usermod -aG docker ${userInfo().username}, then log in again; or name another engine: \`compose: { context: NAME }\``,
    };
  if (host.startsWith("unix://") && (code === "ENOENT" || code === "ECONNREFUSED"))
    return {
      code: "runtime-unreachable",
      what:
        existsSync(path) && code === "ECONNREFUSED"
          ? "The Docker engine does not run: its socket lies there, and nobody answers."
          : "No Docker engine runs here: its socket is not there.",
      where,
      fix: "start it: sudo systemctl start docker; or name another engine: `compose: { context: NAME }`",
    };
  return {
    code: "runtime-unreachable",
    what: "The Docker engine does not answer.",
    where,
    cause: message,
    fix: host.startsWith("ssh://")
      ? `try it by hand: ssh ${host.slice("ssh://".length)} docker version`
      : "docker version asks it too; docker context ls lists the engines that are known here",
  };
}
