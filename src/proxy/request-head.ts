import type { IncomingMessage } from "node:http";
import { type Client, forwardedElement } from "./client.ts";
import { nominatedBy, requestHeaderKind } from "./header-names.ts";
import { newRequestId, newTraceparent } from "./random-ids.ts";
import { type PlaneRefusal, REFUSALS } from "./refusal.ts";

/** Lines that a request's header may have; the parser keeps one more, so that it is seen when there are too many. */
export const MAX_HEADER_LINES = 100;

/** What a request asks for, checked and made ready for an instance. */
export interface RequestHead {
  readonly method: string;
  /** In origin form. */
  readonly path: string;
  /** For choosing a route: lower case, without port. */
  readonly routeHost: string;
  /** Name, value, name, value …; goes to the instance as it is. */
  readonly headers: string[];
  readonly hasBody: boolean;
  /** The visitor's own scheme, as far as it is known here. */
  readonly isSecure: boolean;
}

/**
 * Reads a request's head: refuses what two parsers could understand differently (request smuggling), drops what belongs
 * to the client's own connection, adds what the instance should know of the client.
 */
export function readRequestHead(
  request: IncomingMessage,
  client: Client,
  pinHeader: string,
): RequestHead | PlaneRefusal {
  const { rawHeaders: raw, headers: parsed } = request;
  if (request.httpVersionMajor !== 1 || request.httpVersionMinor > 1) return REFUSALS.badVersion;
  if (raw.length > 2 * MAX_HEADER_LINES) return REFUSALS.headerTooLarge;

  const target = readTarget(request, parsed.host);
  if ("code" in target) return target;

  const coding = parsed["transfer-encoding"];
  const length = parsed["content-length"];
  if (coding !== undefined) {
    // HTTP/1.0 knows no transfer coding: some parser before us may have ignored it and read on.
    if (length !== undefined || request.httpVersionMinor === 0) return REFUSALS.badFraming;
    if (coding.toLowerCase() !== "chunked") return REFUSALS.unknownCoding;
  }

  const nominated = nominatedBy(parsed.connection);
  const headers: string[] = [];
  let hosts = 0;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string;
    switch (requestHeaderKind(name)) {
      case "end-to-end":
        if (nominated !== null && nominated.has(name.toLowerCase())) break;
        if (pinHeader !== "" && name.length === pinHeader.length && name.toLowerCase() === pinHeader) break;
        headers.push(name, raw[i + 1] as string);
        break;
      case "host":
        hosts += 1;
        break;
      case "trailer":
        // Only a chunked body can have trailers; announcing them elsewhere is a contradiction.
        if (coding !== undefined) headers.push(name, raw[i + 1] as string);
        break;
      case "expect":
        if (request.httpVersionMinor !== 0) headers.push(name, raw[i + 1] as string);
        break;
      case "hop":
      case "own":
      case "coding":
      case "length":
        break;
    }
  }
  if (hosts > 1) return REFUSALS.badHost;
  const host = target.host === "" ? client.localHost : target.host;
  headers.push("Host", host);
  if (asksForTrailers(parsed.te)) headers.push("TE", "trailers");

  const proto = addForwarding(headers, request, client, host);
  const method = request.method ?? "GET";
  const hasBody = coding !== undefined || (length !== undefined && length !== "0");
  if (coding !== undefined) headers.push("Transfer-Encoding", "chunked");
  else if (length !== undefined) headers.push("Content-Length", length);
  else if (expectsLength(method)) headers.push("Content-Length", "0");
  return { method, path: target.path, routeHost: target.routeHost, headers, hasBody, isSecure: proto === "https" };
}

/** Request line and headers as they go to an instance, one byte a character. */
export function headText({ method, path, headers }: RequestHead): string {
  let text = `${method} ${path} HTTP/1.1\r\n`;
  for (let i = 0; i < headers.length; i += 2) text += `${headers[i]}: ${headers[i + 1]}\r\n`;
  return `${text}Connection: keep-alive\r\n\r\n`;
}

function asksForTrailers(te: string | string[] | undefined): boolean {
  return typeof te === "string" && te.toLowerCase().includes("trailers");
}

/** A server may wait for a body of these, or refuse them without a word on its length. */
function expectsLength(method: string): boolean {
  switch (method) {
    case "GET":
    case "HEAD":
    case "DELETE":
    case "OPTIONS":
    case "TRACE":
      return false;
    default:
      return true;
  }
}

/** Who asked, how, for what; and one name for the request through all logs. Answers the visitor's own scheme. */
function addForwarding(headers: string[], request: IncomingMessage, client: Client, host: string): string {
  const parsed = request.headers;
  const own = client.isTls ? "https" : "http";
  let from = client.address;
  let proto = own;
  let forwardedHost = host;
  let forwarded: string | undefined;
  if (client.isTrusted) {
    const before = parsed["x-forwarded-for"] as string | undefined;
    if (before !== undefined) from = `${before}, ${from}`;
    proto = (parsed["x-forwarded-proto"] as string | undefined) ?? own;
    forwardedHost = (parsed["x-forwarded-host"] as string | undefined) ?? host;
    forwarded = parsed.forwarded;
  }
  const element = forwardedElement(client, host, forwarded === undefined ? proto : own);
  headers.push(
    "X-Forwarded-For",
    from,
    "X-Forwarded-Proto",
    proto,
    "X-Forwarded-Host",
    forwardedHost,
    "Forwarded",
    forwarded === undefined ? element : `${forwarded}, ${element}`,
  );

  const id = parsed["x-request-id"];
  headers.push("X-Request-Id", typeof id === "string" && isRequestId(id) ? id : newRequestId());
  const trace = parsed.traceparent;
  headers.push("traceparent", typeof trace === "string" && isTraceparent(trace) ? trace : newTraceparent());
  return proto;
}

function isRequestId(id: string): boolean {
  return id.length <= 200 && /^[\x21-\x7e]+$/.test(id);
}

/** W3C Trace Context: a later version may have more fields after the four that are known. */
function isTraceparent(value: string): boolean {
  return /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/.test(value);
}

interface Target {
  readonly path: string;
  /** As the instance gets it. */
  readonly host: string;
  readonly routeHost: string;
}

function readTarget(request: IncomingMessage, hostHeader: string | undefined): Target | PlaneRefusal {
  const url = request.url ?? "";
  if (url.charCodeAt(0) === 47 /* "/" */) {
    if (url.includes("#")) return REFUSALS.badTarget;
    return withHost(url, hostHeader ?? "");
  }
  if (url === "*") return request.method === "OPTIONS" ? withHost(url, hostHeader ?? "") : REFUSALS.badTarget;
  // Absolute form: every server must take it (RFC 9112, 3.2.2), but two names for one host are a trap.
  const absolute = /^https?:\/\/([^/?#]+)(\/[^#]*)?$/i.exec(url);
  if (absolute === null) return REFUSALS.badTarget;
  const [, authority = "", path = "/"] = absolute;
  if (hostHeader !== undefined && hostHeader.toLowerCase() !== authority.toLowerCase()) return REFUSALS.badHost;
  return withHost(path, authority);
}

function withHost(path: string, host: string): Target | PlaneRefusal {
  const routeHost = routeHostOf(host);
  return routeHost === null ? REFUSALS.badHost : { path, host, routeHost };
}

const routeHosts = new Map<string, string | null>();

/** `Shop.example.com:8080` → `shop.example.com`; null: not a host. Remembered, bounded: few names come again and again. */
function routeHostOf(host: string): string | null {
  const known = routeHosts.get(host);
  if (known !== undefined) return known;
  const match = /^(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._~-]*)(?::\d{1,5})?$/.exec(host);
  const name = match === null ? null : (match[1] ?? "").toLowerCase().replace(/\.$/, "");
  if (routeHosts.size >= 1_000) routeHosts.clear();
  routeHosts.set(host, name);
  return name;
}

/** Methods that may be carried out twice without harm (RFC 9110, 9.2.2). */
export function isIdempotent(method: string): boolean {
  switch (method) {
    case "GET":
    case "HEAD":
    case "OPTIONS":
    case "TRACE":
    case "PUT":
    case "DELETE":
      return true;
    default:
      return false;
  }
}
