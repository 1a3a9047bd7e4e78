import type { ClientRequest, IncomingMessage, RequestOptions } from "node:http";
import { isIP, type LookupFunction } from "node:net";
import { type Duration, formatDuration } from "../core/time/time.ts";
import { http, https } from "./node-http.ts";
import { tlsTrouble } from "./tls-trouble.ts";

/** One request on a connection of its own. Redirects are answers like any other. */
export interface Exchange {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** For all of it, from the connection to the last byte of the answer. */
  readonly timeoutMs: Duration;
  /** How much of the answer's body is kept. */
  readonly keepBytes: number;
  /** With a longer body: be content with what is kept, or read on to see that it ends. */
  readonly beyond: "stop" | "discard";
  /** Looked at as the body comes: no more of it is needed. For answers that never end. */
  readonly isEnough?: (answer: { readonly headers: Headers; readonly body: Buffer }) => boolean;
  readonly signal?: AbortSignal;
  /** Accepts any certificate. */
  readonly insecureTls?: boolean;
  /** PEM; replaces the authorities that the machine trusts. */
  readonly authority?: string;
  readonly lookup?: LookupFunction;
}

export type ExchangeResult =
  | {
      readonly answered: true;
      readonly status: number;
      readonly headers: Headers;
      readonly cookies: readonly string[];
      readonly body: Buffer;
      /** The body is longer than what was kept of it. */
      readonly longer: boolean;
      readonly tookMs: Duration;
    }
  | {
      readonly answered: false;
      readonly reason: "unreachable" | "time-out" | "cut" | "aborted" | "malformed";
      /** In words, a sentence without its full stop: "nothing listens at 127.0.0.1:9001". */
      readonly what: string;
      /** There was a connection, so what was asked may have been done all the same. */
      readonly mayHaveArrived: boolean;
      readonly tookMs: Duration;
    };

/** By lower-case name; of several with one name, joined by commas. */
export type Headers = Readonly<Record<string, string>>;

/** Asks, and tells what came. Never throws and keeps no more than asked, whatever the other side does. */
export function exchange(order: Exchange): Promise<ExchangeResult> {
  const startedAt = performance.now();
  const tookMs = (): Duration => Math.round((performance.now() - startedAt) * 10) / 10;
  return new Promise((resolve) => {
    let outgoing: ClientRequest | undefined;
    let answer: Reading | undefined;
    let mayHaveArrived = false;

    const settle = (result: ExchangeResult): void => {
      clearTimeout(timer);
      order.signal?.removeEventListener("abort", abort);
      outgoing?.destroy();
      resolve(result);
    };
    const fail = (reason: Failure["reason"], what: string): void =>
      settle({ answered: false, reason, what, mayHaveArrived, tookMs: tookMs() });
    const abort = (): void => fail("aborted", "stopped before the answer came");
    const timer = setTimeout(
      () =>
        fail(
          "time-out",
          `${answer === undefined ? "no answer" : "no end of the answer"} within ${formatDuration(order.timeoutMs)}`,
        ),
      order.timeoutMs,
    );
    const done = (reading: Reading): void => settle({ answered: true, ...reading.taken(), tookMs: tookMs() });

    if (order.signal?.aborted === true) return abort();
    order.signal?.addEventListener("abort", abort, { once: true });
    try {
      const url = new URL(order.url);
      outgoing = (url.protocol === "https:" ? https() : http()).request(url, optionsOf(order, url));
      outgoing.once("socket", (socket) => {
        socket.once(url.protocol === "https:" ? "secureConnect" : "connect", () => (mayHaveArrived = true));
      });
      outgoing.once("response", (incoming) => {
        answer = read(incoming, order, done, (what) => fail("cut", what));
      });
      outgoing.once("upgrade", (incoming, socket) => {
        socket.destroy();
        done(new Reading(incoming, 0));
      });
      outgoing.on("error", (error: NodeJS.ErrnoException) => {
        // Once an answer comes, its own end says how it went: a server may answer early and close the way in.
        if (answer === undefined) fail(...explain(error, url));
      });
      outgoing.end(order.body);
    } catch (error) {
      // A character that no header or address may hold; the message names the header, never its value.
      fail("malformed", `the request can't be sent: ${error instanceof Error ? error.message : String(error)}`);
    }
  });
}

type Failure = Extract<ExchangeResult, { readonly answered: false }>;

function optionsOf(
  order: Exchange,
  url: URL,
): RequestOptions & { servername?: string; ca?: string; rejectUnauthorized?: boolean } {
  const named =
    order.headers === undefined
      ? undefined
      : Object.entries(order.headers).find(([name]) => name.toLowerCase() === "host")?.[1];
  const name = (named ?? url.hostname).replace(/:\d+$/, "");
  return {
    agent: false,
    method: order.method ?? "GET",
    headers: { ...order.headers },
    insecureHTTPParser: false,
    ...(order.lookup === undefined ? {} : { lookup: order.lookup }),
    ...(url.protocol === "https:"
      ? {
          rejectUnauthorized: order.insecureTls !== true,
          ...(order.authority === undefined ? {} : { ca: order.authority }),
          ...(isIP(name.replace(/^\[|\]$/g, "")) === 0 ? { servername: name } : {}),
        }
      : {}),
  };
}

/** What has come of an answer so far. */
class Reading {
  readonly #incoming: IncomingMessage;
  readonly #keep: number;
  #kept: Buffer[] = [];
  #size = 0;
  #longer = false;

  constructor(incoming: IncomingMessage, keep: number) {
    this.#incoming = incoming;
    this.#keep = keep;
  }

  add(chunk: Buffer): { readonly longer: boolean } {
    const part = chunk.subarray(0, this.#keep - this.#size);
    if (part.length > 0) this.#kept.push(part);
    this.#size += part.length;
    this.#longer ||= part.length < chunk.length;
    return { longer: this.#longer };
  }

  body(): Buffer {
    // Joined once, so that an answer that comes byte by byte costs no more than one that comes at once.
    if (this.#kept.length > 1) this.#kept = [Buffer.concat(this.#kept)];
    return this.#kept[0] ?? Buffer.alloc(0);
  }

  headers(): Headers {
    return Object.fromEntries(
      Object.entries(this.#incoming.headers).map(([name, value]) => [
        name,
        Array.isArray(value) ? value.join(", ") : (value ?? ""),
      ]),
    );
  }

  taken(): Omit<Extract<ExchangeResult, { readonly answered: true }>, "answered" | "tookMs"> {
    return {
      status: this.#incoming.statusCode ?? 0,
      headers: this.headers(),
      cookies: this.#incoming.headers["set-cookie"] ?? [],
      body: this.body(),
      longer: this.#longer,
    };
  }
}

function read(
  incoming: IncomingMessage,
  order: Exchange,
  done: (reading: Reading) => void,
  cut: (what: string) => void,
): Reading {
  const reading = new Reading(incoming, order.keepBytes);
  const isEnough = (): boolean => order.isEnough?.({ headers: reading.headers(), body: reading.body() }) === true;
  let received = 0;
  incoming.on("data", (chunk: Buffer) => {
    received += chunk.length;
    const { longer } = reading.add(chunk);
    if ((longer && order.beyond === "stop") || isEnough()) done(reading);
  });
  incoming.once("end", () => done(reading));
  incoming.once("error", () => undefined);
  incoming.once("close", () => {
    if (!incoming.complete) cut(`the answer (${incoming.statusCode ?? 0}) was cut after ${received} bytes of its body`);
  });
  if (isEnough()) done(reading);
  return reading;
}

const UNREACHABLE: Readonly<Record<string, (host: string) => string>> = {
  ECONNREFUSED: (host) => `nothing listens at ${host}`,
  ENOTFOUND: (host) => `the name ${host} is not known`,
  EAI_AGAIN: (host) => `the name ${host} can't be looked up now`,
  EHOSTUNREACH: (host) => `${host} can't be reached`,
  ENETUNREACH: (host) => `${host} can't be reached: no network leads there`,
  ETIMEDOUT: (host) => `${host} did not accept the connection`,
};

function explain(error: NodeJS.ErrnoException, url: URL): [Failure["reason"], string] {
  const code = error.code ?? "";
  const known = UNREACHABLE[code];
  if (known !== undefined) return ["unreachable", known(url.host)];
  if (code === "ECONNRESET" || code === "EPIPE") return ["cut", `${url.host} closed the connection without an answer`];
  if (code === "HPE_HEADER_OVERFLOW") return ["malformed", `${url.host} sent more than 16 KiB of headers`];
  if (code.startsWith("HPE_")) return ["malformed", `${url.host} did not answer in HTTP: ${error.message}`];
  if (url.protocol === "https:")
    return ["unreachable", `no TLS connection to ${url.host}: ${tlsTrouble(error.message)}`];
  return ["unreachable", `${url.host} can't be asked: ${error.message}`];
}
