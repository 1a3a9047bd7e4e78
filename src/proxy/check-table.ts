import { backendsOf, type RoutingTable } from "../core/traffic/routing.ts";
import { whatIsWrongInCounting } from "../core/traffic/counting.ts";
import { WHOLE } from "../core/traffic/share.ts";
import { Refusal } from "../local/control-socket.ts";
import type { TableWrite } from "./protocol.ts";

/**
 * The body of `PUT /table`, checked as far as the plane depends on it: a table that it can't serve must be refused while
 * the old one is still in force. Throws 422 `traffic-table-refused`.
 */
export function readTableWrite(body: unknown): TableWrite {
  const write = record(body, "body");
  const ifRevision = whole(write.ifRevision, "ifRevision");
  const table = readTable(write.table);
  if (table.revision !== ifRevision + 1) throw refused("table.revision must be ifRevision + 1");
  return { ifRevision, table };
}

/** Throws Refusal 422 `traffic-table-refused`. */
export function readTable(value: unknown): RoutingTable {
  const table = record(value, "table");
  whole(table.revision, "table.revision");
  whole(table.epoch, "table.epoch");
  whole(table.release, "table.release");
  whole(table.offset, "table.offset");
  text(table.app, "table.app");
  text(table.environment, "table.environment");
  text(table.engineToken, "table.engineToken");
  checkBackend(table.stable, "table.stable");
  checkBackend(table.candidate, "table.candidate");
  if (table.twin !== undefined) checkBackend(record(table.twin, "table.twin"), "table.twin");
  const share = whole(table.share, "table.share");
  if (share > WHOLE) throw refused(`table.share is ${share}, more than ${WHOLE} (100 %)`);
  if (table.candidate === null && share !== 0) throw refused("table.share must be 0 without a candidate");
  checkDistinct(table as unknown as RoutingTable);
  list(table.routes, "table.routes").forEach((route, i) => {
    const { host, path, service } = record(route, `table.routes[${i}]`);
    if (host !== undefined) text(host, `table.routes[${i}].host`);
    if (!text(path, `table.routes[${i}].path`).startsWith("/"))
      throw refused(`table.routes[${i}].path must start with /`);
    text(service, `table.routes[${i}].service`);
  });
  checkSticky(table.sticky);
  const pins = record(table.pins, "table.pins");
  text(pins.header, "table.pins.header");
  if (pins.token !== undefined) text(pins.token, "table.pins.token");
  for (const [service, health] of Object.entries(record(table.health, "table.health"))) {
    const where = `table.health.${service}`;
    const { path, everyMs, timeoutMs, rise, fall } = record(health, where);
    if (!text(path, `${where}.path`).startsWith("/")) throw refused(`${where}.path must start with /`);
    for (const [name, count] of Object.entries({ everyMs, timeoutMs, rise, fall }))
      if (whole(count, `${where}.${name}`) < 1) throw refused(`${where}.${name} must be at least 1`);
  }
  if (table.lease !== null) {
    const lease = record(table.lease, "table.lease");
    if (whole(lease.unwatchedMs, "table.lease.unwatchedMs") < 1)
      throw refused("table.lease.unwatchedMs must be positive");
    if (lease.do !== "stable" && lease.do !== "hold") throw refused("table.lease.do must be stable or hold");
    if (lease.do === "stable" && table.stable === null)
      throw refused("table.lease returns to stable, and there is none");
  }
  if (table.pause !== undefined) {
    whole(record(table.pause, "table.pause").forMs, "table.pause.forMs");
    if (share > 0 && share < WHOLE && table.stable !== null)
      throw refused("table.pause says that two versions never serve at once, and table.share is a part");
  }
  if (table.counting !== undefined) {
    const wrong = whatIsWrongInCounting(table.counting);
    if (wrong !== null) throw refused(`table.${wrong}`);
  }
  if (table.emergency !== undefined) text(record(table.emergency, "table.emergency").id, "table.emergency.id");
  return table as unknown as RoutingTable;
}

function checkBackend(value: unknown, where: string): void {
  if (value === null) return;
  const backend = record(value, where);
  if (text(backend.version, `${where}.version`) === "") throw refused(`${where}.version is empty`);
  list(backend.instances, `${where}.instances`).forEach((each, i) => {
    const at = `${where}.instances[${i}]`;
    const { id, service, host, port, draining } = record(each, at);
    text(id, `${at}.id`);
    text(service, `${at}.service`);
    if (text(host, `${at}.host`) === "") throw refused(`${at}.host is empty`);
    const number = whole(port, `${at}.port`);
    if (number < 1 || number > 65_535) throw refused(`${at}.port is ${number}`);
    if (typeof draining !== "boolean") throw refused(`${at}.draining must be true or false`);
  });
}

/** Counts go by version and drains by id: neither may mean two things. */
function checkDistinct(table: RoutingTable): void {
  const { stable, candidate, twin } = table;
  if (stable !== null && stable.version === candidate?.version)
    throw refused(`stable and candidate are the same version, ${stable.version}`);
  if (twin !== undefined && twin.version !== stable?.version)
    throw refused(`the twin is of ${twin.version}, and stable is not`);
  const seen = new Set<string>();
  for (const { id } of backendsOf(table).flatMap(({ instances }) => instances)) {
    if (seen.has(id)) throw refused(`two instances have the id ${id}`);
    seen.add(id);
  }
}

function checkSticky(value: unknown): void {
  const sticky = record(value, "table.sticky");
  const cookie = sticky.kind === "cookie" ? sticky.name : sticky.kind === "header" ? sticky.cookie : "tidegate";
  if (sticky.kind !== "cookie" && sticky.kind !== "header" && sticky.kind !== "none")
    throw refused("table.sticky.kind must be cookie, header or none");
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text(cookie, "table.sticky's cookie")))
    throw refused("table.sticky names a cookie that can't be set");
  if (sticky.kind === "header") text(sticky.name, "table.sticky.name");
}

function record(value: unknown, where: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw refused(`${where} must be an object`);
  return value as Record<string, unknown>;
}

function list(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) throw refused(`${where} must be a list`);
  return value;
}

function whole(value: unknown, where: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw refused(`${where} must be a whole number`);
  return value as number;
}

function text(value: unknown, where: string): string {
  if (typeof value !== "string") throw refused(`${where} must be a string`);
  return value;
}

function refused(cause: string): Refusal {
  return new Refusal(422, {
    code: "traffic-table-refused",
    what: "The data plane can't serve this routing table.",
    cause,
  });
}
