import type { IncomingMessage } from "node:http";
import { isInCandidate, isInTwin } from "../core/traffic/share.ts";
import { knownVisitor, visitorCookie, visitorOf } from "./cohort.ts";
import { ALL_COUNTERS } from "./counter-filter.ts";
import { COHORT_HEADER, type CohortSeal, pinnedVersion } from "./pin.ts";
import { type PlaneRefusal, REFUSALS } from "./refusal.ts";
import type { RequestHead } from "./request-head.ts";
import type { RoutedVersion, Routing } from "./routing.ts";
import type { Countable } from "./visitor-counts.ts";

/** Which version a request goes to, and why. */
export interface Assignment extends Countable {
  readonly service: string;
  readonly version: RoutedVersion;
  /** Takes the request when the version has no instance for it; null: none may. */
  readonly fallback: RoutedVersion | null;
  /** What a pinned request sees is no evidence: nobody drew its version. */
  readonly isEvidence: boolean;
  /** A whole Set-Cookie for the answer; null: none. */
  readonly cookie: string | null;
}

/**
 * Chooses service and version: a pin goes first, then the side of the request that this one was made for, then the
 * visitor's cohort. Adds the header by which the instance can pass its side on to other services.
 */
export function assign(
  routing: Routing,
  request: IncomingMessage,
  head: RequestHead,
  seal: CohortSeal,
): Assignment | PlaneRefusal {
  const service = routing.route(head.routeHost, head.path);
  if (service === null) return REFUSALS.noRoute;
  const { table, stable, candidate, twin } = routing;

  const pinned = pinnedVersion(table, request.headers, routing.pinHeader);
  if (pinned !== null) return pinnedTo(pinned, routing, service, head, seal);

  if (candidate === null) {
    if (stable === null) return REFUSALS.noTable;
    return {
      service,
      version: stable,
      fallback: null,
      isEvidence: true,
      cookie: null,
      visitor: table.counting === undefined ? null : knownVisitor(request, table.sticky),
      counters: routing.countersOf?.(head, request.headers) ?? ALL_COUNTERS,
      countedIn: table.counting?.release,
    };
  }

  const followed = request.headers[COHORT_HEADER];
  const told = typeof followed === "string" ? seal.read(followed) : null;
  if (told !== null && typeof told !== "number") return pinnedTo(told.version, routing, service, head, seal);

  const visitor = visitorOf(request, table.sticky, told);
  head.headers.push(COHORT_HEADER, seal.ofCohort(visitor.cohort));
  const isCandidate = isInCandidate(visitor.cohort, table.offset, table.share);
  const isTwin = twin !== null && isInTwin(visitor.cohort, table.offset, table.share);
  const version = isCandidate ? candidate : isTwin ? twin : stable;
  // Before the first release has any share, or for the part of it that it has not got yet.
  if (version === null) return REFUSALS.noTable;
  return {
    service,
    version,
    fallback: version === stable ? null : stable,
    isEvidence: true,
    cookie: visitor.newId === null ? null : visitorCookie(routing.cookie, visitor.newId, head.isSecure),
    visitor,
    counters: routing.countersOf?.(head, request.headers) ?? ALL_COUNTERS,
    countedIn: table.counting?.release,
  };
}

function pinnedTo(
  name: string,
  { stable, candidate, twin }: Routing,
  service: string,
  head: RequestHead,
  seal: CohortSeal,
): Assignment | PlaneRefusal {
  const version = [stable, candidate, twin].find((each) => each?.version === name);
  if (version === undefined || version === null) return REFUSALS.unknownVersion;
  head.headers.push(COHORT_HEADER, seal.ofVersion(name));
  return {
    service,
    version,
    fallback: null,
    isEvidence: false,
    cookie: null,
    visitor: null,
    counters: 0,
    countedIn: undefined,
  };
}
