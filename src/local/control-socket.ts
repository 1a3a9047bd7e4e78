import { chmodSync, unlinkSync } from "node:fs";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { connect } from "node:net";
import { type Fault, FaultError, faultOf } from "../core/fault.ts";
import { http } from "./node-http.ts";

/** A refusal with its HTTP status: 409, 412, 422 … */
export class Refusal extends FaultError {
  readonly status: number;

  constructor(status: number, fault: Fault) {
    super(fault);
    this.status = status;
  }
}

export interface ControlRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  /** Parsed JSON; undefined without a body. */
  readonly body: unknown;
}

/** A value is sent as JSON with 200; a function writes the answer itself (streams, plain text). */
export type ControlAnswer = unknown;
export type RawAnswer = (response: ServerResponse, request: IncomingMessage) => void;
export type ControlHandler = (request: ControlRequest) => ControlAnswer;

const BODY_LIMIT = 8 * 1024 * 1024;

/**
 * JSON over HTTP on a unix socket that only its owner can open. Takes the place of a socket file that nobody answers;
 * faults with `socket-in-use` where somebody does.
 */
export async function serveControl(path: string, handle: ControlHandler): Promise<Server> {
  const server = http().createServer((incoming, response) => {
    answer(incoming, response, handle).catch(() => response.destroy());
  });
  if (await isAnswered(path)) {
    throw new FaultError({
      code: "socket-in-use",
      what: "Another process already answers on this control socket.",
      where: path,
    });
  }
  try {
    unlinkSync(path);
  } catch {
    // Nothing lay there.
  }
  const before = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, resolve);
    });
  } finally {
    process.umask(before);
  }
  chmodSync(path, 0o600);
  return server;
}

/** Whether somebody accepts connections there. */
export function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

async function answer(incoming: IncomingMessage, response: ServerResponse, handle: ControlHandler): Promise<void> {
  try {
    const url = new URL(incoming.url ?? "/", "http://control");
    const body = await readJson(incoming);
    const result: unknown = await handle({
      method: incoming.method ?? "GET",
      path: url.pathname,
      query: url.searchParams,
      headers: incoming.headers,
      body,
    });
    if (typeof result === "function") return (result as RawAnswer)(response, incoming);
    send(response, 200, result ?? {});
  } catch (error) {
    const status = error instanceof Refusal ? error.status : error instanceof FaultError ? 422 : 500;
    send(response, status, { fault: faultOf(error, "internal", "The request could not be carried out.") });
  }
}

function send(response: ServerResponse, status: number, value: unknown): void {
  const text = JSON.stringify(value);
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  response.end(text);
}

async function readJson(incoming: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming) {
    size += (chunk as Buffer).length;
    if (size > BODY_LIMIT)
      throw new Refusal(413, { code: "body-too-large", what: "The request is larger than 8 MiB." });
    chunks.push(chunk as Buffer);
  }
  if (size === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8")) as unknown;
  } catch {
    throw new Refusal(400, { code: "bad-json", what: "The request's body is not JSON." });
  }
}

export interface ControlCall {
  readonly method?: "GET" | "PUT" | "POST" | "DELETE";
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Asks a control socket. Throws FaultError: the other side's own fault, or `unreachable` when nobody answers in time. */
export async function callControl<T>(socketPath: string, path: string, call: ControlCall = {}): Promise<T> {
  const text = call.body === undefined ? undefined : JSON.stringify(call.body);
  const { status, body } = await new Promise<{ status: number; body: string }>((resolve, reject) => {
    const outgoing = http().request(
      {
        socketPath,
        path,
        method: call.method ?? "GET",
        agent: false,
        headers: {
          ...call.headers,
          ...(text === undefined
            ? {}
            : { "content-type": "application/json", "content-length": Buffer.byteLength(text) }),
        },
        ...(call.signal === undefined ? {} : { signal: call.signal }),
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
        incoming.once("end", () =>
          resolve({ status: incoming.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") }),
        );
        incoming.once("error", reject);
      },
    );
    outgoing.setTimeout(call.timeoutMs ?? 5_000, () =>
      outgoing.destroy(new Error(`no answer within ${call.timeoutMs ?? 5_000} ms`)),
    );
    outgoing.once("error", reject);
    outgoing.end(text);
  }).catch((error: unknown) => {
    throw new FaultError(
      {
        code: "unreachable",
        what: "Nobody answers on a control socket.",
        where: socketPath,
        cause: error instanceof Error ? error.message : String(error),
      },
      { cause: error },
    );
  });
  const value = JSON.parse(body === "" ? "{}" : body) as T & { fault?: Fault };
  if (status >= 400)
    throw new Refusal(
      status,
      value.fault ?? { code: "refused", what: `The request was refused with ${status}.`, where: socketPath },
    );
  return value;
}
