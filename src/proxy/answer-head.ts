import type { RawHead } from "./answer-parser.ts";
import { isPubliclyCacheable } from "./cohort.ts";
import { answerHeaderKind, nominatedBy } from "./header-names.ts";

/** An answer's head, made ready for the client. */
export interface AnswerHead {
  readonly status: number;
  readonly message: string;
  /** Name, value, name, value …, without the length. */
  readonly headers: string[];
  /** null: nobody said how long the body is. */
  readonly length: number | null;
  readonly isChunked: boolean;
  readonly isEventStream: boolean;
  /** No cookie may go into it. */
  readonly isForSharedCaches: boolean;
  /** Whether the instance keeps the connection. */
  readonly keepsAlive: boolean;
  /** The instance's own words on how long it keeps an idle connection; empty: none. */
  readonly keepAlive: string;
}

/** Reads an instance's answer; null: it can't be told where it ends, or it can't be passed on. */
export function readAnswerHead(raw: RawHead, mayHaveTrailers: boolean): AnswerHead | null {
  const { status, message, minor, rawHeaders } = raw;
  const headers: string[] = [];
  let length: number | null = null;
  let isChunked = false;
  let trailer: string | null = null;
  let isEventStream = false;
  let cacheControl = "";
  let expires = "";
  let keepAlive = "";
  let connection = "";
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    const value = rawHeaders[i + 1] as string;
    switch (answerHeaderKind(name)) {
      case "hop":
      case "own":
        continue;
      case "connection":
        connection = connection === "" ? value : `${connection}, ${value}`;
        continue;
      case "coding":
        if (isChunked || value.toLowerCase() !== "chunked") return null;
        isChunked = true;
        continue;
      case "keep-alive":
        keepAlive = value;
        continue;
      case "length":
        if (length !== null || !/^\d{1,15}$/.test(value)) return null;
        length = Number(value);
        continue;
      case "trailer":
        trailer = value;
        continue;
      case "cache-control":
        cacheControl = cacheControl === "" ? value : `${cacheControl}, ${value}`;
        break;
      case "expires":
        expires = value;
        break;
      case "content-type":
        isEventStream = value.startsWith("text/event-stream");
        break;
      case "end-to-end":
        break;
    }
    headers.push(name, value);
  }
  if (isChunked && (length !== null || minor === 0)) return null;
  if (trailer !== null && isChunked && mayHaveTrailers) headers.push("Trailer", trailer);
  const nominated = nominatedBy(connection);
  return {
    status,
    message,
    headers: nominated === null ? headers : without(headers, nominated),
    length,
    isChunked,
    isEventStream,
    isForSharedCaches: (cacheControl !== "" || expires !== "") && isPubliclyCacheable(cacheControl, expires),
    keepsAlive: keepsAlive(minor, connection),
    keepAlive,
  };
}

function keepsAlive(minor: number, connection: string): boolean {
  if (connection === "") return minor === 1;
  return minor === 1 ? !/\bclose\b/i.test(connection) : /\bkeep-alive\b/i.test(connection);
}

function without(headers: readonly string[], names: ReadonlySet<string>): string[] {
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    if (!names.has(name.toLowerCase())) kept.push(name, headers[i + 1] as string);
  }
  return kept;
}
