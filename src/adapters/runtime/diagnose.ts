import type { Fault } from "../../core/fault.ts";
import type { InstanceSeen } from "../../core/observation.ts";
import { withoutControls } from "../../core/text/plain-text.ts";
import { formatDuration } from "../../core/time/time.ts";
import { type ListeningSocket, reaches } from "../../local/listening-sockets.ts";

/** What is known of an instance that did not get ready. */
export interface FailedStart {
  readonly service: string;
  readonly instance: InstanceSeen;
  /** Its last lines, oldest first, secrets hidden. */
  readonly log: readonly string[];
  readonly logFile: string;
  readonly host: string;
  readonly expectedPort: number;
  /** Where its processes listen; null where the system doesn't tell. */
  readonly listening: readonly ListeningSocket[] | null;
  /** The shell line as it stands in the plan file, and the folder in which it ran. */
  readonly run: string;
  readonly folder: string;
  /** Files like `.env` that lie beside the plan file and not in the version's folder. */
  readonly missingFiles: readonly string[];
  /** From its start to this look; null when it isn't known. */
  readonly livedMs: number | null;
}

/** How many last lines are shown. */
const SHOWN = 12;

/** Why an instance didn't get ready, as far as it can be seen from outside: the most certain reason first. */
export function explainFailedStart(failed: FailedStart): Fault {
  const hasEnded =
    failed.instance.restarts > 0 || failed.instance.state === "exited" || failed.instance.state === "backoff";
  const fault = hasEnded ? ended(failed) : alive(failed);
  return {
    where: failed.logFile,
    ...fault,
    detail: toldOnce(withoutNode(failed.log.map(withoutControls))).slice(-SHOWN),
  };
}

/** A process that ends and is started again says the same each time: its last life's words are enough. */
function toldOnce(lines: readonly string[]): readonly string[] {
  for (let length = 1; length <= lines.length / 2; length += 1) {
    const last = lines.slice(-length);
    const before = lines.slice(-2 * length, -length);
    if (last.every((line, index) => line === before[index])) return toldOnce(lines.slice(0, -length));
  }
  // Where the log was cut, the end of an earlier life may be left.
  const begins = lines.findIndex((line) => !/^[\s}\])]*$/.test(line));
  return lines.slice(Math.max(0, begins));
}

/** What Node writes of itself around an error: it would push the file and line that are wrong out of sight. */
function withoutNode(lines: readonly string[]): readonly string[] {
  return lines.filter(
    (line, index) =>
      !OF_NODE.test(line) &&
      // Below a place inside Node stand its source line and a caret.
      !PLACE_IN_NODE.test(lines[index - 1] ?? "") &&
      !(PLACE_IN_NODE.test(lines[index - 2] ?? "") && /^\s*\^+$/.test(line)),
  );
}

const PLACE_IN_NODE = /^node:[\w/.-]+:\d+$/;
const OF_NODE = /^\s+at .*\(?node:internal\/|^node:[\w/.-]+:\d+$|^Node\.js v\d|^\s*$/;

function ended(failed: FailedStart): Fault {
  return (
    addressInUse(failed) ??
    missingModule(failed) ??
    missingCommand(failed) ??
    missingFile(failed, how(failed)) ??
    justEnded(failed)
  );
}

function alive(failed: FailedStart): Fault {
  const { listening, host, expectedPort, instance } = failed;
  const onPort = listening?.filter((socket) => socket.port === expectedPort) ?? [];
  if (listening === null || onPort.some((socket) => reaches(socket.address, host))) return notReady(failed);
  if (onPort[0] !== undefined) return wrongAddress(failed, onPort[0]);
  if (listening.length > 0) return wrongPort(failed, listening);
  return (
    addressInUse(failed) ??
    missingFile(failed, "runs, but listens nowhere") ?? {
      code: "never-listens",
      what: `${instance.id} runs, but listens nowhere${failed.livedMs === null ? "" : ` after ${formatDuration(failed.livedMs)}`}; it should on port ${expectedPort}.`,
      fix: `does ${failed.service} start a server, and does it need longer? then raise \`startWithin\`${portHint(failed)}`,
    }
  );
}

/** After the words, because a time before them has colons too. */
const USED_PORT = /(?:EADDRINUSE|address already in use).*?(?::|port\D{0,3})(\d{2,5})\b/i;

function addressInUse({ instance, log, expectedPort, run }: FailedStart): Fault | null {
  const lines = log.filter((each) => /EADDRINUSE|address already in use/i.test(each));
  const line = lines.findLast((each) => USED_PORT.test(each)) ?? lines.at(-1);
  if (line === undefined) return null;
  const port = USED_PORT.exec(line)?.[1];
  const isOther = port !== undefined && Number(port) !== expectedPort;
  const what = isOther
    ? `${instance.id} wants port ${port}, which is taken, and not the one that it was given, ${expectedPort}.`
    : `${instance.id} could not listen on port ${port ?? expectedPort}: somebody else has it.`;
  return {
    code: "port-in-use",
    what: port === undefined ? `${instance.id} could not listen: its port is taken.` : what,
    cause: withoutControls(line.trim()),
    fix:
      port === undefined || isOther
        ? `make it listen on the port that it is given, in PORT or as \${port}: run: ${run.includes("${port}") ? run : `${run} --port \${port}`}`
        : "try again: another port is chosen",
  };
}

const NO_MODULE = [
  /Cannot find (?:module|package) '([^']+)'/,
  /ModuleNotFoundError: No module named '([^']+)'/,
  /cannot load such file -- (\S+)/,
  /Error: Could not find or load main class (\S+)/,
];

function missingModule({ instance, log, service }: FailedStart): Fault | null {
  for (const pattern of NO_MODULE) {
    const line = log.find((each) => pattern.test(each));
    const name = line === undefined ? undefined : pattern.exec(line)?.[1];
    if (name === undefined) continue;
    // A path is a file of the app's own; a bare name is a dependency.
    const isOwn = /^[./]/.test(name);
    return {
      code: "module-missing",
      what: `${instance.id} ended: it can't find ${name}.`,
      fix: isOwn
        ? "is that file in git, or does a build make it? then add `build`; each version runs in a folder of its own"
        : `a version's folder holds what git has and nothing more: install its dependencies with \`build: npm ci\` (or what you use) of ${service}`,
    };
  }
  return null;
}

function missingCommand({ instance, log, run }: FailedStart): Fault | null {
  const code = instance.lastExit?.code;
  if (code !== 127 && code !== 126) return null;
  const line = log.findLast((each) => /not found|permission denied/i.test(each));
  return {
    code: "command-not-found",
    what: `${instance.id} could not be started: ${code === 127 ? "its command was not found" : "its command may not be executed"}.`,
    ...(line === undefined ? {} : { cause: withoutControls(line.trim()) }),
    fix: `check \`run: ${run}\`; commands from node_modules/.bin are found with \`npx\` or \`npm run\``,
  };
}

function missingFile(failed: FailedStart, how: string): Fault | null {
  const { instance, missingFiles, service } = failed;
  if (missingFiles.length === 0) return null;
  const names = missingFiles.join(" and ");
  return {
    code: "env-file-missing",
    what: `${instance.id} ${how}; it lacks ${names}, which ${missingFiles.length === 1 ? "lies" : "lie"} beside the plan file and not in git.`,
    fix: `let it be copied into each version's folder, in the plan file under ${service}: files: [${missingFiles.join(", ")}]`,
  };
}

function justEnded(failed: FailedStart): Fault {
  const { instance, run, folder } = failed;
  const memory = instance.lastExit?.signal === "SIGKILL" ? "was it out of memory? dmesg tells\n" : "";
  return {
    code: "instance-exited",
    what: `${instance.id} ${how(failed)}.`,
    fix: `${memory}its last lines say why; try it by hand: (cd ${folder} && PORT=3000 ${run.replaceAll("${port}", "3000")})`,
  };
}

function how({ instance, livedMs }: FailedStart): string {
  const exit = instance.lastExit;
  const after = livedMs === null ? "" : ` after ${formatDuration(livedMs)}`;
  if (exit === undefined) return "could not be started";
  if (exit.signal !== null) return `was ended by ${exit.signal}${after}`;
  return exit.code === null ? `ended${after}` : `exited with code ${exit.code}${after}`;
}

function wrongPort(failed: FailedStart, listening: readonly ListeningSocket[]): Fault {
  const ports = [...new Set(listening.map((socket) => socket.port))];
  return {
    code: "wrong-port",
    what: `${failed.instance.id} listens on port ${ports.join(" and ")}, but should on ${failed.expectedPort}.`,
    fix: `each instance gets a port of its own, in PORT and as \${port}: run: ${failed.run.includes("${port}") ? failed.run : `${failed.run} --port \${port}`}`,
  };
}

function wrongAddress(failed: FailedStart, socket: ListeningSocket): Fault {
  return {
    code: "wrong-address",
    what: `${failed.instance.id} listens on ${socket.address}, port ${socket.port}, where ${failed.host} does not reach it.`,
    fix: `let it listen on ${failed.host} (or 0.0.0.0); HOST is set to it`,
  };
}

function notReady({ instance }: FailedStart): Fault {
  return {
    code: "instance-not-ready",
    what: `${instance.id} runs and listens, but was not seen ready.`,
    fix: "is `health` the right path, and does it answer 2xx without a redirect? what it depends on may be away",
  };
}

function portHint({ run }: FailedStart): string {
  return /\$\{?port\b|\$\{?PORT\b/.test(run) ? "" : "; its `run` does not mention ${port}: does it read PORT?";
}
