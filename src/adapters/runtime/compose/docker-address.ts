import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { FaultError } from "../../../core/fault.ts";
import type { ComposeProject } from "../../../core/plan/compose.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Where a Docker engine is asked. */
export interface DockerAddress {
  /** As in `DOCKER_HOST`: `unix:///var/run/docker.sock`, `tcp://…`, `ssh://…`. */
  readonly host: string;
  /** The folder with `ca.pem`, `cert.pem` and `key.pem`, where the engine is asked over TLS. */
  readonly certificates?: string;
  /** Who says so, for people: "the context production". */
  readonly from: string;
}

const DEFAULT_HOST = "unix:///var/run/docker.sock";

/**
 * The engine of a project, found as docker finds it: what the plan says, `DOCKER_HOST`, `DOCKER_CONTEXT`, the context
 * that was chosen, the socket of this machine. Faults: docker-context-unknown.
 */
export function dockerAddress(
  { host, context }: Pick<ComposeProject, "host" | "context">,
  env: Environment,
): DockerAddress {
  if (host !== undefined) return { host, ...ofEnvironment(env), from: "`compose.host` of the plan file" };
  if (context !== undefined) return ofContext(context, env, "`compose.context` of the plan file");
  const given = env["DOCKER_HOST"];
  if (given !== undefined && given !== "") return { host: given, ...ofEnvironment(env), from: "DOCKER_HOST" };
  const named = env["DOCKER_CONTEXT"];
  if (named !== undefined && named !== "") return ofContext(named, env, "DOCKER_CONTEXT");
  const chosen = chosenContext(env);
  if (chosen !== null) return ofContext(chosen, env, "docker's own configuration");
  return { host: DEFAULT_HOST, from: "docker's default" };
}

/** What compose needs in its environment to ask the same engine; nothing of another one is left in it. */
export function environmentFor({ host, certificates }: DockerAddress): Readonly<Record<string, string | undefined>> {
  return {
    DOCKER_CONTEXT: undefined,
    DOCKER_HOST: host,
    DOCKER_TLS_VERIFY: certificates === undefined ? undefined : "1",
    DOCKER_CERT_PATH: certificates,
  };
}

/** Whether the engine's socket is a file of this machine. */
export function isOnThisMachine({ host }: DockerAddress): boolean {
  return host.startsWith("unix://");
}

function ofEnvironment(env: Environment): Pick<DockerAddress, "certificates"> {
  const verify = env["DOCKER_TLS_VERIFY"];
  if (verify === undefined || verify === "") return {};
  return { certificates: env["DOCKER_CERT_PATH"] ?? configFolder(env) };
}

function configFolder(env: Environment): string {
  return env["DOCKER_CONFIG"] ?? join(env["HOME"] ?? homedir(), ".docker");
}

function chosenContext(env: Environment): string | null {
  try {
    const config = JSON.parse(readFileSync(join(configFolder(env), "config.json"), "utf8")) as {
      currentContext?: string;
    };
    const name = config.currentContext ?? "";
    return name === "" || name === "default" ? null : name;
  } catch {
    return null;
  }
}

/** docker keeps each context in a folder that is called by the digest of its name. */
function ofContext(name: string, env: Environment, from: string): DockerAddress {
  if (name === "default") return { host: DEFAULT_HOST, from };
  const digest = createHash("sha256").update(name).digest("hex");
  const file = join(configFolder(env), "contexts", "meta", digest, "meta.json");
  const host = hostIn(file);
  if (host === null) {
    throw new FaultError({
      code: "docker-context-unknown",
      what: `There is no Docker context "${name}" here.`,
      where: from,
      fix: `docker context ls lists those that are there; to make it: docker context create ${name} --docker host=ssh://USER@HOST`,
    });
  }
  const certificates = join(configFolder(env), "contexts", "tls", digest, "docker");
  return { host, from: `the context ${name}`, ...(existsSync(certificates) ? { certificates } : {}) };
}

function hostIn(file: string): string | null {
  try {
    const meta = JSON.parse(readFileSync(file, "utf8")) as { Endpoints?: { docker?: { Host?: string } } };
    return meta.Endpoints?.docker?.Host ?? null;
  } catch {
    return null;
  }
}
