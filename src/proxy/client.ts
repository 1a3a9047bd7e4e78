import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Sticky } from "../core/plan/traffic.ts";
import type { Visitor } from "./cohort.ts";

/** What is known of a client's connection. Made once a connection, because it is asked for with every request. */
export interface Client {
  /** Without the `::ffff:` of a mapped IPv4 address. */
  readonly address: string;
  /** Whether what it says of those before it is believed: only a proxy of our own can sit on such an address. */
  readonly isTrusted: boolean;
  readonly isTls: boolean;
  /** Where it connected to: the Host of those that name none (HTTP/1.0). */
  readonly localHost: string;
  /** That have come on it so far. */
  requests: number;
  /** The last `Forwarded` element and what it was made of: it rarely changes within a connection. */
  host: string;
  proto: string;
  forwarded: string;
  /** The last Cookie header, and who came with it by the rule that was in force (cohort.ts). */
  cookie: string;
  sticky: Sticky | null;
  visitor: Visitor | null;
}

const CLIENT = Symbol("client");

type ClientSocket = Socket & { [CLIENT]?: Client };

export function clientOf(socket: Socket): Client {
  const known = (socket as ClientSocket)[CLIENT];
  if (known !== undefined) return known;
  const address = (socket.remoteAddress ?? "").replace(/^::ffff:(?=\d+\.)/, "");
  const client: Client = {
    address,
    isTrusted: isPrivateAddress(address),
    isTls: (socket as Partial<TLSSocket>).encrypted === true,
    localHost: `${socket.localFamily === "IPv6" ? `[${socket.localAddress}]` : socket.localAddress}:${socket.localPort}`,
    requests: 0,
    host: "",
    proto: "",
    forwarded: "",
    cookie: "",
    sticky: null,
    visitor: null,
  };
  (socket as ClientSocket)[CLIENT] = client;
  return client;
}

/** Loopback, link-local and private ranges: nobody from the internet arrives with such an address. */
export function isPrivateAddress(address: string): boolean {
  if (address.includes(":")) {
    const lower = address.toLowerCase();
    return lower === "::1" || /^f[cd]/.test(lower) || /^fe[89ab]/.test(lower);
  }
  const [a = -1, b = -1] = address.split(".").map(Number);
  return (
    a === 127 || a === 10 || (a === 192 && b === 168) || (a === 172 && b >= 16 && b <= 31) || (a === 169 && b === 254)
  );
}

/** The element that this hop adds to `Forwarded` (RFC 7239). */
export function forwardedElement(client: Client, host: string, proto: string): string {
  if (client.host === host && client.proto === proto) return client.forwarded;
  const node = client.address.includes(":") ? `"[${client.address}]"` : client.address || "unknown";
  const quoted = /^[A-Za-z0-9.-]+$/.test(host) ? host : `"${host}"`;
  client.host = host;
  client.proto = proto;
  client.forwarded = `for=${node};host=${quoted};proto=${proto}`;
  return client.forwarded;
}
