/**
 * Asks a port on some connections until it is told to stop: for all it has, or so many requests a second. Each message
 * from its parent is answered with the counts so far.
 */
import { setTimeout as delay } from "node:timers/promises";
import { type Asked, ClientConnection, type Failure, type Outcome } from "./client-connection.ts";

/** What has come of the load so far. */
export interface LoadCounts {
  readonly requests: number;
  readonly failed: number;
  /** The first of them, for people. */
  readonly failures: readonly string[];
  readonly byFailure: Readonly<Partial<Record<Failure, number>>>;
  readonly byVersion: Readonly<Record<string, number>>;
  /** When an instance (by pid) began with the last request that it answered, wall ms. */
  readonly lastBegun: Readonly<Record<string, number>>;
}

const SMALL: Asked = { method: "GET", path: "/small" };
const POST: Asked = { method: "POST", path: "/small", body: "c".repeat(1_024) };
const SLOW: Asked = { method: "GET", path: "/slow" };
const LARGE: Asked = { method: "GET", path: "/large" };
/** Mostly small, some with a body, which no proxy may send twice, some that are still under way when something changes. */
const MIX: readonly Asked[] = [SMALL, SMALL, POST, SMALL, SLOW, SMALL, POST, SMALL, LARGE, SLOW];
const SHOWN = 5;

const port = Number(process.argv[2]);
const connections = Number(process.argv[3]);
/** Of all connections together; 0: as many as are answered. */
const perSecond = Number(process.argv[4]);
/** So many of the connections are new for each request. */
const fresh = Number(process.argv[5] ?? 0);
const stopped = new AbortController();
let requests = 0;
let failed = 0;
const failures: string[] = [];
const byFailure: Partial<Record<Failure, number>> = {};
const byVersion: Record<string, number> = {};
const lastBegun: Record<string, number> = {};

const clients = Array.from({ length: connections }, (_, index) => work(index));
process.on("message", (message) => {
  if (message === "stop") stopped.abort();
  void tell();
});
process.on("disconnect", () => process.exit());

async function tell(): Promise<void> {
  const isLast = stopped.signal.aborted;
  if (isLast) await Promise.all(clients);
  process.send?.({ requests, failed, failures, byFailure, byVersion, lastBegun } satisfies LoadCounts);
  if (isLast) process.disconnect();
}

async function work(offset: number): Promise<void> {
  const connection = new ClientConnection(port);
  const everyMs = perSecond === 0 ? 0 : (1_000 * connections) / perSecond;
  let dueAt = performance.now() + (everyMs * offset) / connections;
  for (let turn = offset; !stopped.signal.aborted; turn += 1) {
    const early = dueAt - performance.now();
    if (early > 0) await delay(early);
    dueAt += everyMs;
    const asked = MIX[turn % MIX.length] ?? SMALL;
    count(asked, await connection.ask(offset < fresh ? { ...asked, headers: "Connection: close\r\n" } : asked));
  }
  connection.close();
}

function count(asked: Asked, outcome: Outcome): void {
  requests += 1;
  if (outcome.ok) {
    byVersion[outcome.version] = (byVersion[outcome.version] ?? 0) + 1;
    lastBegun[outcome.instance] = Math.max(lastBegun[outcome.instance] ?? 0, outcome.begunAt);
    return;
  }
  failed += 1;
  byFailure[outcome.failure] = (byFailure[outcome.failure] ?? 0) + 1;
  if (failures.length < SHOWN) failures.push(`${asked.method} ${asked.path}: ${outcome.failure} (${outcome.detail})`);
}
