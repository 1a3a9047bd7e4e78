import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { isIP } from "node:net";
import { commandOf } from "./process-table.ts";

/** A TCP socket that listens. */
export interface ListeningSocket {
  /** `127.0.0.1`, `0.0.0.0`, `::`, … */
  readonly address: string;
  readonly port: number;
  readonly inode: number;
  /** Of the user who opened it. */
  readonly uid: number;
}

export interface SocketOwner {
  readonly pid: number;
  readonly command: string;
  readonly uid: number;
}

/** Every TCP socket of this network namespace that listens; empty where the system doesn't tell (not Linux). */
export function listeningSockets(): readonly ListeningSocket[] {
  return ["/proc/self/net/tcp", "/proc/self/net/tcp6"].flatMap((file) => {
    try {
      return parseTcpTable(readFileSync(file, "utf8"));
    } catch {
      return [];
    }
  });
}

/** Who listens where a connection to `host:port` would arrive. Pids only of processes that this user may look into. */
export function ownersOfPort(
  host: string,
  port: number,
): { readonly uids: readonly number[]; readonly owners: readonly SocketOwner[] } {
  const sockets = listeningSockets().filter((socket) => socket.port === port && reaches(socket.address, host));
  const inodes = new Set(sockets.map((socket) => socket.inode));
  const uids = [...new Set(sockets.map((socket) => socket.uid))];
  if (inodes.size === 0) return { uids, owners: [] };
  const owners = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => socketInodesOf(pid).some((inode) => inodes.has(inode)))
    .map((pid) => ({ pid, command: commandOf(pid), uid: uidOf(pid) }));
  return { uids, owners };
}

/** Where these processes listen. */
export function socketsOf(pids: Iterable<number>): readonly ListeningSocket[] {
  const inodes = new Set([...pids].flatMap((pid) => socketInodesOf(pid)));
  return listeningSockets().filter((socket) => inodes.has(socket.inode));
}

/** Whether a connection to `host` arrives at a socket that is bound to `bound`. */
export function reaches(bound: string, host: string): boolean {
  const target = host === "localhost" ? "127.0.0.1" : host;
  if (bound === target || bound === `::ffff:${target}`) return true;
  // Bound to all of IPv6 means IPv4 too, unless the app asked otherwise: nearly none does.
  if (bound === "::" || target === "::") return true;
  const family = (address: string): number => isIP(address);
  return (bound === "0.0.0.0" && family(target) === 4) || (target === "0.0.0.0" && family(bound) === 4);
}

/** Rows in state LISTEN of /proc/net/tcp or tcp6. Source: proc_net(5); addresses are words in the host's byte order. */
export function parseTcpTable(text: string): ListeningSocket[] {
  return text
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      const fields = line.trim().split(/\s+/);
      const [address = "", port = ""] = (fields[1] ?? "").split(":");
      if (fields[3] !== LISTEN) return [];
      return {
        address: address.length === 8 ? ipv4(address) : ipv6(address),
        port: Number.parseInt(port, 16),
        uid: Number(fields[7]),
        inode: Number(fields[9]),
      };
    });
}

const LISTEN = "0A";

function littleEndianBytes(word: string): number[] {
  return [6, 4, 2, 0].map((at) => Number.parseInt(word.slice(at, at + 2), 16));
}

function ipv4(word: string): string {
  return littleEndianBytes(word).join(".");
}

function ipv6(words: string): string {
  const bytes = [0, 8, 16, 24].flatMap((at) => littleEndianBytes(words.slice(at, at + 8)));
  const groups = Array.from({ length: 8 }, (_, n) => ((bytes[2 * n] ?? 0) << 8) | (bytes[2 * n + 1] ?? 0));
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff)
    return `::ffff:${bytes.slice(12).join(".")}`;
  // A URL shortens an address the way people write it.
  return new URL(`http://[${groups.map((group) => group.toString(16)).join(":")}]`).hostname.slice(1, -1);
}

function socketInodesOf(pid: number): number[] {
  let names: string[];
  try {
    names = readdirSync(`/proc/${pid}/fd`);
  } catch {
    // Another user's, or gone.
    return [];
  }
  return names.flatMap((name) => {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${name}`))?.[1];
      return inode === undefined ? [] : [Number(inode)];
    } catch {
      return [];
    }
  });
}

function uidOf(pid: number): number {
  try {
    return Number(/^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? -1);
  } catch {
    return -1;
  }
}
