import type { Duration, Instant } from "../core/time/time.ts";
import type { ControlRequest } from "../local/control-socket.ts";
import { SUCCESSOR_HEADER } from "./protocol.ts";
import type { InheritedTable } from "./table-in-force.ts";

/** What a process tells the one that takes over from it, in one line. */
export interface HandOver {
  readonly proxy: string;
  readonly pid: number;
  readonly startedAt: Instant;
  readonly table: InheritedTable;
  /** Up to this second, of its own clock, it has written down what it counted. Absent: it is of an older Tidegate, which writes nothing. */
  readonly pastTo?: number;
  /** Instances that its probes find down. */
  readonly down: readonly string[];
  readonly patience: readonly (readonly [route: string, limit: Duration])[];
  readonly pause: { readonly forMs: Duration; readonly max: number } | null;
}

/** Each process's own control socket, which it keeps when another one is in charge. */
export function ownSocketName(): string {
  return `proxy-${String(process.pid).padStart(7, "0")}.sock`;
}

/** Names of such sockets. */
export const OWN_SOCKET = /^proxy-\d{7}\.sock$/;

export function isFromSuccessor({ headers }: ControlRequest): boolean {
  return headers[SUCCESSOR_HEADER] !== undefined;
}
