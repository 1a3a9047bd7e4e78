import { Agent, request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { until } from "../../support/until.ts";

/** Something that people ask for, and how a right answer looks. */
export interface Page {
  readonly method?: "GET" | "POST";
  readonly path: string;
  readonly send?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Why the answer is wrong; null when it is right. */
  wrong(status: number, body: string): string | null;
  /** Which version it was, where the answer tells. */
  version?(body: string): string;
}

export interface CrowdOptions {
  readonly port: number;
  /** Each person asks for them one after the other, and begins elsewhere. */
  readonly pages: readonly Page[];
  /** Keep their cookies, as browsers do. */
  readonly browsers: number;
  /** Keep none, as scripts do. */
  readonly scripts: number;
  /** Between an answer and the next request of one person. */
  readonly pauseMs: number;
  /** WebSockets that are held open, and opened again when they are asked to go. */
  readonly sockets?: HeldSockets;
}

export interface HeldSockets {
  readonly path: string;
  readonly count: number;
  readonly hello: string;
}

export interface Seen {
  requests: number;
  /** Resets, time-outs, answers that were cut or wrong, WebSockets that failed or were cut: what, and how it ended. */
  readonly failures: string[];
  /** Answers that tell it, by version. */
  readonly versions: Record<string, number>;
  /** Browsers that were on the new version and fell back to an older one, by the order in which versions appeared. */
  fellBack: number;
  slowestMs: number;
  socketsOpened: number;
  socketMessages: number;
  /** How WebSockets ended that ended well, by close code. */
  readonly goodbyes: Record<number, number>;
}

/** People at the front door, who count everything that happens to them. */
export interface Crowd extends AsyncDisposable {
  readonly seen: Seen;
  /** Waits until so many more requests have been answered. */
  more(requests: number, boundMs?: number): Promise<void>;
  /** Counts answers by version from here on. */
  since(): () => Readonly<Record<string, number>>;
  /** Waits until every WebSocket is open. */
  connected(boundMs?: number): Promise<void>;
  /** Everybody finishes what they have begun, and goes. */
  leave(): Promise<Seen>;
}

const PATIENCE_MS = 10_000;
/** Asked to go, a browser comes back a little later. */
const COME_BACK_MS = 50;

export function crowd(options: CrowdOptions): Crowd {
  const seen: Seen = {
    requests: 0,
    failures: [],
    versions: {},
    fellBack: 0,
    slowestMs: 0,
    socketsOpened: 0,
    socketMessages: 0,
    goodbyes: {},
  };
  const leaving = new AbortController();
  const people = Array.from({ length: options.browsers + options.scripts }, (_, person) =>
    walk(options, person, seen, leaving.signal),
  );
  const held = options.sockets;
  const sockets =
    held === undefined
      ? []
      : Array.from({ length: held.count }, () => holdSocket(options.port, held, seen, leaving.signal));
  const leave = async (): Promise<Seen> => {
    leaving.abort();
    await Promise.all([...people, ...sockets.map(({ ended }) => ended)]);
    return seen;
  };
  return {
    seen,
    async more(requests, boundMs = 60_000) {
      const enough = seen.requests + requests;
      await until(`${requests} more requests`, () => seen.requests >= enough, boundMs);
    },
    since() {
      const before = { ...seen.versions };
      return () =>
        Object.fromEntries(
          Object.entries(seen.versions)
            .map(([version, count]) => [version, count - (before[version] ?? 0)] as const)
            .filter(([, count]) => count > 0),
        );
    },
    connected: async (boundMs = 30_000) => {
      await until("every WebSocket is open", () => sockets.every(({ isOpen }) => isOpen()), boundMs);
    },
    leave,
    [Symbol.asyncDispose]: async () => {
      await leave();
    },
  };
}

async function walk(options: CrowdOptions, person: number, seen: Seen, leaving: AbortSignal): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const keepsCookies = person < options.browsers;
  let cookie: string | undefined;
  const met: string[] = [];
  for (let turn = person; !leaving.aborted; turn += 1) {
    const page = options.pages[turn % options.pages.length] as Page;
    const answer = await ask(options.port, agent, page, cookie, seen);
    if (keepsCookies) cookie = answer.cookie ?? cookie;
    if (keepsCookies && answer.version !== undefined) noteVersion(answer.version, met, seen);
    await delay(options.pauseMs, undefined, { signal: leaving }).catch(() => undefined);
  }
  agent.destroy();
}

/** A browser may change over to a version once, and never back. */
function noteVersion(version: string, met: string[], seen: Seen): void {
  if (met.at(-1) === version) return;
  if (met.includes(version)) seen.fellBack += 1;
  met.push(version);
}

interface Answer {
  readonly cookie?: string;
  readonly version?: string;
}

function ask(port: number, agent: Agent, page: Page, cookie: string | undefined, seen: Seen): Promise<Answer> {
  const method = page.method ?? "GET";
  const began = performance.now();
  return new Promise((resolve) => {
    let answered = false;
    const settle = (failure: string | null, answer: Answer = {}): void => {
      if (answered) return;
      answered = true;
      clearTimeout(timer);
      seen.requests += 1;
      seen.slowestMs = Math.max(seen.slowestMs, performance.now() - began);
      if (failure !== null) seen.failures.push(`${method} ${page.path}: ${failure}`);
      resolve(answer);
    };
    const headers = {
      ...(cookie === undefined ? {} : { cookie }),
      ...(page.send === undefined ? {} : { "content-type": "application/json" }),
      ...page.headers,
    };
    const outgoing = request({ host: "127.0.0.1", port, agent, method, path: page.path, headers });
    const timer = setTimeout(() => {
      settle(`no answer within ${PATIENCE_MS} ms`);
      outgoing.destroy();
    }, PATIENCE_MS);
    outgoing.once("error", (error) => settle(error.message));
    outgoing.once("response", (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("error", () => undefined);
      incoming.once("close", () => {
        const status = incoming.statusCode ?? 0;
        if (!incoming.complete) return settle(`the answer ${status} was cut off`);
        const body = Buffer.concat(chunks).toString("utf8");
        const wrong = page.wrong(status, body);
        const given = incoming.headers["set-cookie"]?.[0]?.split(";")[0];
        if (wrong !== null) return settle(wrong);
        const version = page.version?.(body);
        if (version !== undefined) seen.versions[version] = (seen.versions[version] ?? 0) + 1;
        settle(null, {
          ...(given === undefined ? {} : { cookie: given }),
          ...(version === undefined ? {} : { version }),
        });
      });
    });
    outgoing.end(page.send);
  });
}

/** Holds one WebSocket open until the signal: one that is asked to go comes back, one that is cut is a failure. */
function holdSocket(
  port: number,
  sockets: HeldSockets,
  seen: Seen,
  leaving: AbortSignal,
): { readonly ended: Promise<void>; readonly isOpen: () => boolean } {
  let isOpen = false;
  const once = (): Promise<void> =>
    new Promise((resolve) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}${sockets.path}`);
      const leave = (): void => socket.close(1000);
      leaving.addEventListener("abort", leave, { once: true });
      socket.addEventListener("open", () => {
        isOpen = true;
        seen.socketsOpened += 1;
        socket.send(sockets.hello);
      });
      socket.addEventListener("message", () => void (seen.socketMessages += 1));
      socket.addEventListener("error", () => undefined);
      socket.addEventListener("close", ({ code }) => {
        leaving.removeEventListener("abort", leave);
        const wasOpen = isOpen;
        isOpen = false;
        const isWell = code === 1000 || code === 1001 || (leaving.aborted && !wasOpen);
        if (isWell) seen.goodbyes[code] = (seen.goodbyes[code] ?? 0) + 1;
        else seen.failures.push(`WebSocket ${sockets.path}: ${wasOpen ? "ended" : "did not open"} with ${code}`);
        resolve();
      });
    });
  const hold = async (): Promise<void> => {
    while (!leaving.aborted) {
      await once();
      await delay(COME_BACK_MS, undefined, { signal: leaving }).catch(() => undefined);
    }
  };
  return { ended: hold(), isOpen: () => isOpen };
}
