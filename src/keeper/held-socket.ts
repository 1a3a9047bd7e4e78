import { lookup } from "node:dns/promises";
import net, { isIP } from "node:net";
import { getSystemErrorName } from "node:util";
import { type Fault, FaultError } from "../core/fault.ts";
import type { Listener } from "../core/routing.ts";
import { ownersOfPort } from "../local/listening-sockets.ts";
import { Refusal } from "../local/control-socket.ts";

/**
 * A bound socket that this process keeps open and never accepts on. Once a child has it and listens, it goes on
 * listening without that child: the kernel queues who connects until the next child has it.
 */
export interface HeldSocket extends Disposable {
  /** As it was asked for, its port resolved. */
  readonly listener: Listener;
  /** To be sent to a child over its IPC channel. */
  readonly handle: Handle;
}

/** What node:cluster passes to its workers: a TCP handle that is bound and nothing more. */
interface Handle {
  getsockname(out: { port?: number }): number;
  close(): void;
}

/** Not in Node's documentation, but what node:cluster is built on: a `net.Server` can't be bound without accepting. */
const bind = net as unknown as {
  _createServerHandle(address: string, port: number, family: 4 | 6, fd: number, flags: number): Handle | number;
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

function refused(listener: Listener, address: string, code: string): Refusal | FaultError {
  const where = `${listener.host}:${listener.port}`;
  switch (code) {
    case "EADDRINUSE":
      return new Refusal(409, portTaken(where, address, listener.port));
    case "EACCES":
      return new FaultError({
        code: "port-not-allowed",
        what: `Ports below 1024 are not open to this user: ${listener.port}.`,
        where,
        fix: "use a port from 1024 on and forward to it, or allow it: sysctl -w net.ipv4.ip_unprivileged_port_start=80",
      });
    case "EADDRNOTAVAIL":
      return new FaultError({
        code: "address-not-here",
        what: `${listener.host} is no address of this machine.`,
        where,
        fix: "use 127.0.0.1, 0.0.0.0 or one of those that `ip address` shows",
      });
    default:
      return new FaultError({ code: "socket-not-opened", what: `${where} can't be listened on.`, where, cause: code });
  }
}

/** Who has the port, and the ways out. */
function portTaken(where: string, address: string, port: number): Fault {
  const { owners, uids } = ownersOfPort(address, port);
  const tidegate = owners
    .map(({ command }) => ANOTHER_TIDEGATE.exec(command)?.[1])
    .find((state) => state !== undefined);
  if (tidegate !== undefined) {
    return {
      code: "port-taken",
      what: `Port ${port} is the front door of another app under Tidegate, whose state lies in ${tidegate}.`,
      where,
      fix: `choose another port under \`traffic\`, or stop that app: tidegate down --state ${tidegate}`,
    };
  }
  const who = owners.map(({ pid, command }) => `process ${pid} (${command || "command unknown"})`);
  const otherUser = uids.length > 0 ? `a process of another user (uid ${uids.join(", ")})` : "another process";
  const reachable = address === "0.0.0.0" || address === "::" ? "127.0.0.1" : address;
  return {
    code: "port-taken",
    what: `Port ${port} is taken by ${who.length > 0 ? who.join(" and ") : otherUser}.`,
    where,
    fix: [
      `if that is the service itself, take it over as stable, behind another port: tidegate release --adopt ${reachable}:${port} with \`traffic: { embedded: ANOTHER_PORT }\``,
      "else stop it, or choose another port under `traffic`",
    ].join("\n"),
  };
}

const ANOTHER_TIDEGATE = /\b(?:keeper|proxy) --state (\S+)/;
