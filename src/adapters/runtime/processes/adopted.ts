import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { connect } from "node:net";
import { FaultError } from "../../../core/fault.ts";
import type { InstanceSeen, Slot, Usage } from "../../../core/observation.ts";
import { writeFileAtomically } from "../../../local/atomic-file.ts";
import { listeningSockets, ownersOfPort, reaches } from "../../../local/listening-sockets.ts";
import { stopFamily } from "../../../local/process-family.ts";
import { identify, isSameProcess, type ProcessIdentity } from "../../../local/process-identity.ts";
import { readProcess } from "../../../local/process-table.ts";
import { usageMeter } from "../../../local/process-usage.ts";
import { createStateFolder, type StateFolder } from "../../../local/state-folder.ts";
import type { AdoptOrder, StopOutcome } from "../../../ports/runtime.ts";

/** An instance that ran before Tidegate came: it takes traffic, is never restarted, and is stopped only if it is surely known. */
interface Adopted {
  readonly id: string;
  readonly app: string;
  readonly environment: string;
  readonly service: string;
  readonly address: string;
  readonly version: string;
  readonly slot: Slot;
  readonly adoptedAt: number;
  /** The process that listened when it was taken over, when it is one that may be stopped. */
  readonly owner?: ProcessIdentity;
  /** Why it may not: a part of a sentence. */
  readonly unknownBecause?: string;
}

export interface AdoptedInstances {
  adopt(order: AdoptOrder): Promise<InstanceSeen>;
  list(app: string, environment: string): Promise<readonly InstanceSeen[]>;
  has(id: string): boolean;
  /** Forgets it, after having stopped it where that is possible. */
  stop(id: string, stopMs: number): Promise<StopOutcome>;
}

const FILE = "adopted.json";
/** Whose sockets lead to somebody else: ending them cuts the way and leaves the app running. */
const FORWARDERS = /^(?:\S*\/)?(?:docker-proxy|containerd|dockerd|rootlessport|slirp4netns|kube-proxy|sshd?|socat)\b/;

export function adoptedInstances(folder: StateFolder): AdoptedInstances {
  const meter = usageMeter();
  const read = (): readonly Adopted[] => {
    try {
      return JSON.parse(readFileSync(folder.file(FILE), "utf8")) as readonly Adopted[];
    } catch {
      return [];
    }
  };
  const write = (all: readonly Adopted[]): Promise<void> =>
    writeFileAtomically(folder.file(FILE), `${JSON.stringify(all, null, 1)}\n`);
  const look = async (all: readonly Adopted[]): Promise<readonly InstanceSeen[]> => {
    const living = all.flatMap(({ id, owner }) =>
      owner !== undefined && isSameProcess(owner) ? [[id, owner] as const] : [],
    );
    const owners = new Map(living);
    const usage = meter.read(owners);
    return Promise.all(all.map((adopted) => seen(adopted, owners.get(adopted.id)?.pid, usage.get(adopted.id))));
  };
  return {
    async adopt(order) {
      if (!(await isListening(order.address))) throw nothingListens(order.address);
      const id = `${order.service}-${order.slot}-adopted-${order.address.replaceAll(/[^A-Za-z0-9.]/g, "-")}`;
      createStateFolder(folder);
      const adopted: Adopted = { ...order, id, adoptedAt: Date.now(), ...ownerOf(order.address) };
      await write([...read().filter((other) => other.id !== id), adopted]);
      return (await look([adopted]))[0] as InstanceSeen;
    },
    list: (app, environment) =>
      look(read().filter((adopted) => adopted.app === app && adopted.environment === environment)),
    has: (id) => read().some((adopted) => adopted.id === id),
    async stop(id, stopMs) {
      const adopted = read().find((other) => other.id === id);
      if (adopted === undefined) return {};
      const outcome = await stopOwner(adopted, stopMs);
      await write(read().filter((other) => other.id !== id));
      return outcome;
    },
  };
}

async function seen(adopted: Adopted, pid: number | undefined, usage: Usage | undefined): Promise<InstanceSeen> {
  const { id, service, slot, version, address, adoptedAt } = adopted;
  return {
    id,
    service,
    slot,
    version,
    address,
    state: (await isListening(address)) ? "running" : "exited",
    ...(pid === undefined ? {} : { pid }),
    startedAt: adoptedAt,
    restarts: 0,
    ...(usage === undefined ? {} : { usage }),
    adopted: true,
  };
}

async function stopOwner({ address, owner, unknownBecause }: Adopted, stopMs: number): Promise<StopOutcome> {
  if (!(await isListening(address))) return {};
  if (owner === undefined)
    return { leftRunning: `${address} was left running: ${unknownBecause ?? "its process is not known"}.` };
  if (!isSameProcess(owner))
    return {
      leftRunning: `${address} was left running: another process than the one that was taken over listens there now.`,
    };
  await stopFamily(owner, stopMs);
  // A supervisor of its own (systemd, pm2) may start it again, and only it can be told not to.
  for (let waitedMs = 0; waitedMs < AGAIN_MS; waitedMs += LOOK_MS) {
    await delay(LOOK_MS);
    if (await isListening(address)) return { leftRunning: comesBack(address) };
  }
  return {};
}

function comesBack(address: string): string {
  return `${address} was stopped and runs again: something else than Tidegate starts it. Stop it there.`;
}

const AGAIN_MS = 1_500;
const LOOK_MS = 50;

/** The listener's process, where ending it is safe. */
function ownerOf(address: string): { owner: ProcessIdentity } | { unknownBecause: string } {
  const { host, port } = split(address);
  const { owners } = ownersOfPort(host, port);
  const pids = new Set(owners.map((owner) => owner.pid));
  // Of a master and its workers, which share the socket, the master.
  const heads = owners.filter((owner) => !pids.has(readProcess(owner.pid)?.parent ?? 0));
  const [head] = heads;
  if (head === undefined) return { unknownBecause: "its process can't be found from here" };
  if (heads.length > 1) return { unknownBecause: "several processes share its socket" };
  if (head.uid !== process.getuid?.()) return { unknownBecause: `its process ${head.pid} belongs to another user` };
  if (head.pid === 1) return { unknownBecause: "the system's own process holds its socket" };
  if (FORWARDERS.test(head.command))
    return { unknownBecause: `process ${head.pid} (${head.command}) only forwards to it; stop it where it runs` };
  const owner = identify(head.pid);
  return owner === null ? { unknownBecause: "its process has ended" } : { owner };
}

/** Whether a connection would be accepted; asked of the kernel where it is this machine, so that an app doesn't see it. */
async function isListening(address: string): Promise<boolean> {
  const { host, port } = split(address);
  if (listeningSockets().some((socket) => socket.port === port && reaches(socket.address, host))) return true;
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 2_000 });
    const end = (accepted: boolean) => (): void => {
      socket.destroy();
      resolve(accepted);
    };
    socket.once("connect", end(true)).once("timeout", end(false)).once("error", end(false));
  });
}

function split(address: string): { host: string; port: number } {
  const at = address.lastIndexOf(":");
  return { host: address.slice(0, at).replaceAll(/[[\]]/g, ""), port: Number(address.slice(at + 1)) };
}

function nothingListens(address: string): FaultError {
  return new FaultError({
    code: "nothing-listens",
    what: `Nothing accepts connections on ${address}, so there is nothing to take over.`,
    where: address,
    fix: "give the address on which the service itself listens: tidegate release --adopt 127.0.0.1:PORT ; ss -ltnp lists what listens",
  });
}
