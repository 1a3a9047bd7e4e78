import { randomUUID } from "node:crypto";
import { Agent, request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { until } from "../../support/until.ts";

export interface ShopFailure {
  readonly what: string;
  readonly sentAt: number;
}

export interface ShopSeen {
  requests: number;
  /** Answers by version. */
  readonly by: Record<string, number>;
  /** Mistakes that the shop itself made, and says so. */
  shopErrors: number;
  /** Resets, time-outs, cut answers, and errors that no shop gave. */
  readonly failures: ShopFailure[];
  /** Orders that were confirmed. */
  readonly orders: string[];
  slowestMs: number;
}

/** Customers who look at products, order, and look at their order again; each has one request at a time. */
export interface ShopCustomers extends AsyncDisposable {
  readonly seen: ShopSeen;
  readonly count: number;
  /** Waits until so many more requests were answered. */
  more(requests: number): Promise<void>;
  /** Waits until a version has answered. */
  meet(version: string): Promise<void>;
  /** Everybody finishes what they have begun, and goes. */
  leave(): Promise<ShopSeen>;
}

const PATIENCE_MS = 10_000;

export function shopCustomers(port: number, count = 6, pauseMs = 20): ShopCustomers {
  const seen: ShopSeen = { requests: 0, by: {}, shopErrors: 0, failures: [], orders: [], slowestMs: 0 };
  const leaving = new AbortController();
  const live = async (): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    let lastOrder: string | undefined;
    for (let turn = 0; !leaving.signal.aborted; turn += 1) {
      if (turn % 3 === 0) await ask(port, agent, seen, { path: "/products" });
      else if (turn % 3 === 1) {
        const key = randomUUID();
        const body = JSON.stringify({ product: "soil", quantity: 2 });
        const status = await ask(port, agent, seen, { method: "POST", path: "/orders", body, key });
        if (status === 201) {
          seen.orders.push(key);
          lastOrder = key;
        }
      } else if (lastOrder !== undefined) {
        const status = await ask(port, agent, seen, { path: `/orders/${lastOrder}` });
        if (status === 404) seen.failures.push({ what: `order ${lastOrder} was lost`, sentAt: Date.now() });
      }
      await delay(pauseMs, undefined, { signal: leaving.signal }).catch(() => undefined);
    }
    agent.destroy();
  };
  const lives = Array.from({ length: count }, () => live());
  const leave = async (): Promise<ShopSeen> => {
    leaving.abort();
    await Promise.all(lives);
    return seen;
  };
  return {
    seen,
    count,
    async more(requests) {
      const from = seen.requests;
      await until(`${requests} more requests`, () => seen.requests >= from + requests, 60_000);
    },
    meet: async (version) => {
      await until(`an answer of ${version}`, () => (seen.by[version] ?? 0) > 0, 60_000);
    },
    leave,
    [Symbol.asyncDispose]: async () => void (await leave()),
  };
}

interface Ask {
  readonly method?: string;
  readonly path: string;
  readonly body?: string;
  readonly key?: string;
}

/** Answers the status; 0 for none. */
function ask(port: number, agent: Agent, seen: ShopSeen, { method = "GET", path, body, key }: Ask): Promise<number> {
  return new Promise((resolve) => {
    const sentAt = Date.now();
    const headers = key === undefined ? {} : { "idempotency-key": key, "content-type": "application/json" };
    const outgoing = request({ host: "127.0.0.1", port, agent, method, path, headers });
    const settle = (status: number, failure?: string): void => {
      clearTimeout(timer);
      seen.requests += 1;
      seen.slowestMs = Math.max(seen.slowestMs, Date.now() - sentAt);
      if (failure !== undefined) seen.failures.push({ what: `${method} ${path}: ${failure}`, sentAt });
      resolve(status);
    };
    const timer = setTimeout(() => outgoing.destroy(new Error(`no answer within ${PATIENCE_MS} ms`)), PATIENCE_MS);
    outgoing.once("error", (error: NodeJS.ErrnoException) => settle(0, `${error.code ?? ""} ${error.message}`));
    outgoing.once("response", (answer) => {
      answer.resume();
      answer.once("close", () => {
        const status = answer.statusCode ?? 0;
        const version = answer.headers["x-shop-version"];
        if (typeof version === "string") seen.by[version] = (seen.by[version] ?? 0) + 1;
        if (!answer.complete) return settle(status, "the answer was cut");
        if (status < 500) return settle(status);
        if (answer.headers["x-shop-error"] === undefined) return settle(status, `status ${status}`);
        seen.shopErrors += 1;
        settle(status);
      });
    });
    outgoing.end(body);
  });
}
