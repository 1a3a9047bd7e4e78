import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, describe, it } from "node:test";
import type { TLSSocket } from "node:tls";
import { systemClock } from "../../src/adapters/clock/system.ts";
import { createShellRunner } from "../../src/adapters/command/shell.ts";
import { createSmokeRunner } from "../../src/adapters/smoke/http.ts";
import { redactor } from "../../src/core/text/redact.ts";
import type { SmokeCommand, SmokeFlow, SmokeHttp, SmokeRequest, SmokeTcp } from "../../src/core/smoke/smoke.ts";
import type { Target } from "../../src/ports/tasks.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { makeAuthority } from "./certificates.ts";
import { closedPort, httpServer, httpsServer, rawServer, trickle } from "./servers.ts";

const folder = temporaryFolder();
after(() => folder[Symbol.asyncDispose]());

const never = new AbortController().signal;
const redact = (text: string): string => text;
const commands = createShellRunner({ directory: folder.path, redact });
const runner = createSmokeRunner({
  commands,
  clock: systemClock,
  redact,
  values: () => ({ USER_PASSWORD: "s3cret-pass" }),
});

type HttpWish = Partial<Omit<SmokeHttp, "expect">> & { readonly expect?: Partial<SmokeHttp["expect"]> };

function http(line: string, { expect, ...wish }: HttpWish = {}): SmokeHttp {
  const [method = "GET", path = "/"] = line.split(" ");
  return {
    kind: "http",
    name: line,
    method,
    path,
    headers: {},
    save: {},
    timeoutMs: 2_000,
    attempts: 1,
    ...wish,
    expect: { status: [], headers: {}, contains: [], json: [], ...expect },
  };
}

function flow(requests: readonly SmokeRequest[], wish: Partial<SmokeFlow> = {}): SmokeFlow {
  return { name: "flow", service: "web", requests, cleanup: [], variables: {}, ...wish };
}

function target(url: string, headers: Record<string, string> = {}): Target {
  return { baseUrls: { web: url }, headers, version: "9f2c1e", insecureTls: false };
}

const one = async (asked: SmokeFlow, at: Target, signal = never) => {
  const { flows, passed } = await runner.run([asked], at, signal);
  const [outcome] = flows;
  assert.ok(outcome);
  assert.equal(passed, outcome.passed);
  return outcome;
};

describe("a smoke flow", () => {
  it("carries values from one request to the next and takes back what it made", async () => {
    const orders = new Map<number, string>();
    await using server = await httpServer((request, response, body) => {
      response.setHeader("content-type", "application/json");
      const id = Number(request.url?.split("/")[2]);
      if (request.method === "POST") {
        orders.set(41, (JSON.parse(body) as { item: string }).item);
        return response.writeHead(201, { location: "/orders/41" }).end('{"order":{"id":41}}');
      }
      if (request.method === "DELETE") return response.writeHead(orders.delete(id) ? 204 : 404).end();
      const item = orders.get(id);
      return item === undefined ? response.writeHead(404).end("{}") : response.end(JSON.stringify({ id, item }));
    });
    const outcome = await one(
      flow(
        [
          http("POST /orders", {
            body: '{"item":"{{unique}} of {{version}}"}',
            expect: { status: [201], headers: { Location: "/orders" } },
            save: { id: "$.order.id", where: "header:Location" },
          }),
          http("GET {{where}}", {
            expect: {
              contains: ["{{unique}} of 9f2c1e"],
              headers: { "content-type": "application/json" },
              json: [
                { path: "$.id", operator: "equals", value: "{{id}}" },
                { path: "$.item", operator: "matches", value: "^[0-9a-f]{12} of" },
                { path: "$.gone", operator: "exists", value: false },
              ],
            },
          }),
        ],
        { cleanup: [http("DELETE /orders/{{id}}")] },
      ),
      target(server.url),
    );
    assert.equal(outcome.failure, undefined);
    assert.equal(outcome.passed, true);
    assert.deepEqual(server.asked, ["POST /orders", "GET /orders/41", "DELETE /orders/41"]);
    assert.equal(orders.size, 0);
  });

  it("tells the first failure with request, expectation and what came, and still cleans up", async () => {
    await using server = await httpServer((request, response) =>
      response.writeHead(request.method === "POST" ? 500 : 200).end('{"error":"cart.total is undefined"}'),
    );
    const outcome = await one(
      flow([http("POST /checkout", { name: "check out", expect: { status: [201] } }), http("GET /never")], {
        cleanup: [http("DELETE /cart")],
      }),
      target(server.url),
    );
    assert.equal(outcome.passed, false);
    assert.equal(
      outcome.failure,
      'check out (POST /checkout): expected status 201, got 500; the answer: {"error":"cart.total is undefined"}',
    );
    assert.deepEqual(server.asked, ["POST /checkout", "DELETE /cart"]);
  });

  it("runs each clean-up whatever became of the others, and tells the first that failed beside the failure", async () => {
    await using server = await httpServer((request, response) =>
      response.writeHead(request.url === "/third" ? 200 : 500).end(),
    );
    const outcome = await one(
      flow([http("GET /first")], {
        cleanup: [http("DELETE /second"), http("DELETE /orders/{{id}}"), http("GET /third")],
      }),
      target(server.url),
    );
    assert.match(outcome.failure ?? "", /GET \/first: expected status 200–299, got 500/);
    assert.match(outcome.cleanupFailure ?? "", /DELETE \/second: expected/);
    assert.deepEqual(server.asked, ["GET /first", "DELETE /second", "GET /third"]);
  });

  it("has not passed when only its clean-up failed", async () => {
    await using server = await httpServer((request, response) =>
      response.writeHead(request.method === "DELETE" ? 403 : 200).end(),
    );
    const outcome = await one(flow([http("GET /")], { cleanup: [http("DELETE /x")] }), target(server.url));
    assert.deepEqual([outcome.passed, outcome.failure], [false, undefined]);
    assert.match(outcome.cleanupFailure ?? "", /expected status 200–299, got 403/);
  });

  it("cleans up when it is stopped in the middle of a request, and runs no flow after that", async () => {
    const abort = new AbortController();
    await using server = await httpServer((request, response) => {
      if (request.url === "/hangs") return abort.abort();
      response.end();
    });
    const hanging = flow([http("GET /hangs"), http("GET /never")], { cleanup: [http("DELETE /cart")] });
    const outcome = await runner.run([hanging, flow([http("GET /other")])], target(server.url), abort.signal);
    assert.equal(outcome.passed, false);
    assert.deepEqual(server.asked, ["GET /hangs", "DELETE /cart"]);
    assert.equal(outcome.flows[0]?.failure, "GET /hangs: stopped before its end");
    assert.equal(outcome.flows[1]?.failure, "not run: stopped before");
  });

  it("tries again as often as it may, and says how often", async () => {
    let count = 0;
    await using server = await httpServer((_, response) => response.writeHead((count += 1) < 3 ? 503 : 200).end());
    assert.equal((await one(flow([http("GET /", { attempts: 3 })]), target(server.url))).passed, true);
    assert.equal(count, 3);
    count = 0;
    const outcome = await one(flow([http("GET /", { attempts: 2 })]), target(server.url));
    assert.match(outcome.failure ?? "", /got 503 \(2 tries\)$/);
  });

  it("keeps cookies within the flow, by path and until they end, and forgets them after it", async () => {
    const seen: (string | undefined)[] = [];
    await using server = await httpServer((request, response) => {
      seen.push(request.headers.cookie);
      if (request.url === "/login") {
        response.setHeader("set-cookie", [
          "sid=abc; Path=/; Secure; HttpOnly",
          "admin=1; Path=/admin",
          "old=1; Max-Age=0",
        ]);
      }
      if (request.url === "/logout")
        response.setHeader("set-cookie", "sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
      response.end();
    });
    const login = flow([http("GET /login"), http("GET /a"), http("GET /admin/b"), http("GET /logout"), http("GET /c")]);
    await runner.run([login, flow([http("GET /d")])], target(server.url), never);
    assert.deepEqual(seen, [undefined, "sid=abc", "admin=1; sid=abc", "sid=abc", undefined, undefined]);
  });

  it("signs in with basic and bearer authentication, with secrets of the plan", async () => {
    const seen: (string | undefined)[] = [];
    await using server = await httpServer((request, response) => {
      seen.push(request.headers.authorization);
      response.end('{"token":"tok-123"}');
    });
    const outcome = await one(
      flow([
        http("POST /login", {
          auth: { kind: "basic", user: "smoke", password: "${USER_PASSWORD}" },
          save: { token: "$.token" },
        }),
        http("GET /me", { auth: { kind: "bearer", token: "{{token}}" } }),
      ]),
      target(server.url),
    );
    assert.equal(outcome.passed, true);
    assert.deepEqual(seen, [`Basic ${Buffer.from("smoke:s3cret-pass").toString("base64")}`, "Bearer tok-123"]);
  });

  it("pins every request, even where the flow says otherwise, but lets it name its host", async () => {
    const seen: unknown[] = [];
    await using server = await httpServer(({ headers }, response) => {
      seen.push([headers["x-tidegate-version"], headers.host]);
      response.end();
    });
    const at = target(server.url, { "x-tidegate-version": "9f2c1e", host: "www.test" });
    await one(flow([http("GET /", { headers: { "X-Tidegate-Version": "stable" } })]), at);
    await one(flow([http("GET /", { headers: { Host: "api.test" } })]), at);
    assert.deepEqual(seen, [
      ["9f2c1e", "www.test"],
      ["9f2c1e", "api.test"],
    ]);
  });

  it("never shows the token that pins, though the app repeats it", async () => {
    await using server = await httpServer(({ headers }, response) =>
      response.writeHead(500).end(`you sent ${String(headers["x-tidegate-token"])}`),
    );
    const outcome = await one(flow([http("GET /")]), target(server.url, { "x-tidegate-token": "engine-token-1" }));
    assert.match(outcome.failure ?? "", /the answer: you sent •••$/);
  });

  it("asks the version under test, whatever host an answer names", async () => {
    const seen: (string | undefined)[] = [];
    await using other = await httpServer((_, response) => response.end());
    await using server = await httpServer((request, response) => {
      seen.push(request.headers["x-pin"] as string | undefined);
      response
        .writeHead(201, { location: request.url === "/a" ? `${other.url}/orders/1?x=2` : "//evil.example/" })
        .end();
    });
    const outcome = await one(
      flow([
        http("POST /a", { save: { next: "header:location" } }),
        http("GET {{next}}", { save: { next: "header:location" } }),
        http("GET {{next}}"),
      ]),
      target(server.url, { "x-pin": "secret-pin" }),
    );
    assert.equal(outcome.passed, true);
    assert.deepEqual(server.asked, ["POST /a", "GET /orders/1?x=2", "GET //evil.example/"]);
    assert.deepEqual(other.asked, []);
  });

  it("goes through the front door's TLS under the name that it asks for, whatever its certificate", async () => {
    const names: unknown[] = [];
    const { cert, key } = makeAuthority(folder, 10).sign("internal.test", 5);
    await using server = await httpsServer({ cert, key }, (request, response) => {
      names.push([(request.socket as TLSSocket).servername, request.headers.host]);
      response.end();
    });
    const asked = flow([http("GET /", { headers: { Host: "shop.example.com" } })]);
    assert.equal((await one(asked, { ...target(server.url), insecureTls: true })).failure, undefined);
    assert.deepEqual(names, [["shop.example.com", "shop.example.com"]]);
    assert.match((await one(asked, target(server.url))).failure ?? "", /no TLS connection to/);
  });

  it("does not follow redirects, and tells where one leads", async () => {
    await using server = await httpServer((_, response) => response.writeHead(302, { location: "/again" }).end());
    const outcome = await one(flow([http("GET /again")]), target(server.url));
    assert.equal(outcome.failure, "GET /again: expected status 200–299, got 302 to /again");
    assert.deepEqual(server.asked, ["GET /again"]);
    assert.equal(
      (await one(flow([http("GET /again", { expect: { status: [301, 302] } })]), target(server.url))).passed,
      true,
    );
  });

  it("holds answers against a time", async () => {
    await using server = await httpServer((_, response) => void setTimeout(() => response.end("late"), 120));
    const outcome = await one(flow([http("GET /", { expect: { withinMs: 20 } })]), target(server.url));
    assert.match(outcome.failure ?? "", /expected an answer within 20ms, it took \d+ms/);
  });

  it("gives up on what never ends: no answer, an answer byte by byte, a cut one", async () => {
    await using silent = await rawServer(() => undefined);
    assert.match(
      (await one(flow([http("GET /", { timeoutMs: 100 })]), target(silent.url))).failure ?? "",
      /no answer within 100ms/,
    );
    await using slow = await rawServer((socket) =>
      trickle(socket, `HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n${"x".repeat(5_000)}`, 2),
    );
    assert.match(
      (await one(flow([http("GET /", { timeoutMs: 300 })]), target(slow.url))).failure ?? "",
      /within 300ms/,
    );
    await using cut = await rawServer((socket) =>
      socket.end("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nhel"),
    );
    assert.match((await one(flow([http("GET /")]), target(cut.url))).failure ?? "", /was cut after 3 bytes/);
  });

  it("reads a huge body within bounds", async () => {
    const chunk = Buffer.alloc(64 * 1024, "x");
    await using server = await httpServer((request, response) => {
      let left = request.url === "/endless" ? Number.POSITIVE_INFINITY : 160;
      const write = (): void => {
        while (left > 0 && !response.destroyed) {
          left -= 1;
          if (!response.write(chunk)) return void response.once("drain", write);
        }
        response.end();
      };
      write();
    });
    assert.equal((await one(flow([http("GET /10MB")]), target(server.url))).passed, true);
    const searched = await one(flow([http("GET /endless", { expect: { contains: ["y"] } })]), target(server.url));
    assert.match(searched.failure ?? "", /it does not in the part of the answer that was read/);
    const parsed = await one(
      flow([http("GET /endless", { expect: { json: [{ path: "$", operator: "exists", value: null }] } })]),
      target(server.url),
    );
    assert.match(parsed.failure ?? "", /longer than what is read of it/);
  });

  it("takes an event stream for answered once it has said what is expected", async () => {
    await using server = await httpServer((_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" }).write("data: hello\n\n");
    });
    assert.equal(
      (await one(flow([http("GET /", { expect: { contains: ["hello"] } })]), target(server.url))).passed,
      true,
    );
    const outcome = await one(
      flow([http("GET /", { timeoutMs: 200, expect: { contains: ["other"] } })]),
      target(server.url),
    );
    assert.match(outcome.failure ?? "", /within 200ms/);
  });

  it("says so when JSON is expected and none comes", async () => {
    await using server = await httpServer((_, response) => response.end("<html>Welcome</html>"));
    const outcome = await one(
      flow([http("GET /", { expect: { json: [{ path: "$.ok", operator: "equals", value: true }] } })]),
      target(server.url),
    );
    assert.equal(outcome.failure, "GET /: expected JSON, but the answer is none; the answer: <html>Welcome</html>");
  });

  it("is not stopped by a pattern that would take for ever", async () => {
    await using server = await httpServer((_, response) => response.end(JSON.stringify({ a: `${"a".repeat(40)}b` })));
    const outcome = await one(
      flow([http("GET /", { expect: { json: [{ path: "$.a", operator: "matches", value: "^(a+)+$" }] } })]),
      target(server.url),
    );
    assert.match(outcome.failure ?? "", /is not a pattern, or takes too long/);
  });

  it("tells an unknown service, a missing value and a missing secret instead of asking", async () => {
    await using server = await httpServer((_, response) => response.end("{}"));
    const failureOf = async (asked: SmokeFlow): Promise<string> => (await one(asked, target(server.url))).failure ?? "";
    assert.match(await failureOf(flow([http("GET /")], { service: "api" })), /no address of the service api/);
    assert.match(await failureOf(flow([http("GET /{{id}}")])), /\{\{id\}\} has no value/);
    assert.match(
      await failureOf(flow([http("GET /", { headers: { "x-key": "${MISSING}" } })])),
      /\$\{MISSING\} is neither/,
    );
    assert.match(
      await failureOf(flow([http("GET /", { headers: { "x-key": "a\r\nx-injected: 1" } })])),
      /can't be sent/,
    );
    assert.deepEqual(server.asked, []);
    assert.match(
      await failureOf(flow([http("GET /", { save: { id: "$.id" } })])),
      /nothing to save as id: \$\.id is not in/,
    );
  });

  it("shows no secret: of the plan, of the flow, or that an app answered", async () => {
    await using server = await httpServer((request, response) =>
      request.url === "/login"
        ? response.end(`{"session":"sess-456789","mirror":"${"x".repeat(10)}"}`)
        : response
            .writeHead(500)
            .end(`${"x".repeat(150)}sess-456789 s3cret-pass known-by-all ${request.headers.authorization}`),
    );
    const careful = createSmokeRunner({
      commands,
      clock: systemClock,
      redact: redactor(["known-by-all"]).text,
      values: () => ({ USER_PASSWORD: "s3cret-pass" }),
    });
    const { flows } = await careful.run(
      [
        flow([
          http("GET /login", { save: { session: "$.session" } }),
          http("GET /x", { auth: { kind: "basic", user: "u", password: "${USER_PASSWORD}" } }),
        ]),
      ],
      target(server.url),
      never,
    );
    const failure = flows[0]?.failure ?? "";
    assert.match(failure, /got 500/);
    for (const piece of ["sess", "s3cret", "known", "Basic"]) assert.ok(!failure.includes(piece), failure);
  });

  it("never reads what an app answered as a reference to a secret", async () => {
    await using server = await httpServer((request, response) =>
      response.end(request.url === "/a" ? '{"v":"${USER_PASSWORD}{{version}}"}' : "ok"),
    );
    await one(flow([http("GET /a", { save: { v: "$.v" } }), http("GET /b?{{v}}")]), target(server.url));
    assert.equal(server.asked[1], "GET /b?${USER_PASSWORD}{{version}}");
  });
});

describe("a smoke flow beyond HTTP", () => {
  const tcp = (wish: Partial<SmokeTcp> = {}): SmokeTcp => ({
    kind: "tcp",
    name: "port",
    timeoutMs: 1_000,
    attempts: 1,
    ...wish,
  });
  const command = (line: string, wish: Partial<SmokeCommand> = {}): SmokeCommand => ({
    kind: "command",
    name: "script",
    command: line,
    timeoutMs: 10_000,
    attempts: 1,
    ...wish,
  });

  it("asks the instance's port, or another", async () => {
    await using server = await httpServer((_, response) => response.end());
    const port = await closedPort();
    assert.equal((await one(flow([tcp()]), target(server.url))).passed, true);
    const outcome = await one(flow([tcp({ address: `127.0.0.1:${port}` })]), target(server.url));
    assert.equal(outcome.failure, `port: nothing listens at 127.0.0.1:${port}`);
  });

  it("gives a command the address, the version, the pin and the variables, but never as a part of its line", async () => {
    await using server = await httpServer((_, response) => response.end('{"id":"$(touch hacked); 7"}'));
    const outcome = await one(
      flow([
        http("GET /", { save: { id: "$.id" } }),
        command('printf "%s\\n" "$TIDEGATE_URL" "$TIDEGATE_VERSION" "$TIDEGATE_HEADERS" "$id" "{{id}}" > seen.txt'),
      ]),
      target(server.url, { "x-pin": "p" }),
    );
    assert.equal(outcome.passed, true);
    assert.equal(
      readFileSync(folder.file("seen.txt"), "utf8"),
      `${server.url}\n9f2c1e\nx-pin: p\n$(touch hacked); 7\n{{id}}\n`,
    );
  });

  it("tells a command's code and last line, and its time-out", async () => {
    const failed = await one(
      flow([command("echo checking; echo no such table >&2; exit 4")]),
      target("http://127.0.0.1:1"),
    );
    assert.equal(failed.failure, "script: the command ended with code 4: no such table");
    const late = await one(
      flow([command("echo waiting; exec sleep 600", { timeoutMs: 150 })]),
      target("http://127.0.0.1:1"),
    );
    assert.equal(late.failure, "script: the command did not end within 150ms: waiting");
  });
});
