import { connect } from "node:net";
import { type Duration, formatDuration } from "../core/time/time.ts";

export interface TcpResult {
  readonly accepted: boolean;
  /** In words: "127.0.0.1:9001 accepts connections", "nothing listens at 127.0.0.1:9001". */
  readonly what: string;
  readonly tookMs: Duration;
}

/** Whether something accepts a connection at `host:port` (`[::1]:80` for IPv6). Closes it at once; never throws. */
export function tryTcp(address: string, timeoutMs: Duration, signal?: AbortSignal): Promise<TcpResult> {
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(address);
    const settle = (accepted: boolean, what: string): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      socket?.destroy();
      resolve({ accepted, what, tookMs: Math.round((performance.now() - startedAt) * 10) / 10 });
    };
    const abort = (): void => settle(false, "stopped before a connection was made");
    const timer = setTimeout(
      () => settle(false, `${address} accepted no connection within ${formatDuration(timeoutMs)}`),
      timeoutMs,
    );
    let socket: ReturnType<typeof connect> | undefined;
    if (signal?.aborted === true) return abort();
    if (match === null || Number(match[3]) > 65_535) return settle(false, `"${address}" is not host:port`);
    signal?.addEventListener("abort", abort, { once: true });
    socket = connect({ host: match[1] ?? match[2] ?? "", port: Number(match[3]) });
    socket.once("connect", () => settle(true, `${address} accepts connections`));
    socket.once("error", (error: NodeJS.ErrnoException) =>
      settle(
        false,
        error.code === "ECONNREFUSED"
          ? `nothing listens at ${address}`
          : error.code === "ENOTFOUND"
            ? `the name in ${address} is not known`
            : `${address} can't be reached: ${error.message}`,
      ),
    );
  });
}
