import type { Server } from "node:http";
import { isIP } from "node:net";
import { FaultError, faultOf } from "../core/fault.ts";
import type { Engine } from "../engine/api.ts";
import { Refusal } from "../local/control-socket.ts";
import { http } from "../local/node-http.ts";

/** How long the journal may take to answer before the engine counts as not ready. */
const ANSWER_MS = 2_000;

/** Whether the engine can do its work: it acts, and its journal answers. Throws a Refusal with 503. */
export async function readiness(
  engine: Pick<Engine, "epoch" | "releases">,
): Promise<{ readonly ready: true; readonly epoch: number }> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`no answer within ${ANSWER_MS} ms`)), ANSWER_MS);
  try {
    await Promise.race([engine.releases(), late.promise]);
    return { ready: true, epoch: engine.epoch };
  } catch (error) {
    throw new Refusal(503, faultOf(error, "journal-unavailable", "The journal does not answer."));
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Tidegate's own health for monitors: `GET /health/live` and `GET /health/ready`, and nothing else, on an address of
 * this machine. Faults: usage, port-taken.
 */
export async function serveHealth(listen: string, engine: Pick<Engine, "epoch" | "releases">): Promise<Server> {
  const { host, port } = loopbackAddress(listen);
  const server = http().createServer((incoming, response) => {
    const send = (status: number, body: unknown): void => {
      response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
      response.end(`${JSON.stringify(body)}\n`);
    };
    const path = (incoming.url ?? "/").split("?")[0];
    const isRead = incoming.method === "GET" || incoming.method === "HEAD";
    if (isRead && path === "/health/live") return send(200, { live: true });
    if (!isRead || path !== "/health/ready")
      return send(404, { fault: { code: "route-unknown", what: "There is nothing here." } });
    readiness(engine).then(
      (ready) => send(200, ready),
      (error: unknown) => send(503, { ready: false, fault: faultOf(error, "not-ready", "The engine is not ready.") }),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(cannotListen(listen, error)));
    server.listen(port, host, resolve);
  });
  return server;
}

function loopbackAddress(listen: string): { readonly host: string; readonly port: number } {
  const match = /^(?:(?:\[([^\]]+)\]|([^:]+)):)?(\d{1,5})$/.exec(listen);
  const host = match?.[1] ?? match?.[2] ?? "127.0.0.1";
  const port = Number(match?.[3] ?? Number.NaN);
  const isLoopback = host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
  if (port <= 65_535 && isLoopback) return { host, port };
  throw new FaultError({
    code: "usage",
    what: `"${listen}" is not an address of this machine alone.`,
    fix: "give a port of the loopback interface: --listen 127.0.0.1:9400",
  });
}

function cannotListen(listen: string, error: NodeJS.ErrnoException): FaultError {
  return error.code === "EADDRINUSE"
    ? new FaultError({
        code: "port-taken",
        what: `Somebody else listens on ${listen}.`,
        fix: "give another port to --listen",
      })
    : new FaultError({ code: "address-not-here", what: `Nobody can listen on ${listen} here.`, cause: error.message });
}
