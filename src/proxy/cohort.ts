import type { IncomingMessage } from "node:http";
import { crc32 } from "node:zlib";
import type { Sticky } from "../core/plan/traffic.ts";
import { type Cohort, cohortOf, WHOLE } from "../core/traffic/share.ts";
import { clientOf } from "./client.ts";
import { newVisitorId } from "./random-ids.ts";

/** The group of a visitor, the id to give them when they have none yet, and by what they are known again. */
export interface Visitor {
  readonly cohort: Cohort;
  /**
   * A number (crc32) of the header, else of the cookie that they came with. null: a side was drawn for this request alone, so
   * that it counts alone, whoever it comes from.
   */
  readonly key: number | null;
  /** The key is of them alone, and will be when they come again: it is no address. */
  readonly isKnown: boolean;
  /** Goes into a cookie with the answer; null: they have one, or get none. */
  readonly newId: string | null;
}

/** Long enough for the longest release, so that nobody changes sides in it. */
const COOKIE_SECONDS = 90 * 24 * 3_600;

/**
 * Finds out whose request it is: by the configured header, else by our cookie, else it draws at random. `told`: the
 * cohort of the request that this one was made for.
 */
export function visitorOf(request: IncomingMessage, sticky: Sticky, told: Cohort | null): Visitor {
  if (sticky.kind === "none") return { cohort: told ?? randomCohort(), key: told, isKnown: false, newId: null };
  const known = knownVisitor(request, sticky);
  if (told !== null) {
    if (known?.cohort === told) return known;
    // The cohort is the nearest to the visitor.
    return { cohort: told, key: known?.key ?? told, isKnown: false, newId: null };
  }
  if (known !== null) return known;
  const newId = newVisitorId();
  return { cohort: cohortOf(crc32(newId)), key: null, isKnown: false, newId };
}

/** Whose request it is, by the header or cookie that it came with; null: it came with neither. */
export function knownVisitor(request: IncomingMessage, sticky: Sticky): Visitor | null {
  if (sticky.kind === "none") return null;
  const { headers, socket } = request;
  if (sticky.kind === "header") {
    const value = headers[sticky.name];
    if (value !== undefined && value !== "") return known(typeof value === "string" ? value : value.join(","));
  }
  const { cookie } = headers;
  if (cookie === undefined) return null;
  // Most connections are one visitor's.
  const client = clientOf(socket);
  if (client.cookie !== cookie || client.sticky !== sticky) {
    const id = visitorIdIn(cookie, sticky.kind === "header" ? sticky.cookie : sticky.name);
    client.cookie = cookie;
    client.sticky = sticky;
    client.visitor = id === null ? null : known(id);
  }
  return client.visitor;
}

function known(id: string): Visitor {
  const crc = crc32(id);
  return { cohort: cohortOf(crc), key: crc | 0, isKnown: true, newId: null };
}

function randomCohort(): Cohort {
  return Math.floor(Math.random() * WHOLE);
}

/** The value of the cookie, when it looks like an id of ours: anything else could be chosen to pick a side. */
function visitorIdIn(cookies: string, name: string): string | null {
  for (let at = cookies.indexOf(name); at !== -1; at = cookies.indexOf(name, at + 1)) {
    const before = at === 0 ? 59 : cookies.charCodeAt(at - 1);
    if ((before !== 59 /* ; */ && before !== 32) || cookies.charCodeAt(at + name.length) !== 61 /* = */) continue;
    const end = cookies.indexOf(";", at);
    const value = cookies.slice(at + name.length + 1, end === -1 ? undefined : end).trim();
    return /^[A-Za-z0-9_-]{16,64}$/.test(value) ? value : null;
  }
  return null;
}

export function visitorCookie(name: string, id: string, isSecure: boolean): string {
  return `${name}=${id}; Path=/; Max-Age=${COOKIE_SECONDS}; HttpOnly; SameSite=Lax${isSecure ? "; Secure" : ""}`;
}

/**
 * Whether a shared cache may keep the answer (RFC 9111, 3): a cookie in it would make one visitor of everybody behind
 * that cache.
 */
export function isPubliclyCacheable(cacheControl: string, expires: string): boolean {
  if (cacheControl === "") return expires !== "" && Date.parse(expires) > Date.now();
  if (/\b(?:private|no-store|no-cache)\b/i.test(cacheControl)) return false;
  return /\bpublic\b|\bs-maxage=|\bmax-age=0*[1-9]/i.test(cacheControl);
}
