import { createServer } from "node:net";
import type { Plan } from "../../core/plan.ts";
import type { TrafficState } from "../../core/routing.ts";
import { ownersOfPort, type SocketOwner } from "../../local/listening-sockets.ts";
import { type Finding, found } from "./finding.ts";

/** Whether the data plane has, or can get, each address on which the plan listens; if not, who has it. */
export async function lookAtPorts(plan: Plan, plane: TrafficState | null): Promise<readonly Finding[]> {
  if (!plan.services.some(({ routes }) => routes.length > 0)) return [];
  return Promise.all(plan.traffic.listen.map(({ host, port }) => lookAtPort(host, port, plane)));
}

async function lookAtPort(host: string, port: number, plane: TrafficState | null): Promise<Finding> {
  const name = `port ${port}`;
  if (port === 0) return found("port", "ok", "a free one is taken when it starts");
  if (plane?.listening.some((own) => own.port === port) === true)
    return found(name, "ok", "Tidegate's own data plane listens there");
  const refused = await tryToListen(host, port);
  if (refused === null) return found(name, "ok", `free on ${host}`);
  if (refused === "EACCES")
    return found(
      name,
      "bad",
      "this user may not listen on ports below 1024",
      'listen above 1023, or let Node: sudo setcap cap_net_bind_service=+ep "$(command -v node)"',
    );
  if (refused === "EADDRNOTAVAIL")
    return found(name, "bad", `${host} is no address of this machine`, "change `traffic.embedded` in the plan file");
  if (refused !== "EADDRINUSE") return found(name, "bad", `nobody can listen on ${host}:${port}: ${refused}`);
  const { owners } = ownersOfPort(host, port);
  return found(name, "bad", `taken by ${describe(owners)}`, takeOver(port));
}

/** null: it can be had. The server is closed at once. */
function tryToListen(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}

function describe(owners: readonly SocketOwner[]): string {
  const [first] = owners;
  return first === undefined ? "a process of another user" : `process ${first.pid}: ${first.command}`;
}

function takeOver(port: number): string {
  return [
    "if that is the app itself, let it go on behind Tidegate: start it on another port (say P), then",
    `tidegate release --adopt 127.0.0.1:P, and Tidegate takes port ${port}`,
    "if it is something else, give Tidegate another port: `traffic.embedded` in the plan file",
  ].join("\n");
}
