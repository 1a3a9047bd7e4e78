import type { IncomingMessage } from "node:http";
import { crc32 } from "node:zlib";
import type { Sticky } from "../core/plan/plan.ts";
import { type Cohort, cohortOf, WHOLE } from "../core/traffic/share.ts";
import { newVisitorId } from "./random-ids.ts";

/** The group of a visitor, and the id to give them when they have none yet. */
export interface Visitor {
  readonly cohort: Cohort;
  /** Goes into a cookie with the answer; null: they have one, or get none. */
  readonly newId: string | null;
}

/** Long enough for the longest release, so that nobody changes sides in it. */
const COOKIE_SECONDS = 90 * 24 * 3_600;

/** Finds out whose request it is: by the configured header, else by our cookie, else it draws at random. */
export function visitorOf(request: IncomingMessage, sticky: Sticky): Visitor {
  if (sticky.kind === "none") return { cohort: randomCohort(), newId: null };
  const { headers } = request;
  if (sticky.kind === "header") {
    const key = headers[sticky.name];
    if (key !== undefined && key !== "") {
      return { cohort: cohortOf(crc32(typeof key === "string" ? key : key.join(","))), newId: null };
    }
  }
  const id = visitorIdIn(headers.cookie, sticky.kind === "header" ? sticky.cookie : sticky.name);
  if (id !== null) return { cohort: cohortOf(crc32(id)), newId: null };
  const newId = newVisitorId();
  return { cohort: cohortOf(crc32(newId)), newId };
}

function randomCohort(): Cohort {
  return Math.floor(Math.random() * WHOLE);
}

/** The value of the cookie, when it looks like an id of ours: anything else could be chosen to pick a side. */
export function visitorIdIn(cookies: string | undefined, name: string): string | null {
  if (cookies === undefined) return null;
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
