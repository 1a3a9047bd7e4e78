import { type Agent, type IncomingMessage, request } from "node:http";
import { judgeAnswer, judgeError, originOf } from "./judge-answer.ts";
import { type Failure, NUMBER_HEADER, type Outcome } from "./outcome.ts";

/** Whoever waits longer than this for the whole answer has gone. */
export const PATIENCE_MS = 3_000;

export interface Order {
  readonly number: number;
  readonly visitor: number;
  readonly url: URL;
  readonly method: "GET" | "POST";
  readonly path: string;
  /** What it is called in reports: the path without its ids. */
  readonly what: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body?: string;
  /** Absent: a connection of its own. */
  readonly agent?: Agent;
  /** Sees the answer's headers as soon as they are here. */
  readonly onHead?: (headers: IncomingMessage["headers"]) => void;
}

/** One request over the network. Never rejects: whatever happens is an outcome. */
export function exchange(order: Order): Promise<Outcome> {
  return new Promise((resolve) => {
    const sentAt = Date.now();
    const began = performance.now();
    let answer: IncomingMessage | undefined;
    let tooLate = false;

    const outgoing = request({
      host: order.url.hostname,
      port: order.url.port,
      method: order.method,
      path: order.path,
      agent: order.agent ?? false,
      headers: {
        host: order.url.host,
        ...order.headers,
        [NUMBER_HEADER]: order.number,
        ...(order.body === undefined
          ? {}
          : { "content-type": "application/json", "content-length": Buffer.byteLength(order.body) }),
      },
    });
    const timer = setTimeout(() => {
      // If it was this process that slept, the answer may lie here unread: look before blaming anybody.
      setImmediate(() => {
        tooLate = true;
        outgoing.destroy();
      });
    }, PATIENCE_MS);

    const settle = (ending: Pick<Outcome, "verdict" | "status" | "detail" | "body">): void => {
      clearTimeout(timer);
      resolve({
        number: order.number,
        visitor: order.visitor,
        what: order.what,
        sentAt,
        tookMs: performance.now() - began,
        ...(answer === undefined ? {} : originOf(answer.headers)),
        ...ending,
      });
    };
    const fail = (verdict: Failure, detail: string): void =>
      settle(
        tooLate ? { verdict: "timeout", detail: `no whole answer within ${PATIENCE_MS} ms` } : { verdict, detail },
      );

    outgoing.once("error", (error: NodeJS.ErrnoException) => {
      if (answer === undefined) fail(judgeError(error), error.message);
    });
    outgoing.once("close", () => {
      if (answer === undefined) fail("reset", "the connection ended without an answer");
    });
    outgoing.once("response", (incoming) => {
      answer = incoming;
      order.onHead?.(incoming.headers);
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("error", () => undefined);
      incoming.once("close", () => {
        const status = incoming.statusCode ?? 0;
        // Not complete: a length that was promised, or a last chunk, never came.
        if (!incoming.complete) return fail("truncated", `the answer ${status} was cut off`);
        const body = Buffer.concat(chunks).toString("utf8");
        const verdict = judgeAnswer(order.number, status, incoming.headers);
        if (verdict === "ok" && !isWhatItSays(incoming.headers, body)) return fail("garbled", body.slice(0, 120));
        settle({ verdict, status, body, ...(verdict === "ok" ? {} : { detail: `${status} ${body.slice(0, 120)}` }) });
      });
    });
    outgoing.end(order.body);
  });
}

/** JSON that can't be read was not what the app sent. */
function isWhatItSays(headers: IncomingMessage["headers"], body: string): boolean {
  if (headers["content-type"] !== "application/json") return true;
  try {
    JSON.parse(body);
    return true;
  } catch {
    return false;
  }
}
