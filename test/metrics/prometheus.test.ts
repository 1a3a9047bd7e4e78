import { equal, match } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import type { PrometheusFrom } from "../../src/core/plan/source.ts";
import { httpServer, type RunningServer } from "../tasks/servers.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/until.ts";
import { answerOf, realMetrics, SUBJECT } from "./stand.ts";

/** What the exporter says; the last of it is gone when `isShort`. */
const EXPORTED = `# TYPE carts_total counter
carts_total{version="v1"} 100
carts_total{version="v2"} 42
queue{shard="a"} 3
queue{shard="b"} 4
quoted{version="a\\"b"} 7
`;

describe("A real Prometheus", () => {
  let url = "";
  const stack = new AsyncDisposableStack();
  const from = (query: string, more: Partial<PrometheusFrom> = {}): PrometheusFrom => ({
    kind: "prometheus",
    at: { url, headers: {} },
    query,
    ...more,
  });

  before(async () => {
    const exporter = stack.use(
      await httpServer((_, response) => response.setHeader("content-type", "text/plain").end(EXPORTED)),
    );
    url = await startPrometheus(stack, exporter);
    await until("a first scrape", async () => (await answerOf(from("queue{shard='a'}"))) === "3", 30_000);
  });
  after(() => stack.disposeAsync());

  it("gives one number for each version", async () => {
    const query = 'carts_total{version="${version}"}';
    equal(await answerOf(from(query)), "42");
    equal(await answerOf(from(query), { subject: { ...SUBJECT, version: "v1" } }), "100");
    equal(await answerOf(from("sum(queue)")), "7");
    equal(await answerOf(from("scalar(sum(queue)) * 2")), "14");
  });

  it("is asked for a version with any name: none of them gets out of its quotes", async () => {
    equal(await answerOf(from('quoted{version="${version}"}'), { subject: { ...SUBJECT, version: 'a"b' } }), "7");
    const subject = { ...SUBJECT, version: 'x"} or vector(1) or carts_total{version="y' };
    equal(await answerOf(from('carts_total{version="${version}"}'), { subject }), "no-data: the query finds nothing");
  });

  it("gives one number of a span", async () => {
    const over = { ms: 60_000, stepMs: 1_000, take: "max" } as const;
    equal(await answerOf(from("sum(queue)", { over })), "7");
    equal(await answerOf(from("sum(queue)", { over: { ...over, take: "mean" } })), "7");
    equal(await answerOf(from("nothing_of_it", { over })), "no-data: the query finds nothing");
  });

  it("has no data where it finds nothing, or nothing to divide by", async () => {
    equal(await answerOf(from("nothing_of_it")), "no-data: the query finds nothing");
    equal(
      await answerOf(from("sum(queue * 0) / sum(queue * 0)")),
      "no-data: the query gives NaN, so there was nothing to divide by",
    );
    equal(await answerOf(from("sum(queue) / sum(queue * 0)")), "no-data: the query gives +Inf");
  });

  it("says of more than one series how to make one of them", async () => {
    match(
      await answerOf(from("queue")),
      /^down: the query gives 2 series where one number is needed, as \{.*shard="a".*\} and \{.*shard="b".*\} \| make one of them: `sum\(…\)`/,
    );
    match(await answerOf(from("queue[1m]")), /many values over a time .* \| put a function around its range/);
  });

  it("tells what is wrong with a query in its own words", async () => {
    match(
      await answerOf(from("sum(queue")),
      /^down: Prometheus does not understand the query: .*parse error: unclosed left parenthesis \| mend the query$/,
    );
    match(await answerOf(from('"text"')), /^down: the query gives a string where a number is needed$/);
  });
});

describe("What answers in the place of Prometheus", () => {
  const at = (server: RunningServer, more: object = {}): PrometheusFrom => ({
    kind: "prometheus",
    at: { url: server.url, headers: {}, ...more },
    query: "up",
  });
  const one = JSON.stringify({
    status: "success",
    data: { resultType: "vector", result: [{ metric: {}, value: [1, "5"] }] },
  });

  it("is away, overloaded, elsewhere or something else: never a figure", async () => {
    await using server = await httpServer((request, response) => {
      const path = new URL(request.url ?? "/", "http://x").pathname.split("/")[1] ?? "";
      if (path === "busy") return void response.writeHead(503).end("overloaded");
      if (path === "page") return void response.writeHead(200, { "content-type": "text/html" }).end("<html>");
      if (path === "moved") return void response.writeHead(302, { location: "http://elsewhere.test/" }).end();
      if (path === "json") return void response.end('{"tables": []}');
      if (path === "locked") return void response.writeHead(401).end("who are you?");
      if (path === "cut") {
        response.writeHead(200, { "content-length": "1000" });
        return void response.write('{"status":', () => response.destroy());
      }
      if (path === "many") {
        const series = Array.from({ length: 100_000 }, (_, index) => ({ metric: { id: index }, value: [1, "1"] }));
        return void response.end(JSON.stringify({ status: "success", data: { resultType: "vector", result: series } }));
      }
      if (path === "hangs") return;
      response.end(one);
    });
    const say = (path: string): Promise<string> =>
      answerOf({ ...at(server), at: { url: `${server.url}/${path}`, headers: {} } }, { timeoutMs: 300 });
    const { url } = server;
    equal(await say("busy"), `down: ${url} answers 503: overloaded`);
    match(await say("page"), /did not answer in JSON \(text\/html\) \| check that the address leads where it should$/);
    match(await say("moved"), /answers 302 and sends on to http:\/\/elsewhere\.test\/ \| write that address/);
    match(await say("json"), /^down: it answers 200 with JSON that is not Prometheus'/);
    match(await say("locked"), /answers 401: who are you\? \| write how to be let in/);
    match(await say("cut"), /^down: the answer \(200\) was cut after 10 bytes of its body$/);
    equal(await say("hangs"), `down: ${url} gives no answer within 300ms`);
    equal(
      await answerOf({ ...at(server), at: { url: `${url}/many`, headers: {} } }),
      "down: the query gives very many series where one number is needed | make one of them: `sum(…)`, or name its labels in the query",
    );
    equal(
      await answerOf({ ...at(server), at: { url: "http://127.0.0.1:1", headers: {} } }),
      "down: nothing listens at 127.0.0.1:1",
    );
  });

  it("lets us in by token, password or header, and none of them is told", async () => {
    const seen: (string | undefined)[] = [];
    await using server = await httpServer((request, response) => {
      seen.push(request.headers.authorization ?? String(request.headers["x-scope-orgid"]));
      response.writeHead(500).end(`no: ${request.headers.authorization ?? ""} of ${request.url ?? ""}`);
    });
    const metrics = realMetrics({ TOKEN: "s3cret-token", PASSWORD: "s3cret-word" });
    const said = [
      await answerOf(at(server, { bearer: "${TOKEN}" }), { metrics }),
      await answerOf(at(server, { basic: { user: "gate", password: "${PASSWORD}" } }), { metrics }),
      await answerOf(at(server, { headers: { "X-Scope-OrgID": "${app}" } }), { metrics }),
      await answerOf(at(server, { url: server.url.replace("//", "//gate:${PASSWORD}@") }), { metrics }),
    ];
    const basic = `Basic ${Buffer.from("gate:s3cret-word").toString("base64")}`;
    equal(JSON.stringify(seen), JSON.stringify(["Bearer s3cret-token", basic, "shop", basic]));
    for (const one of said) {
      match(one, /answers 500/);
      equal(/s3cret|Z2F0ZT/.test(one), false, one);
    }
  });
});

async function startPrometheus(stack: AsyncDisposableStack, exporter: RunningServer): Promise<string> {
  const folder = stack.use(temporaryFolder());
  const config = {
    global: { scrape_interval: "1s" },
    scrape_configs: [{ job_name: "shop", static_configs: [{ targets: [`127.0.0.1:${exporter.port}`] }] }],
  };
  writeFileSync(folder.file("prometheus.yml"), JSON.stringify(config));
  const port = await freePort();
  const server = spawn(
    "prometheus",
    [
      `--config.file=${folder.file("prometheus.yml")}`,
      `--storage.tsdb.path=${folder.file("data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--log.level=error",
    ],
    { stdio: "ignore" },
  );
  stack.defer(async () => {
    if (server.exitCode !== null) return;
    server.kill("SIGKILL");
    await once(server, "exit");
  });
  return `http://127.0.0.1:${port}`;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
