/** What happens to a request's header on its way through. */
export type RequestHeaderKind =
  | "end-to-end"
  /** Belongs to one connection (RFC 9110, 7.6.1): never passed on. */
  | "hop"
  /** Ours: made anew, combined, or stripped so that nobody outside can pretend. */
  | "own"
  /** These frame the message, and are made anew from what was understood. */
  | "host"
  | "length"
  | "coding"
  | "trailer"
  | "expect";

/** The same for an answer's, with those that the plane itself must know. */
export type AnswerHeaderKind =
  | "end-to-end"
  | "hop"
  | "own"
  | "length"
  | "coding"
  | "trailer"
  | "connection"
  | "keep-alive"
  | "cache-control"
  | "expires"
  | "content-type";

const REQUEST = new Map<string, RequestHeaderKind>([
  ["connection", "hop"],
  ["keep-alive", "hop"],
  ["proxy-connection", "hop"],
  ["proxy-authorization", "hop"],
  ["proxy-authenticate", "hop"],
  ["te", "hop"],
  ["upgrade", "hop"],
  ["http2-settings", "hop"],
  ["transfer-encoding", "coding"],
  ["content-length", "length"],
  ["host", "host"],
  ["trailer", "trailer"],
  ["expect", "expect"],
  ["x-forwarded-for", "own"],
  ["x-forwarded-proto", "own"],
  ["x-forwarded-host", "own"],
  ["forwarded", "own"],
  ["x-request-id", "own"],
  ["traceparent", "own"],
]);

const ANSWER = new Map<string, AnswerHeaderKind>([
  ["connection", "connection"],
  ["proxy-connection", "hop"],
  ["proxy-authenticate", "hop"],
  ["te", "hop"],
  ["upgrade", "hop"],
  ["keep-alive", "keep-alive"],
  ["transfer-encoding", "coding"],
  ["content-length", "length"],
  ["trailer", "trailer"],
  ["cache-control", "cache-control"],
  ["expires", "expires"],
  ["content-type", "content-type"],
]);

const OWN_PREFIX = "x-tidegate-";

/**
 * Names as they came (`Host`, `host`) → kind. Clients spell a name one way, so that a look-up saves the lower-casing;
 * bounded, because a client may invent names.
 */
function remembering<Kind extends string>(
  kinds: ReadonlyMap<string, Kind | "own" | "end-to-end">,
): (name: string) => Kind | "own" | "end-to-end" {
  const seen = new Map<string, Kind | "own" | "end-to-end">();
  return (name) => {
    const known = seen.get(name);
    if (known !== undefined) return known;
    const lower = name.toLowerCase();
    const kind = kinds.get(lower) ?? (lower.startsWith(OWN_PREFIX) ? "own" : "end-to-end");
    if (seen.size >= 2_000) seen.clear();
    seen.set(name, kind);
    return kind;
  };
}

export const requestHeaderKind = remembering<RequestHeaderKind>(REQUEST);
export const answerHeaderKind = remembering<AnswerHeaderKind>(ANSWER);

/**
 * Names that `Connection` takes away besides the well-known ones; null, as nearly always, when there are none. What
 * frames a message can't be nominated: taking it away would let a body be read as the next request.
 */
export function nominatedBy(connection: string | undefined): ReadonlySet<string> | null {
  if (connection === undefined || USUAL.has(connection)) return null;
  let names: Set<string> | null = null;
  for (const token of connection.toLowerCase().split(",")) {
    const name = token.trim();
    if (name === "" || name === "close" || name === "keep-alive" || FRAMING.has(name)) continue;
    names ??= new Set();
    names.add(name);
  }
  return names;
}

/** What nearly every message says. */
const USUAL: ReadonlySet<string> = new Set(["keep-alive", "close", "Keep-Alive", "Close"]);
const FRAMING: ReadonlySet<string> = new Set(["host", "content-length", "transfer-encoding"]);

/** Fields that may not be sent as a trailer (RFC 9110, 6.5.1): they would change what has been read already. */
export function isForbiddenTrailer(name: string): boolean {
  const kind = requestHeaderKind(name);
  return (kind !== "end-to-end" && kind !== "own") || name.toLowerCase().startsWith(OWN_PREFIX);
}
