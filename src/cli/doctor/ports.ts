import { withoutFullStop } from "../../core/text/plain-text.ts";
import { lookup } from "node:dns/promises";
import { createServer, isIP } from "node:net";
import type { Plan } from "../../core/plan/plan.ts";
import type { TrafficState } from "../../core/traffic/routing.ts";
import { listeningRefused } from "../../local/listening-refused.ts";
import { type Finding, found } from "./finding.ts";

/**
 * Whether the data plane has, or can get, each address on which the plan listens; if not, who has it. `ofSystemd`: ports
 * that systemd holds for the keeper.
 */
export async function lookAtPorts(
  plan: Plan,
  plane: TrafficState | null,
  ofSystemd: readonly number[],
): Promise<readonly Finding[]> {
  // Another's load balancer opens its own.
  if (!plan.services.some(({ routes }) => routes.length > 0) || plan.traffic.kind === "haproxy") return [];
  return Promise.all(plan.traffic.listen.map(({ host, port }) => lookAtPort(host, port, plane, ofSystemd)));
}

async function lookAtPort(
  host: string,
  port: number,
  plane: TrafficState | null,
  ofSystemd: readonly number[],
): Promise<Finding> {
  const name = `port ${port}`;
  if (port === 0) return found("port", "ok", "a free one is taken when it starts");
  if (plane?.listening.some((own) => own.port === port) === true)
    return found(name, "ok", "Tidegate's own data plane listens there");
  if (ofSystemd.includes(port)) return found(name, "ok", "systemd holds it open, for the data plane");
  const code = await tryToListen(host, port);
  if (code === null) return found(name, "ok", `free on ${host}`);
  const address = isIP(host) === 0 ? (await lookup(host).catch(() => ({ address: host }))).address : host;
  const { what, cause, fix } = listeningRefused({ host, address, port }, code);
  return found(name, "bad", `${withoutFullStop(what)}${cause === undefined ? "" : `: ${cause}`}`, fix);
}

/** null: it can be had; else the error's code. The server is closed at once. */
function tryToListen(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}
