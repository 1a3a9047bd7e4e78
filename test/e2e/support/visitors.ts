import { Agent, request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { until } from "../../support/until.ts";

export interface Failure {
  readonly path: string;
  readonly why: string;
  /** Whether the front door could not even be reached. */
  readonly refused: boolean;
  /** The connection ended under a request that had been sent: the only one that a killed proxy may cost. */
  readonly cut: boolean;
  /** When the request was sent, and when it had failed. */
  readonly sentAt: number;
  readonly at: number;
}

export interface Visits {
  requests: number;
  /** Answers by the version that gave them. */
  readonly by: Record<string, number>;
  /** 500 that the app itself gave, by its version. */
  readonly appErrors: Record<string, number>;
  /** Resets, time-outs, answers that were cut, and errors that no app gave. */
  readonly failures: Failure[];
}

/** People at the front door, each on a connection that is kept, who count everything that happens to them. */
export interface Visitors extends AsyncDisposable {
  readonly visits: Visits;
  /** How many they are: so many requests are in flight at most. */
  readonly count: number;
  /** A fresh count from here on. */
  since(): () => Visits;
  /** Waits until a version has answered so often from now on. */
  seen(version: string, times?: number, boundMs?: number): Promise<void>;
  /** How many of the next answers come from each version. */
  sample(requests: number): Promise<Readonly<Record<string, number>>>;
  /** Waits until whatever is asked now has its answer. */
  answered(): Promise<void>;
  leave(): Promise<void>;
}

const PATIENCE_MS = 10_000;

export interface VisitOptions {
  readonly people?: number;
  /** Between the answer and the next request of one person. */
  readonly pauseMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly path?: string;
}

/** `people` come and stay. One of them asks for something slow, so that a request is in flight at any moment. */
export function visit(port: number, options: VisitOptions = {}): Visitors {
  const { people = 4, pauseMs = 15, headers = {}, path } = options;
  const visits: Visits = { requests: 0, by: {}, appErrors: {}, failures: [] };
  const leaving = new AbortController();
  const agents: Agent[] = [];
  const open = new Set<Promise<unknown>>();
  const walk = async (person: number): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    agents.push(agent);
    for (let turn = 0; !leaving.signal.aborted; turn += 1) {
      const isPost = person % 2 === 1 && turn % 2 === 1;
      const asked = ask({
        port,
        agent,
        method: isPost ? "POST" : "GET",
        path: path ?? (person === 0 ? "/slow?ms=250" : "/"),
        headers,
        visits,
      });
      open.add(asked);
      await asked;
      open.delete(asked);
      await delay(pauseMs, undefined, { signal: leaving.signal }).catch(() => undefined);
    }
  };
  const walks = Array.from({ length: people }, (_, person) => walk(person));
  const leave = async (): Promise<void> => {
    leaving.abort();
    await Promise.all(walks);
    for (const agent of agents) agent.destroy();
  };
  const since = (): (() => Visits) => {
    const before = structuredClone(visits);
    return () => ({
      requests: visits.requests - before.requests,
      by: minus(visits.by, before.by),
      appErrors: minus(visits.appErrors, before.appErrors),
      failures: visits.failures.slice(before.failures.length),
    });
  };
  return {
    visits,
    count: people,
    since,
    seen: async (version, times = 1, boundMs = 20_000) => {
      const fresh = since();
      await until(`${times} answers by ${version}`, () => (fresh().by[version] ?? 0) >= times, boundMs);
    },
    sample: async (requests) => {
      const fresh = since();
      await until(`${requests} more requests`, () => fresh().requests >= requests, 30_000);
      return fresh().by;
    },
    answered: async () => void (await Promise.all(open)),
    leave,
    [Symbol.asyncDispose]: leave,
  };
}

interface Ask {
  readonly port: number;
  readonly agent: Agent;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly visits: Visits;
}

function ask({ port, agent, method, path, headers, visits }: Ask): Promise<void> {
  return new Promise((resolve) => {
    const sentAt = Date.now();
    const outgoing = request({ host: "127.0.0.1", port, agent, method, path, headers });
    let hasAnswer = false;
    let isSettled = false;
    const settle = (failure: Omit<Failure, "path" | "sentAt" | "at"> | null): void => {
      if (isSettled) return;
      isSettled = true;
      clearTimeout(timer);
      visits.requests += 1;
      if (failure !== null) visits.failures.push({ ...failure, path, sentAt, at: Date.now() });
      resolve();
    };
    const timer = setTimeout(() => {
      settle({ why: `no answer within ${PATIENCE_MS} ms`, refused: false, cut: false });
      outgoing.destroy();
    }, PATIENCE_MS);
    outgoing.once("error", (error: NodeJS.ErrnoException) => {
      if (hasAnswer) return;
      settle({
        why: `${error.code ?? ""} ${error.message}`,
        refused: error.code === "ECONNREFUSED",
        cut: error.code !== "ECONNREFUSED",
      });
    });
    outgoing.once("response", (answer) => {
      hasAnswer = true;
      answer.on("error", () => undefined);
      answer.resume();
      answer.once("close", () => {
        const status = answer.statusCode ?? 0;
        const app = answer.headers["x-app"];
        if (!answer.complete) return settle({ why: `the answer ${status} was cut off`, refused: false, cut: true });
        if (typeof app === "string") visits.by[app] = (visits.by[app] ?? 0) + 1;
        if (status < 500) return settle(null);
        // What the app says itself is the app's; a 502 of the data plane is a failure.
        if (typeof app !== "string" || status !== 500)
          return settle({ why: `status ${status}`, refused: false, cut: false });
        visits.appErrors[app] = (visits.appErrors[app] ?? 0) + 1;
        settle(null);
      });
    });
    outgoing.end(method === "POST" ? "{}" : undefined);
  });
}

function minus(now: Record<string, number>, before: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(now).map(([name, count]) => [name, count - (before[name] ?? 0)]));
}
