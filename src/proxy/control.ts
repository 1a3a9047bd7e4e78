import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type ControlHandler, type ControlRequest, Refusal, serveControl } from "../local/control-socket.ts";
import { giveSockets, SOCKETS_PROTOCOL } from "../local/give-sockets.ts";
import { readTable, readTableWrite } from "./check-table.ts";
import { isFromSuccessor } from "./hand-over.ts";
import type { Plane } from "./plane.ts";
import { type FollowedTable, LEAVE_WITHIN } from "./protocol.ts";
import type { Succession } from "./succession.ts";

const MAX_PAUSE_MS = 60_000;
const MAX_DRAIN_MS = 24 * 3_600_000;

/** What answers on the control socket. */
export interface Served {
  readonly plane: Plane;
  readonly succession: Succession;
}

/** Serves the control API of protocol.ts on a unix socket; requests wait until there is something to serve. */
export async function openControl(path: string, served: Promise<Served>): Promise<Server> {
  const server = await serveControl(path, async (request) => {
    const { plane, succession } = await served;
    if (isFromSuccessor(request)) return ofSuccessor(request, plane, succession);
    if (succession.hasHappened && !isAboutThisProcess(request)) return succession.forward(request);
    return ofAnybody(plane)(request);
  });
  server.on("upgrade", ({ headers }: IncomingMessage, connection: Socket) => {
    if (headers.upgrade !== SOCKETS_PROTOCOL) connection.destroy();
    else void served.then(({ plane }) => giveSockets(connection, plane.sockets()));
  });
  return server;
}

/** What the process in charge asks the one that it takes over from. */
function ofSuccessor(request: ControlRequest, plane: Plane, succession: Succession): unknown {
  switch (`${request.method} ${request.path}`) {
    case "POST /hand-over":
      return succession.begin(text(request, "socket"), whole(request, "pid"));
    case "PUT /follow": {
      const { table, returnedAt } = request.body as FollowedTable;
      return plane.table.follow({ table: readTable(table), returnedAt });
    }
    case "POST /leave":
      plane.leave({ ...LEAVE_WITHIN, ...(request.body as object | undefined) });
      return {};
    case "POST /empty":
      return plane.empty(text(request, "version"), whole(request, "withinMs")).then((left) => ({ left }));
    case "GET /observations":
      succession.noteRead(sinceOf(request));
      return figures(request, plane);
    default:
      return ofAnybody(plane)(request);
  }
}

function isAboutThisProcess({ path }: ControlRequest): boolean {
  return path === "/metrics" || path.startsWith("/health/");
}

function ofAnybody(plane: Plane): ControlHandler {
  return async (request) => {
    const { method, path } = request;
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
        await plane.beginPause(Math.min(MAX_PAUSE_MS, whole(request, "forMs")), whole(request, "max"));
        return {};
      case "POST /resume":
        await plane.endPause();
        return {};
      case "GET /observations":
        return figures(request, plane);
      case "GET /past":
        return plane.past.between(moment(request, "from"), moment(request, "to"));
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

function figures(request: ControlRequest, plane: Plane): unknown {
  const earlier = request.query.getAll("earlier").map((each): [string, number] => {
    const colon = each.lastIndexOf(":");
    return [each.slice(0, colon), Number(each.slice(colon + 1)) || 0];
  });
  return plane.figures(sinceOf(request), new Map(earlier));
}

function sinceOf({ query }: ControlRequest): number {
  return Number(query.get("since") ?? 0) || 0;
}

function moment({ query }: ControlRequest, name: string): number {
  const at = Number(query.get(name) ?? Number.NaN);
  if (Number.isSafeInteger(at) && at >= 0) return at;
  throw new Refusal(422, { code: "bad-request", what: `${name} must be a moment, in milliseconds since 1970.` });
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
