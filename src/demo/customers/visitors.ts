import type { Random } from "./random.ts";

/** Somebody with a browser: keeps cookies, a cart and the orders that they made. */
export interface Visitor {
  readonly id: number;
  readonly cookies: Map<string, string>;
  cart: string | undefined;
  lastOrder: string | undefined;
}

/** People who come again and again: one in ten of them makes half of the visits. */
export interface Crowd {
  readonly visitors: readonly Visitor[];
  next(): Visitor;
}

const HEAVY_USERS = 0.1;
const THEIR_VISITS = 0.5;

export function gatherCrowd(size: number, random: Random): Crowd {
  const visitors = Array.from({ length: size }, (_, id) => newVisitor(id));
  const heavy = Math.max(1, Math.round(size * HEAVY_USERS));
  return {
    visitors,
    next() {
      const isHeavy = heavy === size || random() < THEIR_VISITS;
      const index = isHeavy ? Math.floor(random() * heavy) : heavy + Math.floor(random() * (size - heavy));
      return visitors[index] ?? newVisitor(index);
    },
  };
}

function newVisitor(id: number): Visitor {
  return { id, cookies: new Map(), cart: undefined, lastOrder: undefined };
}

/** The `cookie` header that a browser would send; nothing when the jar is empty. */
export function cookieHeader(visitor: Visitor): Record<string, string> {
  if (visitor.cookies.size === 0) return {};
  return { cookie: Array.from(visitor.cookies, ([name, value]) => `${name}=${value}`).join("; ") };
}

/** Keeps what an answer set. One host and one path: the other rules of cookies don't matter here. */
export function keepCookies(visitor: Visitor, setCookie: readonly string[] | undefined): void {
  for (const line of setCookie ?? []) {
    const [pair = "", ...attributes] = line.split(";");
    const equals = pair.indexOf("=");
    const name = pair.slice(0, equals).trim();
    const isGone = attributes.some((attribute) => /^\s*max-age\s*=\s*(0|-\d+)\s*$/i.test(attribute));
    if (isGone) visitor.cookies.delete(name);
    else visitor.cookies.set(name, pair.slice(equals + 1).trim());
  }
}
