import { existsSync } from "node:fs";
import { after } from "node:test";
import type { SourceFrom } from "../../src/core/plan/source.ts";
import { createMemoryMetrics } from "../../src/adapters/metrics/memory.ts";
import { realMetrics } from "../metrics/stand.ts";
import { type PostgresServer, postgresServer } from "../support/postgres.ts";
import { redisServer } from "../support/redis.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/until.ts";
import { httpServer, rawServer } from "../tasks/servers.ts";
import { metricsContract } from "./metrics.ts";

const SECRET = "pass-wörd";
const FLOOD = "x".repeat(10 * 1024 * 1024);
/** Those that can be asked about a version say how long its name is. */
const isFigureOf = (version: string, value: number): boolean => value === version.length;
const real = () => realMetrics({ SECRET });

const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());
let database: PostgresServer | undefined;

metricsContract("memory", () => {
  const metrics = createMemoryMetrics();
  const from = (text: string): SourceFrom => ({ kind: "command", command: text });
  metrics.figure = ({ from: { kind, ...rest } }, { version }) => {
    const text = JSON.stringify([kind, rest]);
    if (text.includes("hangs")) return "hangs";
    if (text.includes("length")) return version.length;
    return text.includes("empty") ? { kind: "no-data", why: "nothing" } : { kind: "down", why: "it is away" };
  };
  return Promise.resolve({
    metrics,
    good: from("length"),
    empty: from("empty"),
    away: from("away"),
    nonsense: from("nonsense"),
    flood: from("flood"),
    hangs: from("hangs"),
    locked: { from: from("locked"), secret: SECRET },
    isFigureOf,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});

/** Prometheus' API, as far as one number needs it. */
metricsContract("prometheus", async () => {
  const server = await httpServer((request, response, body) => {
    if (request.url?.startsWith("/hangs") === true) return;
    if (request.url?.startsWith("/nonsense") === true) return void response.end("<html>");
    if (request.url?.startsWith("/flood") === true) return void response.end(FLOOD);
    if (request.headers.authorization !== undefined)
      return void response.writeHead(401).end(`no ${request.headers.authorization}`);
    const version = new URLSearchParams(body).get("query") ?? "";
    const result = version === "none" ? [] : [{ metric: {}, value: [Date.now() / 1_000, String(version.length)] }];
    response.end(JSON.stringify({ status: "success", data: { resultType: "vector", result } }));
  });
  const from = (path: string, query = "${version}", more: object = {}): SourceFrom => ({
    kind: "prometheus",
    at: { url: `${server.url}${path}`, headers: {}, ...more },
    query,
  });
  return {
    metrics: real(),
    good: from(""),
    isFigureOf,
    empty: from("", "none"),
    away: { kind: "prometheus", at: { url: "http://127.0.0.1:1", headers: {} }, query: "up" },
    nonsense: from("/nonsense"),
    flood: from("/flood"),
    hangs: from("/hangs"),
    locked: { from: from("", "up", { basic: { user: "gate", password: "${SECRET}" } }), secret: SECRET },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
});

metricsContract("http", async () => {
  const server = await httpServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://x");
    if (pathname === "/hangs") return;
    if (pathname === "/nonsense") return void response.end("<html>");
    if (pathname === "/flood") return void response.end(`[${"1,".repeat(5 * 1024 * 1024)}1]`);
    if (request.headers.authorization !== undefined)
      return void response.writeHead(401).end(`no ${request.headers.authorization}`);
    response.end(JSON.stringify({ length: searchParams.get("of")?.length ?? null }));
  });
  const from = (path: string, more: object = {}): SourceFrom => ({
    kind: "http",
    at: { url: `${server.url}${path}`, headers: {}, ...more },
    select: "length",
  });
  return {
    metrics: real(),
    good: from("/?of=${version}"),
    isFigureOf,
    empty: from("/"),
    away: { kind: "http", at: { url: "http://127.0.0.1:1", headers: {} } },
    nonsense: from("/nonsense"),
    flood: from("/flood"),
    hangs: from("/hangs"),
    locked: { from: from("/", { bearer: "${SECRET}" }), secret: SECRET },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
});

metricsContract("command", () => {
  const from = (command: string): SourceFrom => ({ kind: "command", command });
  return Promise.resolve({
    metrics: real(),
    good: from("printf %s ${version} | wc -c"),
    isFigureOf,
    empty: from("true"),
    away: { kind: "command", command: ["/no/such/program"] } satisfies SourceFrom,
    nonsense: from("echo many"),
    flood: from("yes"),
    hangs: from("sleep 600"),
    locked: { from: from('echo "no: $SECRET" >&2; exit 1'), secret: SECRET },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});

metricsContract("redis", async () => {
  const own = new AsyncDisposableStack();
  const folder = own.use(temporaryFolder());
  const socket = folder.file("redis.sock");
  own.use(redisServer(folder, ["port 0", `unixsocket ${socket}`, "user gate on >other +@all ~*", "user default off"]));
  await until("Redis listens", () => existsSync(socket));
  const silent = own.use(await rawServer(() => undefined));
  const wrong = own.use(await rawServer((to) => to.end("HTTP/1.1 400 Bad Request\r\n\r\n")));
  const flood = own.use(await rawServer((to) => to.end(`$${FLOOD.length}\r\n${FLOOD}`)));
  const from = (url: string): SourceFrom => ({ kind: "redis", url, figure: "memory" });
  const at = (port: number): SourceFrom => from(`redis://127.0.0.1:${port}`);
  return {
    metrics: real(),
    good: from(`unix://gate:other@${socket}`),
    // It serves both versions, and says the same of both.
    isFigureOf: (_, value) => value > 0 && value < 1,
    away: at(1),
    nonsense: at(wrong.port),
    flood: at(flood.port),
    hangs: at(silent.port),
    locked: { from: from("unix://gate:${SECRET}@" + socket), secret: SECRET },
    [Symbol.asyncDispose]: () => own.disposeAsync(),
  };
});

metricsContract("postgres", async () => {
  const server = (database ??= stack.use(await postgresServer()));
  const own = new AsyncDisposableStack();
  const silent = own.use(await rawServer(() => undefined));
  const wrong = own.use(await rawServer((to) => to.end("HTTP/1.1 400 Bad Request\r\n\r\n")));
  const flood = own.use(await rawServer((to) => to.end(FLOOD)));
  const from = (query: string, url = server.url()): SourceFrom => ({ kind: "postgres", url, figure: "query", query });
  const at = (port: number): SourceFrom => from("SELECT 1", `postgres://gate@127.0.0.1:${port}/postgres`);
  return {
    metrics: real(),
    good: from("SELECT length('${version}')"),
    isFigureOf,
    empty: from("SELECT 1 WHERE false"),
    away: at(1),
    nonsense: at(wrong.port),
    flood: at(flood.port),
    hangs: at(silent.port),
    locked: { from: from("SELECT 1", server.url("postgres", "secret:${SECRET}")), secret: SECRET },
    [Symbol.asyncDispose]: () => own.disposeAsync(),
  };
});
