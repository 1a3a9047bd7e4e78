/** A request of a user's, as somebody has recorded it. */
export interface RecordedRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What belongs to the connection that it came by, or to the address that it was for. */
const NOT_SENT = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * The requests of a recording: HAR as browsers and proxies write it, or a line of JSON each, `{"method","path","headers","body"}`. Throws
 * an Error with a sentence for the first that is none. `hosts`: those that the plan routes by name.
 */
export function readRecordedRequests(text: string, hosts: ReadonlySet<string>): readonly RecordedRequest[] {
  const document = text.trimStart().startsWith("{") ? parsed(text) : undefined;
  const entries = entriesOf(document);
  if (entries !== null) return entries.map((entry, index) => fromHar(entry, index, hosts));
  return text
    .split("\n")
    .map((line, index) => ({ line, number: index + 1 }))
    .filter(({ line }) => line.trim() !== "")
    .map(({ line, number }) => fromLine(line, number, hosts));
}

/** Whether asking for it changes nothing. Source: RFC 9110, 9.2.1. */
export function isSafe({ method }: Pick<RecordedRequest, "method">): boolean {
  return method === "GET" || method === "HEAD" || method === "OPTIONS";
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** null: it is no HAR. */
function entriesOf(document: unknown): readonly unknown[] | null {
  const log = (document as { readonly log?: { readonly entries?: unknown } } | undefined)?.log;
  return Array.isArray(log?.entries) ? log.entries : null;
}

interface HarRequest {
  readonly method?: unknown;
  readonly url?: unknown;
  readonly headers?: unknown;
  readonly postData?: { readonly text?: unknown };
}

function fromHar(entry: unknown, index: number, hosts: ReadonlySet<string>): RecordedRequest {
  const request = (entry as { readonly request?: HarRequest } | null)?.request;
  const { method, url, headers, postData } = request ?? {};
  if (typeof method !== "string" || typeof url !== "string")
    throw new Error(`Entry ${index + 1} of the recording has no request with a method and a URL.`);
  const [, host = "", path = "/"] = /^https?:\/\/([^/?#]+)([^#]*)/.exec(url) ?? [];
  const pairs = Array.isArray(headers)
    ? (headers as readonly { readonly name?: unknown; readonly value?: unknown }[]).map(
        ({ name, value }) => [String(name), String(value)] as const,
      )
    : [];
  const body = postData?.text;
  return requestOf(
    method,
    path === "" || path.startsWith("?") ? `/${path}` : path,
    [...pairs, ["host", host]],
    body,
    hosts,
  );
}

function fromLine(line: string, number: number, hosts: ReadonlySet<string>): RecordedRequest {
  const value = parsed(line) as
    | { readonly method?: unknown; readonly path?: unknown; readonly headers?: unknown; readonly body?: unknown }
    | undefined
    | null;
  const { method = "GET", path, headers = {}, body } = value ?? {};
  if (typeof path !== "string" || !path.startsWith("/") || typeof method !== "string")
    throw new Error(`Line ${number} of the recording is no request: {"method":"GET","path":"/items"}.`);
  const pairs = Object.entries(headers as Readonly<Record<string, unknown>>).map(
    ([name, text]) => [name, String(text)] as const,
  );
  return requestOf(method, path, pairs, body, hosts);
}

function requestOf(
  method: string,
  path: string,
  pairs: readonly (readonly [string, string])[],
  body: unknown,
  hosts: ReadonlySet<string>,
): RecordedRequest {
  const headers: Record<string, string> = {};
  for (const [written, value] of pairs) {
    const name = written.toLowerCase();
    // HTTP/2's own begin with a colon; a name that HTTP does not know would end the rehearsal.
    if (/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name) && !NOT_SENT.has(name) && !/[\r\n\0]/.test(value))
      headers[name] = value;
    if (name === "host" && hosts.has(value.toLowerCase())) headers["host"] = value;
  }
  return { method: method.toUpperCase(), path, headers, ...(typeof body === "string" && body !== "" ? { body } : {}) };
}
