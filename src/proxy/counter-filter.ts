import type { IncomingHttpHeaders } from "node:http";
import type { RequestFilter } from "../core/plan/guard.ts";
import type { Counter, Counting } from "../core/traffic/counting.ts";
import { isUnder } from "./path-prefix.ts";
import type { RequestHead } from "./request-head.ts";

/** Counters as the bits of a number: the first is bit 0. */
export type CounterBits = number;

export const ALL_COUNTERS: CounterBits = -1;

/** Which counters a request is for. */
export type CountersOf = (head: Asked, headers: IncomingHttpHeaders) => CounterBits;

type Asked = Pick<RequestHead, "method" | "path">;

/** Made ready once, when a table is written. null: every request is for all of them. */
export function countersOf(counting: Counting | undefined): CountersOf | null {
  const counters = counting?.counters ?? [];
  if (!counters.some(({ only }) => only !== undefined)) return null;
  const isFor = counters.map(filterOf);
  return (head, headers) => {
    let bits = 0;
    for (let i = 0; i < isFor.length; i += 1) if (isFor[i]?.(head, headers) === true) bits |= 1 << i;
    return bits;
  };
}

/** The same text for filters that let the same requests through. */
export function filterKey({ only = {} }: Counter): string {
  const { method, path, header } = only;
  return JSON.stringify([method?.toUpperCase(), path, header?.name.toLowerCase(), header?.value]);
}

function filterOf({ only = {} }: Counter): (head: Asked, headers: IncomingHttpHeaders) => boolean {
  const { method, path = "", header }: RequestFilter = only;
  const wantedMethod = method?.toUpperCase();
  const prefix = path.replace(/\/+$/, "");
  const name = header?.name.toLowerCase() ?? "";
  return (head, headers) => {
    if (wantedMethod !== undefined && head.method !== wantedMethod) return false;
    if (!isUnder(head.path, prefix)) return false;
    return header === undefined || headers[name] === header.value;
  };
}
