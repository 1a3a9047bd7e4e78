import type { IncomingMessage } from "node:http";
import { isPubliclyCacheable } from "./cohort.ts";
import { answerHeaderKind, nominatedBy } from "./header-names.ts";

/** An answer's head, made ready for the client. */
export interface AnswerHead {
  /** Name, value, name, value …, without the length. */
  readonly headers: string[];
  /** null: the body ends by chunk or by connection. */
  readonly length: string | null;
  readonly isEventStream: boolean;
  /** No cookie may go into it. */
  readonly isForSharedCaches: boolean;
  /** The instance's own words on how long it keeps an idle connection; empty: none. */
  readonly keepAlive: string;
}

/** Reads an instance's answer; null: its framing can't be passed on. */
export function readAnswerHead(answer: IncomingMessage, mayHaveTrailers: boolean): AnswerHead | null {
  const { rawHeaders: raw } = answer;
  const headers: string[] = [];
  let length: string | null = null;
  let isChunked = false;
  let trailer: string | null = null;
  let isEventStream = false;
  let cacheControl = "";
  let expires = "";
  let keepAlive = "";
  let nominated: ReadonlySet<string> | null = null;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string;
    const value = raw[i + 1] as string;
    switch (answerHeaderKind(name)) {
      case "hop":
      case "own":
        continue;
      case "connection":
        nominated = union(nominated, nominatedBy(value));
        continue;
      case "coding":
        if (value.toLowerCase() !== "chunked") return null;
        isChunked = true;
        continue;
      case "keep-alive":
        keepAlive = value;
        continue;
      case "length":
        length = value;
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
  if (trailer !== null && isChunked && mayHaveTrailers) headers.push("Trailer", trailer);
  return {
    headers: nominated === null ? headers : without(headers, nominated),
    length,
    isEventStream,
    isForSharedCaches: (cacheControl !== "" || expires !== "") && isPubliclyCacheable(cacheControl, expires),
    keepAlive,
  };
}

function union(a: ReadonlySet<string> | null, b: ReadonlySet<string> | null): ReadonlySet<string> | null {
  return a === null || b === null ? (a ?? b) : a.union(b);
}

function without(headers: readonly string[], names: ReadonlySet<string>): string[] {
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] as string;
    if (!names.has(name.toLowerCase())) kept.push(name, headers[i + 1] as string);
  }
  return kept;
}
