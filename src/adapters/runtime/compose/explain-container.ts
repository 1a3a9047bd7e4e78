import type { Fault } from "../../../core/fault.ts";
import { withoutControls } from "../../../core/text/plain-text.ts";
import { formatDuration } from "../../../core/time/time.ts";
import { type Exit, type Inspected, LABEL, labelOf, stateOf, timeOf } from "./containers.ts";

/** What is known of a container that did not get ready. */
export interface FailedContainer {
  readonly container: Inspected;
  readonly exit: Exit | null;
  /** Its last lines, oldest first. */
  readonly log: readonly string[];
  /** Ports on which something listens inside it; null where that can't be seen. */
  readonly listening: readonly { readonly port: number; readonly isLoopback: boolean }[] | null;
}

const SHOWN = 12;

/** Why a container did not get ready, as far as it can be seen from outside: the most certain reason first. */
export function explainContainer(failed: FailedContainer): Fault {
  const { container, log } = failed;
  const detail = toldOnce(log.map(withoutControls)).slice(-SHOWN);
  return { where: `the container ${container.Name.replace(/^\//, "")}`, ...reason(failed), detail };
}

function reason(failed: FailedContainer): Fault {
  const { container, exit } = failed;
  const state = stateOf(container);
  const hasEnded = state === "exited" || state === "backoff" || container.RestartCount > 0;
  if (exit?.isOutOfMemory === true || container.State.OOMKilled) return outOfMemory(container);
  if (hasEnded) return ended(container, exit);
  return unhealthy(container) ?? listensElsewhere(failed) ?? notReady(container);
}

function outOfMemory(container: Inspected): Fault {
  const limit = container.HostConfig.Memory;
  const bound = limit > 0 ? `its limit of ${Math.round(limit / 1_048_576)} MiB` : "the machine has";
  return {
    code: "instance-out-of-memory",
    what: `${idOf(container)} was ended for want of memory: it needed more than ${bound}.`,
    fix:
      limit > 0
        ? "give it more in the compose file (`mem_limit`, or `deploy.resources.limits.memory`), or find out what needs it"
        : "find out what needs it, or give the machine more",
  };
}

function ended(container: Inspected, exit: Exit | null): Fault {
  const { Error: said, StartedAt, FinishedAt } = container.State;
  const [started, finished] = [timeOf(StartedAt), timeOf(FinishedAt)];
  const lived =
    started !== undefined && finished !== undefined && finished >= started
      ? ` after ${formatDuration(finished - started)}`
      : "";
  const code = exit?.code ?? container.State.ExitCode;
  if (code === 127 || code === 126 || /executable file not found|no such file or directory/.test(said)) {
    return {
      code: "command-not-found",
      what: `${idOf(container)} exited with code ${code}: its command was not found in the image, or may not be executed.`,
      ...(said === "" ? {} : { cause: said }),
      fix: "check `command` and `entrypoint` of the compose file against what the image holds",
    };
  }
  return {
    code: "instance-exited",
    what: `${idOf(container)} exited with code ${code}${lived}.`,
    ...(said === "" ? {} : { cause: said }),
    fix: `its last lines say why; the rest: docker logs ${container.Name.replace(/^\//, "")}`,
  };
}

function unhealthy(container: Inspected): Fault | null {
  const health = container.State.Health;
  if (health === undefined || health.Status === "none" || health.Status === "healthy") return null;
  const last = health.Log?.at(-1);
  return {
    code: "instance-unhealthy",
    what:
      health.Status === "unhealthy"
        ? `${idOf(container)} runs, and its own health check fails.`
        : `${idOf(container)} runs, and its own health check has not passed yet.`,
    ...(last === undefined
      ? {}
      : {
          cause: `code ${last.ExitCode}${last.Output.trim() === "" ? "" : `: ${withoutControls(last.Output.trim()).slice(0, 300)}`}`,
        }),
    fix: "run what `healthcheck` of the compose file runs, in it: docker exec; does it need longer? then `start_period`, and `startWithin` in the plan file",
  };
}

function listensElsewhere({ container, listening }: FailedContainer): Fault | null {
  const port = labelOf(container, LABEL.port);
  if (port === undefined || listening === null) return null;
  const mine = listening.filter((each) => each.port === Number(port));
  if (mine.some(({ isLoopback }) => !isLoopback)) return null;
  if (mine.length > 0) {
    return {
      code: "wrong-address",
      what: `${idOf(container)} listens on port ${port} for itself alone (127.0.0.1 inside the container), where nobody else can reach it.`,
      fix: "have it listen on 0.0.0.0",
    };
  }
  const ports = [...new Set(listening.map((each) => each.port))];
  if (ports.length === 0) {
    return {
      code: "never-listens",
      what: `${idOf(container)} runs, but listens nowhere; it should on port ${port}.`,
      fix: "does it start a server, and does it need longer? then raise `startWithin`",
    };
  }
  return {
    code: "wrong-port",
    what: `${idOf(container)} listens on port ${ports.join(" and ")}, but should on ${port}.`,
    fix: `is that where it takes requests? then say so in the plan file: \`port: ${ports[0]}\``,
  };
}

function notReady(container: Inspected): Fault {
  return {
    code: "instance-not-ready",
    what: `${idOf(container)} runs and does not answer as ready.`,
    fix: `its last lines may say why; the rest: docker logs ${container.Name.replace(/^\//, "")}`,
  };
}

function idOf(container: Inspected): string {
  return labelOf(container, LABEL.instance) ?? container.Name.replace(/^\//, "");
}

/** What ends and is started again says the same each time: its last life's words are enough. */
function toldOnce(lines: readonly string[]): readonly string[] {
  for (let length = 1; length <= lines.length / 2; length += 1) {
    const last = lines.slice(-length);
    const before = lines.slice(-2 * length, -length);
    if (last.every((line, index) => line === before[index])) return toldOnce(lines.slice(0, -length));
  }
  return lines;
}
