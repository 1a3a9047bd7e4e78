import { FaultError } from "../../core/fault.ts";
import type { PastTraffic } from "../../core/traffic/past-traffic.ts";
import type { RoutingTable, TrafficState } from "../../core/traffic/routing.ts";
import { callControl, type ControlCall } from "../../local/control-socket.ts";
import type { StateFolder } from "../../local/state-folder.ts";
import type { Traffic } from "../../ports/traffic.ts";
import { PROXY_SOCKET, type ProxyObservations, type TableWrite } from "../../proxy/protocol.ts";
import { embeddedFigures } from "./embedded-figures.ts";

export interface EmbeddedTrafficOptions {
  readonly folder: StateFolder;
  /** Has the keeper open the sockets and run the proxy; resolves when it answers. Faults: port-taken. */
  readonly startProxy: Traffic["ensure"];
  /** How long it may take to answer. */
  readonly answerMs?: number;
}

/** A plane that can't answer within this is as good as away. */
const ANSWER_MS = 5_000;

/** Tidegate's own proxy, asked over its control socket. */
export function createEmbeddedTraffic({ folder, startProxy, answerMs = ANSWER_MS }: EmbeddedTrafficOptions): Traffic {
  const call = async <T>(path: string, options: ControlCall = {}): Promise<T> => {
    try {
      return await callControl<T>(folder.socket(PROXY_SOCKET), path, { timeoutMs: answerMs, ...options });
    } catch (error) {
      if (error instanceof FaultError && error.fault.code === "unreachable") throw unreachable(error);
      throw error;
    }
  };
  return {
    ensure: startProxy,
    async claim(epoch) {
      await call("/claim", { method: "POST", body: { epoch } });
    },
    async read() {
      try {
        return await call<TrafficState>("/state");
      } catch (error) {
        // One that is there and does not answer has a table in force, unlike one that is not.
        if (isNobodyThere(error)) return null;
        throw error;
      }
    },
    write: (table: RoutingTable, ifRevision: number) => {
      const body: TableWrite = { ifRevision, table };
      return call<TrafficState>("/table", { method: "PUT", body, timeoutMs: ANSWER_MS + (table.pause?.forMs ?? 0) });
    },
    async renew(epoch) {
      await call("/renew", { method: "POST", body: { epoch } });
    },
    drain: (endpoint, deadlineMs) =>
      call("/drain", { method: "POST", body: { endpoint, deadlineMs }, timeoutMs: deadlineMs + answerMs }),
    past: (from, to) => call<PastTraffic>(`/past?from=${from}&to=${to}`),
    observations: embeddedFigures((query) => call<ProxyObservations>(`/observations?${query.toString()}`)),
  };
}

/** Nothing accepts on the socket: no process has it open. */
function isNobodyThere(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause) {
    if ("code" in each && (each.code === "ENOENT" || each.code === "ECONNREFUSED")) return true;
  }
  return false;
}

function unreachable(error: FaultError): FaultError {
  return new FaultError(
    {
      ...error.fault,
      code: "traffic-unreachable",
      what: "The data plane (Tidegate's proxy) does not answer.",
      fix: "tidegate doctor ; its own log is logs/proxy.log in the state folder",
    },
    { cause: error },
  );
}
