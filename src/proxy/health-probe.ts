import { connect } from "node:net";
import type { TableHealth } from "../core/traffic/routing.ts";
import { http } from "../local/node-http.ts";
import type { LiveEndpoint } from "./live-endpoint.ts";

/** Between two looks at an instance that gets nothing before it has been seen ready. */
const UNPROVEN_MS = 250;

/** For services without a health route: something must accept connections there. */
const ACCEPTS: TableHealth = { path: "", everyMs: 2_000, timeoutMs: 1_000, rise: 1, fall: 3 };

/**
 * Asks an instance again and again whether it is ready, with weight or without. The first good answer is enough, because
 * the engine has seen it ready before it came into the table; after it was down, `rise` in a row are needed.
 * Answers what stops it.
 */
export function probe(endpoint: LiveEndpoint, health: TableHealth | undefined): () => void {
  const { path, everyMs, timeoutMs, rise, fall } = health ?? ACCEPTS;
  let inARow = 0;
  let wasGood = true;
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;

  const look = async (): Promise<void> => {
    const isGood = await (path === "" ? accepts(endpoint, timeoutMs) : answersWell(endpoint, path, timeoutMs));
    if (isStopped) return;
    inARow = isGood === wasGood ? inARow + 1 : 1;
    wasGood = isGood;
    if (isGood && (endpoint.health === "unknown" || inARow >= rise)) endpoint.setHealth("up");
    if (!isGood && inARow >= fall) endpoint.setHealth("down");
    timer = setTimeout(() => void look(), endpoint.isUnproven ? Math.min(everyMs, UNPROVEN_MS) : everyMs);
    timer.unref();
  };
  void look();
  return () => {
    isStopped = true;
    clearTimeout(timer);
  };
}

/** Whether it takes a connection. */
export function accepts({ host, port }: LiveEndpoint, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (isGood: boolean): void => {
      socket.destroy();
      resolve(isGood);
    };
    socket.setTimeout(timeoutMs, () => end(false));
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
  });
}

/** Ready is 2xx: a redirect leads elsewhere and says nothing of this instance. */
function answersWell({ host, port }: LiveEndpoint, path: string, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const outgoing = http().request({
      host,
      port,
      path,
      agent: false,
      headers: { "user-agent": "tidegate-health", connection: "close" },
      signal: AbortSignal.timeout(timeoutMs),
    });
    outgoing.once("response", (answer) => {
      const status = answer.statusCode ?? 0;
      answer.resume();
      outgoing.destroy();
      resolve(status >= 200 && status < 300);
    });
    outgoing.on("error", () => resolve(false));
    outgoing.end();
  });
}
