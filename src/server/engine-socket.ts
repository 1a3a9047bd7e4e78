import type { Server } from "node:http";
import { FaultError } from "../core/fault.ts";
import type { Status } from "../core/status/status.ts";
import type { Engine, PatrolResult } from "../engine/api.ts";
import { callControl, type ControlHandler, Refusal, serveControl } from "../local/control-socket.ts";
import type { StateFolder } from "../local/state-folder.ts";
import { readiness } from "./health.ts";

/**
 * The engine that acts, for other processes of this machine: HTTP/1.1 with JSON over a unix socket of mode 0600.
 *
 * | request | answer |
 * |---|---|
 * | `GET /engine` | 200 EngineIdentity |
 * | `GET /status?release=N` | 200 `{ status }` · 404 `release-unknown` |
 * | `GET /releases` | 200 `{ releases }`, newest first |
 * | `GET /patrol` | 200 `{ results }`: the last look at every instance |
 * | `POST /poke` | 200: it looks at the open requests of the journal now |
 * | `GET /health/live`, `GET /health/ready` | 200 · 503 |
 *
 * What people ask goes through the journal, where it outlives a crash; the socket only says that there is something.
 */
export const ENGINE_SOCKET = "engine.sock";

/** Who acts. */
export interface EngineIdentity {
  readonly pid: number;
  /** `serve` stays; `foreground` ends with its release, or with the terminal that it was started in. */
  readonly kind: "serve" | "foreground";
  readonly epoch: number;
  readonly startedAtMs: number;
  readonly version: string;
}

/** Lets others reach the engine. Faults: socket-in-use. */
export function serveEngine(engine: Engine, identity: EngineIdentity, folder: StateFolder): Promise<Server> {
  return serveControl(folder.socket(ENGINE_SOCKET), engineApi(engine, identity));
}

export function engineApi(engine: Engine, identity: EngineIdentity): ControlHandler {
  return async ({ method, path, query }) => {
    switch (`${method} ${path}`) {
      case "GET /engine":
        return identity;
      case "GET /status":
        return { status: await statusOf(engine, query.get("release")) };
      case "GET /releases":
        return { releases: await engine.releases() };
      case "GET /patrol":
        return { results: engine.patrol() };
      case "POST /poke":
        engine.poke();
        return {};
      case "GET /health/live":
        return { live: true };
      case "GET /health/ready":
        return readiness(engine);
      default:
        throw new Refusal(404, { code: "route-unknown", what: `There is nothing at ${method} ${path}.` });
    }
  };
}

async function statusOf(engine: Engine, asked: string | null): Promise<Status> {
  const release = Number(asked);
  const status = Number.isSafeInteger(release) && release > 0 ? await engine.status(release) : null;
  if (status !== null) return status;
  throw new Refusal(404, { code: "release-unknown", what: `There is no release ${asked ?? ""}.`.replace(" .", ".") });
}

/** The other end: the engine that acts on a state folder, as another process reaches it. */
export interface RemoteEngine {
  readonly identity: EngineIdentity;
  /** null: there is no such release. Faults: unreachable, when it acts no more. */
  status(release: number): Promise<Status | null>;
  patrol(): Promise<readonly PatrolResult[]>;
  poke(): Promise<void>;
}

/** null: nobody answers. */
export async function reachEngine(folder: StateFolder): Promise<RemoteEngine | null> {
  const socket = folder.socket(ENGINE_SOCKET);
  try {
    const identity = await callControl<EngineIdentity>(socket, "/engine", { timeoutMs: 2_000 });
    return {
      identity,
      status: async (release) => {
        try {
          return (await callControl<{ status: Status }>(socket, `/status?release=${release}`)).status;
        } catch (error) {
          if (error instanceof FaultError && error.fault.code === "release-unknown") return null;
          throw error;
        }
      },
      patrol: async () => (await callControl<{ results: readonly PatrolResult[] }>(socket, "/patrol")).results,
      poke: async () => void (await callControl(socket, "/poke", { method: "POST" })),
    };
  } catch (error) {
    if (error instanceof FaultError && error.fault.code === "unreachable") return null;
    throw error;
  }
}
