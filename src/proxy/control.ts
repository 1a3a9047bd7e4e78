import type { Server, ServerResponse } from "node:http";
import { type ControlHandler, type ControlRequest, Refusal, serveControl } from "../local/control-socket.ts";
import { readTableWrite } from "./check-table.ts";
import type { Plane } from "./plane.ts";

const MAX_PAUSE_MS = 60_000;
const MAX_DRAIN_MS = 24 * 3_600_000;

/** Serves the control API of protocol.ts on a unix socket. Faults: socket-in-use. */
export function openControl(path: string, plane: Plane): Promise<Server> {
  return serveControl(path, controlHandler(plane));
}

function controlHandler(plane: Plane): ControlHandler {
  return async (request) => {
    const { method, path, query } = request;
    switch (`${method} ${path}`) {
      case "GET /state":
        return plane.state();
      case "PUT /table":
        await plane.table.write(readTableWrite(request.body));
        return plane.state();
      case "POST /claim": {
        const epoch = whole(request, "epoch");
        await plane.table.claim(epoch);
        return { epoch };
      }
      case "POST /renew":
        await plane.table.renew(whole(request, "epoch"));
        return {};
      case "POST /drain":
        return plane.drain(text(request, "endpoint"), Math.min(MAX_DRAIN_MS, whole(request, "deadlineMs")));
      case "POST /pause":
        plane.pause.begin(Math.min(MAX_PAUSE_MS, whole(request, "forMs")), whole(request, "max"));
        return {};
      case "POST /resume":
        plane.pause.end();
        return {};
      case "GET /observations":
        return plane.observations.batch(Number(query.get("since") ?? 0) || 0);
      case "GET /metrics":
        return plain(200, plane.metrics(), "text/plain; version=0.0.4; charset=utf-8");
      case "GET /health/live":
        return plain(200, "live\n");
      case "GET /health/ready":
        return plane.isReady ? plain(200, "ready\n") : plain(503, "no table or no listener yet\n");
      default:
        throw new Refusal(404, { code: "no-such-request", what: `The proxy's control API has no ${method} ${path}.` });
    }
  };
}

function plain(status: number, body: string, type = "text/plain; charset=utf-8"): (response: ServerResponse) => void {
  return (response) => {
    response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(body) });
    response.end(body);
  };
}

function field({ body }: ControlRequest, name: string): unknown {
  return typeof body === "object" && body !== null ? (body as Record<string, unknown>)[name] : undefined;
}

function whole(request: ControlRequest, name: string): number {
  const value = field(request, name);
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw new Refusal(422, { code: "bad-request", what: `${name} must be a whole number.` });
}

function text(request: ControlRequest, name: string): string {
  const value = field(request, name);
  if (typeof value === "string") return value;
  throw new Refusal(422, { code: "bad-request", what: `${name} must be a string.` });
}
