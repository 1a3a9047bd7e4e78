import type { DockerClient } from "./docker-client.ts";
import { type Exit, type Inspected, stateOf, timeOf } from "./containers.ts";

/** How containers ended. While one runs again the engine has forgotten it but for its events. */
export interface ContainerExits {
  lastOf(container: Inspected): Promise<Exit | null>;
}

interface DieEvent {
  readonly Action?: string;
  readonly time: number;
  readonly Actor: { readonly Attributes: Readonly<Record<string, string>> };
}

/** The engine keeps its newest events only, so what was seen once is remembered. */
export function containerExits(docker: DockerClient): ContainerExits {
  const known = new Map<string, { readonly restarts: number; readonly exit: Exit }>();
  return {
    async lastOf(container) {
      const { Id, RestartCount, State } = container;
      const before = known.get(Id);
      const state = stateOf(container);
      if (state === "exited" || state === "backoff") {
        const at = timeOf(State.FinishedAt);
        if (at === undefined) return null;
        const exit = { code: State.ExitCode, isOutOfMemory: State.OOMKilled, at };
        known.set(Id, { restarts: RestartCount, exit });
        return exit;
      }
      if (RestartCount === 0) return null;
      if (before?.restarts === RestartCount) return before.exit;
      const exit = await fromEvents(docker, container).catch(() => null);
      if (exit !== null) known.set(Id, { restarts: RestartCount, exit });
      return exit;
    },
  };
}

async function fromEvents(docker: DockerClient, { Id, State }: Inspected): Promise<Exit | null> {
  const finished = timeOf(State.FinishedAt);
  if (finished === undefined) return null;
  const filters = encodeURIComponent(JSON.stringify({ container: [Id], event: ["die", "oom"] }));
  const since = Math.floor(finished / 1_000) - 5;
  const until = Math.floor(Date.now() / 1_000) + 1;
  const text = (await docker.bytes(`/events?since=${since}&until=${until}&filters=${filters}`)).toString("utf8");
  const events = text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as DieEvent);
  const died = events.findLast(({ Action }) => Action === "die");
  if (died === undefined) return { code: null, isOutOfMemory: false, at: finished };
  const code = Number(died.Actor.Attributes["exitCode"]);
  return {
    code: Number.isInteger(code) ? code : null,
    isOutOfMemory: events.some(({ Action, time }) => Action === "oom" && died.time - time <= 1),
    at: finished,
  };
}
