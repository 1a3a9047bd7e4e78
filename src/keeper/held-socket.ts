import { lookup } from "node:dns/promises";
import net, { isIP } from "node:net";
import { getSystemErrorName } from "node:util";
import { FaultError } from "../core/fault.ts";
import type { Listener } from "../core/traffic/routing.ts";
import { Refusal } from "../local/control-socket.ts";
import { listeningRefused } from "../local/listening-refused.ts";
import type { SocketHandle, TakenSocket } from "../local/take-sockets.ts";

/**
 * A bound socket that this process keeps open and never accepts on. Once a child has it and listens, it goes on
 * listening without that child: the kernel queues who connects until the next child has it.
 */
export interface HeldSocket extends Disposable {
  /** As it was asked for, its port resolved. */
  readonly listener: Listener;
  /** To be sent to a child over its IPC channel. */
  readonly handle: SocketHandle;
}

/** Not in Node's documentation, but what node:cluster is built on: a `net.Server` can't be bound without accepting. */
const bind = net as unknown as {
  _createServerHandle(address: string, port: number, family: 4 | 6, fd: number, flags: number): SocketHandle | number;
};

/** Binds. Faults: port-taken (409; says who has it), port-not-allowed, address-not-here (422). */
export async function holdSocket(listener: Listener): Promise<HeldSocket> {
  const { host, port } = listener;
  const address = isIP(host) === 0 ? (await lookup(host)).address : host;
  const handle = bind._createServerHandle(address, port, isIP(address) === 6 ? 6 : 4, -1, 0);
  const bound: { port?: number } = {};
  // libuv keeps a port that is taken to itself until it is asked for the socket's name.
  const failure = typeof handle === "number" ? handle : handle.getsockname(bound);
  if (typeof handle === "number" || failure !== 0) {
    if (typeof handle !== "number") handle.close();
    throw refused(listener, address, getSystemErrorName(failure));
  }
  return {
    listener: { ...listener, host: address, port: bound.port ?? port },
    handle,
    [Symbol.dispose]: () => handle.close(),
  };
}

/** The one of another process's sockets that is meant by a listener. */
export async function heldAlready(listener: Listener, taken: readonly TakenSocket[]): Promise<HeldSocket | undefined> {
  const address = isIP(listener.host) === 0 ? (await lookup(listener.host)).address : listener.host;
  const socket = taken.find(({ host, port }) => host === address && port === listener.port);
  if (socket === undefined) return undefined;
  const { handle } = socket;
  return { listener: { ...listener, host: address }, handle, [Symbol.dispose]: () => handle.close() };
}

function refused({ host, port }: Listener, address: string, code: string): Refusal | FaultError {
  const fault = listeningRefused({ host, address, port }, code);
  return fault.code === "port-taken" ? new Refusal(409, fault) : new FaultError(fault);
}
