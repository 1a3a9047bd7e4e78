import type { ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Failure } from "./instance-connection.ts";

/**
 * An answer that is the plane's own, not the app's. Its code goes into the header `x-tidegate-error`, so that whoever
 * counts failures can tell the two apart.
 */
export interface PlaneRefusal {
  readonly status: number;
  readonly code: string;
  readonly text: string;
  /** The request can't be trusted to end where it seems to end: the connection is closed after the answer. */
  readonly closes?: true;
  readonly retryAfterSeconds?: number;
}

function malformed(code: string, text: string, status = 400): PlaneRefusal {
  return { status, code, text, closes: true };
}

export const REFUSALS = {
  badRequest: malformed("bad-request", "The request is not valid HTTP/1.1."),
  badTarget: malformed("bad-target", "The request's target is not valid."),
  badHost: malformed("bad-host", "The request needs exactly one valid Host, the same as in its target."),
  badFraming: malformed("bad-framing", "It is not clear where the request's body ends."),
  unknownCoding: malformed("unknown-transfer-coding", "The only transfer coding that is understood is chunked.", 501),
  headerTooLarge: malformed("header-too-large", "The request's header is too large or has too many lines.", 431),
  tooSlow: malformed("request-too-slow", "The request did not arrive in time.", 408),
  badVersion: malformed("unknown-version-of-http", "This version of HTTP is not spoken here.", 505),
  connectMethod: malformed("method-not-allowed", "CONNECT is not offered here.", 405),
  noRoute: { status: 404, code: "no-route", text: "No service takes this host and path." },
  noTable: { status: 503, code: "no-table", text: "No version has been given any traffic yet.", retryAfterSeconds: 1 },
  noInstance: {
    status: 503,
    code: "no-instance",
    text: "No instance of the service takes requests.",
    retryAfterSeconds: 1,
  },
  unknownVersion: { status: 503, code: "unknown-version", text: "The version that was asked for does not run here." },
  paused: { status: 503, code: "paused", text: "The service is being switched; try again.", retryAfterSeconds: 1 },
  connectFailed: { status: 502, code: "connect-failed", text: "No instance accepted a connection." },
  connectTimeout: { status: 504, code: "connect-timeout", text: "No instance accepted a connection in time." },
  answerCut: { status: 502, code: "answer-cut", text: "The instance closed the connection before it answered." },
  badAnswer: { status: 502, code: "bad-answer", text: "The instance's answer is not valid HTTP." },
  noAnswer: { status: 504, code: "no-answer", text: "The instance did not answer in time." },
} as const satisfies Record<string, PlaneRefusal>;

/** What a client gets who gets no answer of the app. */
export function refusalOf(failure: Failure): PlaneRefusal {
  switch (failure) {
    case "not-connected":
      return REFUSALS.connectFailed;
    case "connect-timeout":
      return REFUSALS.connectTimeout;
    case "cut":
      return REFUSALS.answerCut;
    case "bad-answer":
      return REFUSALS.badAnswer;
  }
}

/** Answers a request with a refusal. Nothing may have been sent before. `isLast`: the connection ends with it in any case. */
export function refuse(response: ServerResponse, refusal: PlaneRefusal, isLast = false): void {
  const headers = headersOf(refusal);
  if (refusal.closes || isLast) headers.push("Connection", "close");
  response.writeHead(refusal.status, headers);
  response.end(bodyOf(refusal));
}

/** The same where there is a bare connection and no ServerResponse: upgrades, CONNECT, unparsable requests. */
export function refuseOnSocket(socket: Duplex, refusal: PlaneRefusal): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const lines = [`HTTP/1.1 ${refusal.status} ${REASONS[refusal.status] ?? "Error"}`];
  const headers = headersOf(refusal);
  for (let i = 0; i < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`);
  lines.push("Connection: close", "", bodyOf(refusal));
  socket.end(lines.join("\r\n"), "latin1", () => socket.destroy());
}

const REASONS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  405: "Method Not Allowed",
  408: "Request Timeout",
  431: "Request Header Fields Too Large",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
};

function bodyOf(refusal: PlaneRefusal): string {
  return `${refusal.text}\n`;
}

function headersOf(refusal: PlaneRefusal): string[] {
  const headers = [
    "Content-Type",
    "text/plain; charset=utf-8",
    "Content-Length",
    String(Buffer.byteLength(bodyOf(refusal))),
    "Cache-Control",
    "no-store",
    "x-tidegate-error",
    refusal.code,
  ];
  if (refusal.retryAfterSeconds !== undefined) headers.push("Retry-After", String(refusal.retryAfterSeconds));
  return headers;
}

export function isRefusal(value: object): value is PlaneRefusal {
  return "code" in value;
}

/** What a client gets whose request the parser can't read. */
export function refusalOfParserError(code: string | undefined): PlaneRefusal {
  if (code === "HPE_HEADER_OVERFLOW") return REFUSALS.headerTooLarge;
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return REFUSALS.tooSlow;
  return REFUSALS.badRequest;
}
