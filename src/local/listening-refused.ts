import type { Fault } from "../core/fault.ts";
import { ownersOfPort } from "./listening-sockets.ts";

/** Where somebody wanted to listen: `host` as it was asked for, `address` as it resolved. */
export interface WantedPort {
  readonly host: string;
  readonly address: string;
  readonly port: number;
}

/**
 * Why the front door can't be had, from the error's code, with the ways out: the same words before a release and in it.
 * Codes: port-taken, port-not-allowed, address-not-here, socket-not-opened.
 */
export function listeningRefused(wanted: WantedPort, code: string): Fault {
  const { host, port } = wanted;
  const where = `${host}:${port}`;
  switch (code) {
    case "EADDRINUSE":
      return { ...portTaken(wanted), where };
    case "EACCES":
      return {
        code: "port-not-allowed",
        what: `Ports below 1024 are not open to this user: ${port}.`,
        where,
        fix: "use a port from 1024 on and forward to it, or allow it: sysctl -w net.ipv4.ip_unprivileged_port_start=80",
      };
    case "EADDRNOTAVAIL":
      return {
        code: "address-not-here",
        what: `${host} is no address of this machine.`,
        where,
        fix: "use 127.0.0.1, 0.0.0.0 or one of those that `ip address` shows",
      };
    default:
      return { code: "socket-not-opened", what: `${where} can't be listened on.`, where, cause: code };
  }
}

/** Who has the port, and the ways out. */
function portTaken({ address, port }: WantedPort): Fault {
  const { owners, uids } = ownersOfPort(address, port);
  const tidegate = owners
    .map(({ command }) => ANOTHER_TIDEGATE.exec(command)?.[1])
    .find((state) => state !== undefined);
  if (tidegate !== undefined) {
    return {
      code: "port-taken",
      what: `Port ${port} is the front door of another app under Tidegate, whose state lies in ${tidegate}.`,
      fix: `choose another port under \`traffic\`, or stop that app: tidegate down --state ${tidegate}`,
    };
  }
  const who = owners.map(({ pid, command }) => `process ${pid} (${command || "command unknown"})`);
  const otherUser = uids.length > 0 ? `a process of another user (uid ${uids.join(", ")})` : "another process";
  const reachable = address === "0.0.0.0" || address === "::" ? "127.0.0.1" : address;
  return {
    code: "port-taken",
    what: `Port ${port} is taken by ${who.length > 0 ? who.join(" and ") : otherUser}.`,
    fix: [
      `if that is the service itself, take it over as stable: give Tidegate another port under \`traffic\`, then: tidegate release --adopt ${reachable}:${port}`,
      "else stop it, or choose another port under `traffic`",
      ...(owners.some(({ pid }) => pid === 1)
        ? [
            "systemd itself holds it by a `.socket` unit? systemctl list-sockets shows which; that of tidegate service install hands it to its keeper: is that running?",
          ]
        : []),
    ].join("\n"),
  };
}

const ANOTHER_TIDEGATE = /\b(?:keeper|proxy) --state (\S+)/;
