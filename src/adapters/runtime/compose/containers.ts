import type { InstanceSeen, Slot, Usage } from "../../../core/observation.ts";
import type { DockerClient } from "./docker-client.ts";

/** What a container of Tidegate's carries, so that it is known again whoever asks. */
export const LABEL = {
  app: "tidegate.app",
  environment: "tidegate.environment",
  service: "tidegate.service",
  /** What the compose file calls it. */
  composeService: "tidegate.compose-service",
  version: "tidegate.version",
  slot: "tidegate.slot",
  index: "tidegate.index",
  instance: "tidegate.instance",
  /** `instance`, or `task` for what runs once before the instances of a version. */
  role: "tidegate.role",
  /** How it is asked whether it hangs. */
  liveness: "tidegate.liveness",
  /** Where it takes requests inside; absent for what is not asked. */
  port: "tidegate.port",
  /** `network` or `port`: how it is reached. */
  reached: "tidegate.reached",
  /** The address under which its ports are published. */
  publish: "tidegate.publish",
  /** The restart policy with which it was made: another one says that Tidegate stopped it. */
  restart: "tidegate.restart",
  /** Crashes of those that it took the place of. */
  restarts: "tidegate.restarts",
  /** Of everything that it is made of. */
  print: "tidegate.print",
  network: "tidegate.network",
  prepared: "tidegate.prepared",
  image: "tidegate.image",
} as const;

/** What the engine says of one container, as far as it is looked at. */
export interface Inspected {
  readonly Id: string;
  readonly Name: string;
  readonly Created: string;
  readonly RestartCount: number;
  readonly Image: string;
  readonly Config: {
    readonly Labels: Readonly<Record<string, string>> | null;
    readonly Tty: boolean;
    readonly ExposedPorts?: Readonly<Record<string, unknown>> | null;
  };
  readonly HostConfig: {
    readonly Memory: number;
    readonly RestartPolicy: { readonly Name: string };
    readonly LogConfig?: { readonly Type: string };
  };
  readonly State: {
    readonly Status: "created" | "running" | "paused" | "restarting" | "removing" | "exited" | "dead";
    readonly OOMKilled: boolean;
    readonly Pid: number;
    readonly ExitCode: number;
    readonly Error: string;
    readonly StartedAt: string;
    readonly FinishedAt: string;
    readonly Health?: {
      readonly Status: "none" | "starting" | "healthy" | "unhealthy";
      readonly Log?: readonly { readonly ExitCode: number; readonly Output: string }[] | null;
    };
  };
  readonly NetworkSettings: {
    readonly Networks: Readonly<
      Record<string, { readonly IPAddress: string; readonly IPAMConfig?: { readonly IPv4Address?: string } | null }>
    >;
    readonly Ports?: Readonly<Record<string, readonly { readonly HostIp: string; readonly HostPort: string }[] | null>>;
  };
}

/** What all containers of an app and environment carry. */
export function placeLabels({
  app,
  environment,
}: {
  readonly app: string;
  readonly environment: string;
}): Readonly<Record<string, string>> {
  return { [LABEL.app]: app, [LABEL.environment]: environment };
}

interface Listed {
  readonly Id: string;
}

/** Every container with these labels, stopped ones too. One that goes away meanwhile is not among them. */
export async function findContainers(
  docker: DockerClient,
  labels: Readonly<Record<string, string>>,
): Promise<readonly Inspected[]> {
  const filters = { label: Object.entries(labels).map(([name, value]) => `${name}=${value}`) };
  const listed = await docker.get<readonly Listed[]>(
    `/containers/json?all=1&filters=${encodeURIComponent(JSON.stringify(filters))}`,
  );
  const found = await Promise.all((listed ?? []).map(({ Id }) => inspect(docker, Id)));
  return found.filter((each) => each !== null);
}

export function inspect(docker: DockerClient, id: string): Promise<Inspected | null> {
  return docker.get<Inspected>(`/containers/${encodeURIComponent(id)}/json`);
}

export function labelOf({ Config: { Labels } }: Inspected, name: string): string | undefined {
  return Labels?.[name];
}

export function isInstance(container: Inspected): boolean {
  return labelOf(container, LABEL.role) === "instance";
}

/** How a container last ended. */
export interface Exit {
  readonly code: number | null;
  readonly isOutOfMemory: boolean;
  readonly at: number;
}

/** What a container of Tidegate's is for the engine of releases. `exit`: how its last life ended, where that is known. */
export function instanceOf(container: Inspected, exit: Exit | null, usage: Usage | null): InstanceSeen {
  const { State } = container;
  const label = (name: string): string => labelOf(container, name) ?? "";
  const address = addressOf(container);
  const state = stateOf(container);
  const startedAt = timeOf(State.StartedAt);
  return {
    id: label(LABEL.instance),
    service: label(LABEL.service),
    slot: label(LABEL.slot) as Slot,
    version: label(LABEL.version),
    ...(address === undefined ? {} : { address }),
    state,
    ...(State.Pid > 0 ? { pid: State.Pid } : {}),
    ...(startedAt === undefined ? {} : { startedAt }),
    restarts: Number(label(LABEL.restarts) || 0) + container.RestartCount + (hasEndedByItself(container) ? 1 : 0),
    ...(exit === null ? {} : { lastExit: exitSeen(exit) }),
    ...(usage === null ? {} : { usage }),
    ...healthOf(container),
    ...(isLost(container) ? { isLost: true as const } : {}),
    adopted: false,
  };
}

export function exitSeen({ code, isOutOfMemory, at }: Exit): NonNullable<InstanceSeen["lastExit"]> {
  const signal = code === null ? null : (SIGNALS[code] ?? null);
  return { code: signal === null ? code : null, signal, at, ...(isOutOfMemory ? { outOfMemory: true as const } : {}) };
}

/** What a shell, and so Docker, makes of a signal. */
const SIGNALS: Readonly<Record<number, string>> = { 134: "SIGABRT", 137: "SIGKILL", 139: "SIGSEGV", 143: "SIGTERM" };

export function stateOf({ State: { Status } }: Inspected): InstanceSeen["state"] {
  switch (Status) {
    case "created":
      return "starting";
    case "running":
    case "paused":
      return "running";
    case "restarting":
      return "backoff";
    case "removing":
      return "stopping";
    case "exited":
    case "dead":
      return "exited";
  }
}

/** Tidegate takes the restart policy away before it stops something: so a reboot does not bring it back. */
export function wasStopped(container: Inspected): boolean {
  const made = labelOf(container, LABEL.restart) ?? "no";
  return made !== "no" && container.HostConfig.RestartPolicy.Name === "no";
}

/** Somebody else stopped it (docker stop, docker kill), or the engine went down in between: it should run. */
export function isLost(container: Inspected): boolean {
  const { Name } = container.HostConfig.RestartPolicy;
  return stateOf(container) === "exited" && (Name === "always" || Name === "unless-stopped");
}

function hasEndedByItself(container: Inspected): boolean {
  if (stateOf(container) !== "exited" || wasStopped(container)) return false;
  if (isLost(container)) return true;
  const { ExitCode, OOMKilled } = container.State;
  return OOMKilled || (ExitCode !== 0 && ExitCode !== 137 && ExitCode !== 143);
}

function healthOf({ State: { Health } }: Inspected): Pick<InstanceSeen, "ownCheck"> {
  if (Health === undefined || Health.Status === "none") return {};
  const says = Health.Log?.at(-1)?.Output.trim().slice(0, 200) ?? "";
  return { ownCheck: { state: Health.Status, says } };
}

/** Where it takes requests, by its own address or by a published port; undefined for what is not asked, or has none now. */
function addressOf(container: Inspected): string | undefined {
  const port = labelOf(container, LABEL.port);
  if (port === undefined) return undefined;
  if (labelOf(container, LABEL.reached) === "network") {
    const network = container.NetworkSettings.Networks[labelOf(container, LABEL.network) ?? ""];
    // A stopped container keeps the address that it was given, and has none.
    const address = network?.IPAMConfig?.IPv4Address ?? network?.IPAddress ?? "";
    return address === "" ? undefined : `${address}:${port}`;
  }
  const [published] = container.NetworkSettings.Ports?.[`${port}/tcp`] ?? [];
  return published === undefined
    ? undefined
    : `${labelOf(container, LABEL.publish) ?? "127.0.0.1"}:${published.HostPort}`;
}

/** The engine writes the year 1 for what has not happened. */
export function timeOf(text: string): number | undefined {
  const time = Date.parse(text);
  return Number.isNaN(time) || time < 0 ? undefined : time;
}
