import { createHash } from "node:crypto";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import type { RoutingTable } from "../../../core/traffic/routing.ts";
import type { Share } from "../../../core/traffic/share.ts";
import type { Instant } from "../../../core/time/time.ts";

/**
 * A table as the lines of HAProxy's map. The frontend asks for `route` alone with every request, so that each is
 * decided by one table; the rest is for engines.
 *
 * | key | value |
 * |---|---|
 * | `route` | `revision|share|offset|slot of stable|slot of candidate|key of the lease|release`, read by the frontend |
 * | `lease.REVISION` | until when a partial share holds, Unix milliseconds; of one table only, so that nobody renews another's |
 * | `always` | the end of what is no lease |
 * | `ask.VERSION`, `ask.stable`, `ask.candidate` | the slot of a version that a pinned request asks for |
 * | SHA-256 in hex | a token that lets a request be pinned |
 * | `seal` | the key by which the frontend signs the side of a request, base64 |
 * | `epoch` | the highest that was claimed |
 * | `rev.REVISION` | there is one: whoever deletes it may replace this table. HAProxy lets one alone delete it |
 * | `table.0` … | the table itself: JSON, deflated, base64url |
 */
export type MapEntries = ReadonlyMap<string, string>;

/** What the lines of a map say. */
export interface MapSaid {
  /** As it was written; null: none was. */
  readonly table: RoutingTable | null;
  /** The share by which requests are divided now, without the lease: what somebody wrote by hand shows here. */
  readonly share: Share;
  readonly epoch: number;
  readonly leaseEndsAt: Instant | null;
}

/** HAProxy takes commands of up to 16 kB. */
const CHUNK = 6_000;
const ALWAYS = "always";
/** Unix milliseconds, far away. */
const NEVER_ENDS = "9999999999999";
/** A side that the table has not got. */
const NONE = "none";

export function entriesOf(table: RoutingTable | null, epoch: number, leaseEndsAt: Instant | null): MapEntries {
  const entries = new Map<string, string>();
  const revision = table?.revision ?? 0;
  entries.set("epoch", String(Math.max(epoch, table?.epoch ?? 0)));
  entries.set(turnKey(revision), "yes");
  if (table === null) return entries;
  entries.set("route", routeLine(table));
  entries.set(ALWAYS, NEVER_ENDS);
  if (leaseEndsAt !== null) entries.set(leaseKey(revision), String(Math.round(leaseEndsAt)));
  for (const [name, backend] of [
    ["stable", table.stable],
    ["candidate", table.candidate],
  ] as const) {
    if (backend === null) continue;
    entries.set(`ask.${name}`, backend.slot);
    if (isWord(backend.version)) entries.set(`ask.${backend.version}`, backend.slot);
  }
  for (const token of [table.engineToken, table.pins.token ?? ""])
    if (token !== "") entries.set(createHash("sha256").update(token).digest("hex").toUpperCase(), "yes");
  entries.set("seal", createHash("sha256").update(`seal of ${table.engineToken}`).digest("base64"));
  const packed = deflateRawSync(JSON.stringify(table)).toString("base64url");
  for (let at = 0; at < packed.length; at += CHUNK) entries.set(`table.${at / CHUNK}`, packed.slice(at, at + CHUNK));
  return entries;
}

/** What a map says; of one that holds nothing or another's lines: that there is no table. */
export function saidBy(entries: MapEntries): MapSaid {
  const epoch = Number(entries.get("epoch") ?? 0);
  const none = { table: null, share: 0, epoch: Number.isSafeInteger(epoch) ? epoch : 0, leaseEndsAt: null };
  const table = unpacked(entries);
  const route = entries.get("route")?.split("|");
  if (table === null || route === undefined) return none;
  const share = Number(route[1]);
  const until = Number(entries.get(leaseKey(table.revision)) ?? Number.NaN);
  return {
    ...none,
    table,
    share: Number.isSafeInteger(share) ? share : 0,
    // As the frontend reads it: a lease that is gone is over.
    leaseEndsAt: route[5] === leaseKey(table.revision) ? (Number.isFinite(until) ? until : 1) : null,
  };
}

/** HAProxy has no compare-and-set, but of two who delete a key only one is told that it was there. */
export function turnKey(revision: number): string {
  return `rev.${revision}`;
}

export function leaseKey(revision: number): string {
  return `lease.${revision}`;
}

/** Whether the lines by which requests are divided are those that follow from the table. */
export function isAsWritten(entries: MapEntries, table: RoutingTable): boolean {
  return entries.get("route") === routeLine(table);
}

/** `show map` says a pointer, a key and a value a line. */
export function parseMap(answer: string): MapEntries {
  const entries = new Map<string, string>();
  for (const line of answer.split("\n")) {
    const [, key, value] = /^0x[0-9a-f]+ (\S+) (.*)$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) entries.set(key, value);
  }
  return entries;
}

/** As a file that HAProxy begins with. */
export function mapFileText(entries: MapEntries): string {
  const lines = [...entries].map(([key, value]) => `${key} ${value}`);
  return `# Written by Tidegate with every change of the shares; HAProxy starts with it.\n${lines.join("\n")}\n`;
}

function routeLine({ revision, share, offset, stable, candidate, lease, release }: RoutingTable): string {
  const until = lease?.do === "stable" ? leaseKey(revision) : ALWAYS;
  return [revision, share, offset, stable?.slot ?? NONE, candidate?.slot ?? NONE, until, release].join("|");
}

/** Keys end at a space. */
function isWord(version: string): boolean {
  return /^[!-~]+$/.test(version);
}

function unpacked(entries: MapEntries): RoutingTable | null {
  let packed = "";
  for (let index = 0; ; index += 1) {
    const chunk = entries.get(`table.${index}`);
    if (chunk === undefined) break;
    packed += chunk;
  }
  if (packed === "") return null;
  try {
    return JSON.parse(inflateRawSync(Buffer.from(packed, "base64url")).toString("utf8")) as RoutingTable;
  } catch {
    return null;
  }
}
