import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { systemClock } from "../../src/adapters/clock/system.ts";
import { createHealthProbe } from "../../src/adapters/health/http.ts";
import { redactor } from "../../src/core/text/redact.ts";
import { closedPort, httpServer, rawServer, trickle } from "./servers.ts";
import { until } from "../support/until.ts";

const probe = createHealthProbe({ clock: systemClock, redact: (text) => text });

describe("a health probe", () => {
  it("is good on 200 and tells status, first bytes and time", async () => {
    await using server = await httpServer((_, response) => response.end('{"status":"ok",\n  "db":"up"}'));
    const before = Date.now();
    const answer = await probe.http(`${server.url}/health`, 2_000);
    assert.equal(answer.ok, true);
    assert.equal(answer.status, 200);
    assert.equal(answer.text, '{"status":"ok", "db":"up"}');
    assert.ok(answer.at >= before && answer.at <= Date.now());
    assert.ok(answer.tookMs > 0);
  });

  it("is bad on 503 and tells why the app says so", async () => {
    await using server = await httpServer((_, response) => response.writeHead(503).end("database is away"));
    const answer = await probe.http(`${server.url}/health`, 2_000);
    assert.deepEqual([answer.ok, answer.status, answer.text], [false, 503, "database is away"]);
  });

  it("does not follow a redirect, and tells where it leads", async () => {
    await using server = await httpServer((_, response) => response.writeHead(302, { location: "/login" }).end());
    const answer = await probe.http(`${server.url}/health`, 2_000);
    assert.deepEqual([answer.ok, answer.status, answer.text], [false, 302, "/health answers 302 to /login"]);
    assert.deepEqual(server.asked, ["GET /health"]);
  });

  it("keeps 200 bytes of a body that never ends, and hangs up", async () => {
    await using server = await httpServer((_, response) => {
      const write = (): void => {
        while (!response.destroyed && response.write("é".repeat(5_000)));
        if (!response.destroyed) response.once("drain", write);
      };
      write();
    });
    const answer = await probe.http(`${server.url}/health`, 5_000);
    assert.equal(answer.ok, true);
    assert.equal(answer.text, "é".repeat(100));
  });

  it("never cuts a character in two", async () => {
    await using server = await httpServer((_, response) => response.end(`x${"é".repeat(150)}`));
    const answer = await probe.http(`${server.url}/health`, 2_000);
    assert.equal(answer.text, `x${"é".repeat(99)}`);
  });

  it("says that nothing listens", async () => {
    const port = await closedPort();
    const answer = await probe.http(`http://127.0.0.1:${port}/health`, 2_000);
    assert.deepEqual(
      [answer.ok, answer.status, answer.text],
      [false, undefined, `nothing listens at 127.0.0.1:${port}`],
    );
  });

  it("gives up on a server that accepts and never answers", async () => {
    await using server = await rawServer(() => undefined);
    const answer = await probe.http(`${server.url}/health`, 150);
    assert.deepEqual([answer.ok, answer.text], [false, "no answer within 150ms"]);
    await until("the connection is closed", () => server.connections() === 0);
  });

  it("counts the whole answer, not the silence between its bytes", async () => {
    await using server = await rawServer((socket) =>
      trickle(socket, "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n" + "x".repeat(1_000), 5),
    );
    const answer = await probe.http(`${server.url}/health`, 400);
    assert.equal(answer.ok, false);
    assert.match(answer.text, /within 400ms/);
  });

  it("does not take a cut answer for a good one", async () => {
    await using server = await rawServer((socket) =>
      socket.end("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"),
    );
    const answer = await probe.http(`${server.url}/health`, 2_000);
    assert.deepEqual([answer.ok, answer.text], [false, "the answer (200) was cut after 5 bytes of its body"]);
  });

  it("says so when the other side hangs up or speaks something else", async () => {
    await using silent = await rawServer((socket) => socket.end());
    const cut = await probe.http(`${silent.url}/health`, 2_000);
    assert.match(cut.text, /closed the connection without an answer/);
    await using redis = await rawServer((socket) => socket.end("-ERR unknown command\r\n"));
    const odd = await probe.http(`${redis.url}/health`, 2_000);
    assert.match(odd.text, /did not answer in HTTP/);
  });

  it("uses a new connection each time", async () => {
    const ports = new Set<number | undefined>();
    await using server = await httpServer((request, response) => {
      ports.add(request.socket.remotePort);
      response.end("ok");
    });
    await probe.http(`${server.url}/health`, 2_000);
    await probe.http(`${server.url}/health`, 2_000);
    assert.equal(ports.size, 2);
  });

  it("shows no control characters and no secrets of the app's", async () => {
    const secret = "pg-password-123";
    const careful = createHealthProbe({ clock: systemClock, redact: redactor([secret]).text });
    await using server = await httpServer((_, response) => response.writeHead(500).end(`\u001b[31mno ${secret}\u0007`));
    assert.equal((await careful.http(server.url, 2_000)).text, "no •••");
  });

  it("hides a secret that the end of what is told would cut in two", async () => {
    const secret = "a-very-long-secret-value";
    const careful = createHealthProbe({ clock: systemClock, redact: redactor([secret]).text });
    await using server = await httpServer((_, response) => response.writeHead(500).end(`${"x".repeat(190)}${secret}`));
    assert.equal((await careful.http(server.url, 2_000)).text, `${"x".repeat(190)}•••`);
  });

  it("asks a port whether it takes connections", async () => {
    await using server = await rawServer(() => undefined);
    assert.equal((await probe.tcp(`127.0.0.1:${server.port}`, 2_000)).ok, true);
    const port = await closedPort();
    const refused = await probe.tcp(`127.0.0.1:${port}`, 2_000);
    assert.deepEqual([refused.ok, refused.text], [false, `nothing listens at 127.0.0.1:${port}`]);
    assert.deepEqual((await probe.tcp("nonsense", 2_000)).text, '"nonsense" is not host:port');
  });

  it("never throws, whatever the address", async () => {
    for (const url of ["", "http://", "ftp://127.0.0.1/x", "http://127.0.0.1:99999/"]) {
      const answer = await probe.http(url, 500);
      assert.equal(answer.ok, false, url);
    }
  });
});
