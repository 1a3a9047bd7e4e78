import { spawn } from "node:child_process";
import { FaultError } from "../../../core/fault.ts";
import { defined } from "../../../core/text/references.ts";
import { formatDuration } from "../../../core/time/time.ts";
import { stopFamily } from "../../../local/process-family.ts";
import { identify } from "../../../local/process-identity.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** The compose that is installed here. */
export interface ComposeTool {
  /** `docker compose`, the plugin, or the older `docker-compose`. */
  readonly command: readonly string[];
  readonly version: string;
  readonly generation: 1 | 2;
}

/** Which project a command is for. */
export interface ComposeScope {
  readonly project: string;
  /** Absolute paths; `-` is the document on standard input. */
  readonly files: readonly string[];
  /** Where relative paths are meant from. */
  readonly directory: string;
  readonly envFile?: string;
  readonly profiles?: readonly string[];
}

/** The command line for a project, as a list of arguments. */
export function composeCommand(
  { command }: ComposeTool,
  scope: ComposeScope,
  ...verb: readonly string[]
): readonly string[] {
  return [
    ...command,
    "--project-name",
    scope.project,
    "--project-directory",
    scope.directory,
    ...scope.files.flatMap((file) => ["--file", file]),
    ...(scope.envFile === undefined ? [] : ["--env-file", scope.envFile]),
    ...(scope.profiles ?? []).flatMap((profile) => ["--profile", profile]),
    ...verb,
  ];
}

const CANDIDATES = [
  { command: ["docker", "compose"], arguments: ["version", "--short"] },
  { command: ["docker-compose"], arguments: ["version", "--short"] },
] as const;

/** Finds compose: the plugin first. Faults: compose-missing. */
export async function findCompose(env: Environment): Promise<ComposeTool> {
  for (const { command, arguments: asked } of CANDIDATES) {
    const [program = "", ...rest] = command;
    const result = await run([program, ...rest, ...asked], { env, timeoutMs: 20_000 }).catch(() => null);
    const version = versionIn(result?.code === 0 ? result.output : "");
    if (version !== null) return { command, version, generation: version.startsWith("1.") ? 1 : 2 };
  }
  throw new FaultError({
    code: "compose-missing",
    what: "Docker Compose is not installed here: neither `docker compose` nor `docker-compose` answers.",
    fix: "sudo apt-get install docker-compose-plugin (or docker-compose); https://docs.docker.com/compose/install has the other systems",
  });
}

/** `v2.29.1`, `1.29.2`; what else a program may say is no version. */
export function versionIn(output: string): string | null {
  return /^v?(\d+\.\d+[\w.+-]*)$/m.exec(output.trim())?.[1] ?? null;
}

export interface Run {
  readonly env: Environment;
  readonly timeoutMs: number;
  readonly input?: string;
  readonly directory?: string;
  readonly signal?: AbortSignal;
  /** Told each piece of what it writes. */
  readonly heard?: (chunk: Buffer) => void;
}

export interface RunResult {
  readonly code: number | null;
  readonly output: string;
  /** The end of what it wrote to standard error. */
  readonly errors: string;
}

const KEPT = 16 * 1024 * 1024;

/**
 * Runs a program to its end. With its time over, or aborted, it is ended with everything that it started; aborted, this
 * rejects with the signal's reason. Faults: command-not-started, compose-hangs.
 */
export async function run(command: readonly string[], order: Run): Promise<RunResult> {
  order.signal?.throwIfAborted();
  const [program = "", ...rest] = command;
  const child = spawn(program, rest, {
    env: defined(order.env),
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
    ...(order.directory === undefined ? {} : { cwd: order.directory }),
  });
  const ended = Promise.withResolvers<number | null>();
  child.once("error", (error) => ended.reject(notStarted(program, error)));
  child.once("close", (code) => ended.resolve(code));
  const kept = { output: "", errors: "" };
  const keep = (name: "output" | "errors") => (chunk: Buffer) => {
    kept[name] = `${kept[name]}${chunk.toString("utf8")}`.slice(-KEPT);
    order.heard?.(chunk);
  };
  child.stdout.on("data", keep("output"));
  child.stderr.on("data", keep("errors"));
  child.stdin.on("error", () => undefined);
  child.stdin.end(order.input ?? "");
  const leader = child.pid === undefined ? null : identify(child.pid);
  let isLate = false;
  const end = (): void => void (leader === null ? undefined : stopFamily(leader, 5_000).catch(() => undefined));
  const timer = setTimeout(() => {
    isLate = true;
    end();
  }, order.timeoutMs);
  order.signal?.addEventListener("abort", end, { once: true });
  try {
    const code = await ended.promise;
    order.signal?.throwIfAborted();
    if (isLate) throw hangs(command, order.timeoutMs);
    return { code, ...kept };
  } finally {
    clearTimeout(timer);
    order.signal?.removeEventListener("abort", end);
  }
}

function notStarted(program: string, error: Error): FaultError {
  return new FaultError(
    { code: "command-not-started", what: `${program} can't be started.`, cause: error.message },
    { cause: error },
  );
}

function hangs(command: readonly string[], timeoutMs: number): FaultError {
  return new FaultError({
    code: "compose-hangs",
    what: `Docker Compose did not end within ${formatDuration(timeoutMs)}, and was stopped.`,
    where: command.filter((part) => !part.startsWith("/")).join(" "),
    fix: "does the Docker engine answer? docker version",
  });
}
