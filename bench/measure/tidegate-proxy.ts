import { createEmbeddedTraffic } from "../../src/adapters/traffic/embedded.ts";
import { usualCounting } from "../../test/support/counting.ts";
import type { Backend, Endpoint, RoutingTable } from "../../src/core/traffic/routing.ts";
import { isAnswered } from "../../src/local/control-socket.ts";
import { createStateFolder, stateFolder } from "../../src/local/state-folder.ts";
import type { Traffic } from "../../src/ports/traffic.ts";
import { PROXY_SOCKET } from "../../src/proxy/protocol.ts";
import { setTimeout as delay } from "node:timers/promises";
import { startProgram, type StartedProgram } from "./started-program.ts";

const PROXY = new URL("../../src/proxy/main.ts", import.meta.url).pathname;
const STARTS_WITHIN_MS = 10_000;

export interface StartedProxy extends StartedProgram {
  readonly port: number;
  readonly traffic: Traffic;
  /** Puts the table with these changes in force and resolves when it is. */
  change(changes: Partial<RoutingTable>): Promise<void>;
}

/** The data plane in a process of its own, as the keeper starts it, with its state in `folder`. */
export async function startTidegateProxy(folder: string, nodeOptions: readonly string[] = []): Promise<StartedProxy> {
  const state = stateFolder(folder);
  createStateFolder(state);
  const started = startProgram(process.execPath, [...nodeOptions, PROXY, "--state", folder, "--listen", "127.0.0.1:0"]);
  const socket = state.socket(PROXY_SOCKET);
  const traffic = createEmbeddedTraffic({ folder: state, startProxy: () => Promise.reject(new Error("it runs")) });
  const endsAt = performance.now() + STARTS_WITHIN_MS;
  let port: number | undefined;
  while (port === undefined) {
    if (performance.now() > endsAt) throw new Error("The proxy does not start.");
    await delay(20);
    if (await isAnswered(socket)) port = (await traffic.read())?.listening[0]?.port;
  }
  let table = EMPTY_TABLE;
  return {
    ...started,
    port,
    traffic,
    async change(changes) {
      const { revision } = table;
      table = { ...table, ...changes, revision: revision + 1 };
      await traffic.write(table, revision);
    },
  };
}

export function backendOf(version: string, ...ports: readonly number[]): Backend {
  const instances = ports.map((port): Endpoint => ({
    id: `${version}-${port}`,
    service: "web",
    host: "127.0.0.1",
    port,
    draining: false,
  }));
  return { version, slot: "blue", instances };
}

export const EMPTY_TABLE: RoutingTable = {
  revision: 0,
  epoch: 1,
  app: "bench",
  environment: "bench",
  release: 1,
  offset: 4_711,
  stable: null,
  candidate: null,
  share: 0,
  routes: [{ path: "/", service: "web" }],
  sticky: { kind: "cookie", name: "tidegate" },
  pins: { header: "x-tidegate-version" },
  engineToken: "bench",
  health: {},
  lease: null,
  counting: usualCounting(1),
};
