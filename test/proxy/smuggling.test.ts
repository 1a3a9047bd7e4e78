import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type App, eventually, exchangeRaw, RawClient, startApp, startPlaneFor } from "./plane-under-test.ts";

/** Would be seen by the app as a request of its own if the one before it were read differently there. */
const HIDDEN = "GET /hidden HTTP/1.1\r\nHost: shop\r\n\r\n";

const HEAD = "POST / HTTP/1.1\r\nHost: shop\r\n";
const CHUNKED = `${HEAD}Transfer-Encoding: chunked\r\n\r\n`;

/** Name, request, the status that it must get. */
const REFUSED: readonly (readonly [string, string, number])[] = [
  [
    "a length and chunks (CL.TE)",
    `${HEAD}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
    400,
  ],
  [
    "chunks and a length (TE.CL)",
    `${HEAD}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n${HIDDEN}\r\n0\r\n\r\n`,
    400,
  ],
  [
    "two codings in two lines (TE.TE)",
    `${HEAD}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n${HIDDEN}`,
    400,
  ],
  [
    "two codings in two lines, chunked last",
    `${HEAD}Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${HIDDEN}`,
    501,
  ],
  ["chunked twice", `${HEAD}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n${HIDDEN}`, 400],
  ["chunked before another coding", `${HEAD}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n${HIDDEN}`, 400],
  ["another coding before chunked", `${HEAD}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n${HIDDEN}`, 501],
  ["a coding that only looks like chunked", `${HEAD}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${HIDDEN}`, 501],
  ["a coding in quotes", `${HEAD}Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n${HIDDEN}`, 501],
  ["a vertical tab before chunked", `${HEAD}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n${HIDDEN}`, 400],
  [
    "a space before the colon",
    `${HEAD}Transfer-Encoding : chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n${HIDDEN}`,
    400,
  ],
  ["a tab before the colon", `${HEAD}Content-Length\t: 5\r\n\r\nhello${HIDDEN}`, 400],
  ["a folded line", `${HEAD}X-A: 1\r\n Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n${HIDDEN}`, 400],
  ["a folded coding", `${HEAD}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n${HIDDEN}`, 400],
  ["a first header that begins with a space", `POST / HTTP/1.1\r\n Host: shop\r\n\r\n`, 400],
  ["two lengths", `${HEAD}Content-Length: 0\r\nContent-Length: 5\r\n\r\nhello${HIDDEN}`, 400],
  ["the same length twice", `${HEAD}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello${HIDDEN}`, 400],
  ["a list of lengths", `${HEAD}Content-Length: 5, 5\r\n\r\nhello${HIDDEN}`, 400],
  ["a signed length", `${HEAD}Content-Length: +5\r\n\r\nhello${HIDDEN}`, 400],
  ["a negative length", `${HEAD}Content-Length: -1\r\n\r\n${HIDDEN}`, 400],
  ["a length in hex", `${HEAD}Content-Length: 0x5\r\n\r\nhello${HIDDEN}`, 400],
  ["a length that overflows", `${HEAD}Content-Length: 18446744073709551617\r\n\r\n${HIDDEN}`, 400],
  ["an empty length", `${HEAD}Content-Length: \r\n\r\n${HIDDEN}`, 400],
  ["a header line that ends with LF", `POST / HTTP/1.1\r\nHost: shop\nContent-Length: 5\r\n\r\nhello${HIDDEN}`, 400],
  ["a header that ends with LF LF", `${HEAD}X-A: 1\n\n${HIDDEN}`, 400],
  ["a request line that ends with LF", `POST / HTTP/1.1\nHost: shop\r\n\r\n${HIDDEN}`, 400],
  ["a header line that ends with CR", `POST / HTTP/1.1\r\nHost: shop\rX-A: 1\r\n\r\n${HIDDEN}`, 400],
  ["a NUL in a header", `${HEAD}X-A: a\0b\r\n\r\n`, 400],
  ["a control character in a header", `${HEAD}X-A: a\x01b\r\n\r\n`, 400],
  ["a header name with a bracket", `${HEAD}X(A): 1\r\n\r\n`, 400],
  ["a header name with a space", `${HEAD}X A: 1\r\n\r\n`, 400],
  ["a header name that is not ASCII", `${HEAD}X\xe9: 1\r\n\r\n`, 400],
  ["a header without a name", `${HEAD}: 1\r\n\r\n`, 400],
  ["a header without a colon", `${HEAD}X-A\r\n\r\n`, 400],
  ["a chunk size that overflows", `${CHUNKED}fffffffffffffffff\r\nhello\r\n0\r\n\r\n${HIDDEN}`, 400],
  ["a chunk size with a sign", `${CHUNKED}+5\r\nhello\r\n0\r\n\r\n${HIDDEN}`, 400],
  ["a chunk size in 0x", `${CHUNKED}0x5\r\nhello\r\n0\r\n\r\n${HIDDEN}`, 400],
  ["a chunk size with a space", `${CHUNKED}5 \r\nhello\r\n0\r\n\r\n${HIDDEN}`, 400],
  ["a chunk size line that ends with LF", `${CHUNKED}5\nhello\r\n0\r\n\r\n${HIDDEN}`, 400],
  ["a chunk that ends with LF", `${CHUNKED}5\r\nhello\n0\r\n\r\n${HIDDEN}`, 400],
  ["a chunk that is longer than its size", `${CHUNKED}2\r\nhello\r\n0\r\n\r\n${HIDDEN}`, 400],
  ["a chunk extension that ends with LF", `${CHUNKED}5;a\nhello\r\n0\r\n\r\n${HIDDEN}`, 400],
  ["no chunk size", `${CHUNKED}\r\nhello\r\n0\r\n\r\n${HIDDEN}`, 400],
  ["a length among the trailers", `${CHUNKED}0\r\nContent-Length: 30\r\n\r\n${HIDDEN}`, 400],
  ["chunks in HTTP/1.0", `POST / HTTP/1.0\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${HIDDEN}`, 400],
  ["an unknown version", "GET / HTTP/1.2\r\nHost: shop\r\n\r\n", 400],
  ["HTTP/2.0 in words", "GET / HTTP/2.0\r\nHost: shop\r\n\r\n", 505],
  ["HTTP/0.9", "GET /\r\n\r\n", 505],
  ["two hosts", "GET / HTTP/1.1\r\nHost: shop\r\nHost: evil\r\n\r\n", 400],
  ["no host", "GET / HTTP/1.1\r\n\r\n", 400],
  ["a host with a path", "GET / HTTP/1.1\r\nHost: shop/x\r\n\r\n", 400],
  ["a host with a user", "GET / HTTP/1.1\r\nHost: a@shop\r\n\r\n", 400],
  ["a host list", "GET / HTTP/1.1\r\nHost: shop, evil\r\n\r\n", 400],
  ["a target of another host", "GET http://evil/ HTTP/1.1\r\nHost: shop\r\n\r\n", 400],
  ["a target with another scheme", "GET ftp://shop/ HTTP/1.1\r\nHost: shop\r\n\r\n", 400],
  ["a target without a slash", "GET admin HTTP/1.1\r\nHost: shop\r\n\r\n", 400],
  ["a target with a fragment", "GET /a#b HTTP/1.1\r\nHost: shop\r\n\r\n", 400],
  ["a star where it has no meaning", "GET * HTTP/1.1\r\nHost: shop\r\n\r\n", 400],
  ["a space in the target", "GET /a b HTTP/1.1\r\nHost: shop\r\n\r\n", 400],
  ["an unknown method", "BREW / HTTP/1.1\r\nHost: shop\r\n\r\n", 400],
  ["CONNECT", "CONNECT shop:443 HTTP/1.1\r\nHost: shop:443\r\n\r\n", 405],
  [
    "an upgrade with a body",
    `GET / HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 40\r\n\r\n${HIDDEN}`,
    400,
  ],
  ["a header that is too large", `GET / HTTP/1.1\r\nHost: shop\r\nX-A: ${"a".repeat(20_000)}\r\n\r\n`, 431],
  ["too many header lines", `GET / HTTP/1.1\r\nHost: shop\r\n${"X-A: 1\r\n".repeat(120)}\r\n`, 431],
  ["bytes that are no HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400],
];

describe("what two servers could read differently", () => {
  for (const [name, request, status] of REFUSED) {
    it(`is refused: ${name}`, async () => {
      const paths: string[] = [];
      await using app = await startApp((incoming, response) => {
        paths.push(incoming.url ?? "");
        incoming.on("error", () => undefined);
        incoming.resume().on("end", () => response.end("app"));
      });
      await using plane = await startPlaneFor(app);
      const answer = await exchangeRaw(plane.port, request);
      assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `));
      assert.equal(answer.split("HTTP/1.1 ").length - 1, 1, `one answer, then the end:\n${answer}`);
      assert.ok(!answer.endsWith("app"));
      assert.ok(!paths.includes("/hidden"), `the app saw ${paths.join(" ")}`);
    });
  }

  it("is refused even when it comes byte by byte", async () => {
    await using app = await startApp((_request, response) => response.end("app"));
    await using plane = await startPlaneFor(app);
    using client = await RawClient.to(plane.port);
    for (const byte of `${HEAD}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n`) client.send(byte);
    await client.until("400 Bad Request");
    await client.closed();
    assert.equal(app.received(), "");
  });
});

describe("what looks odd and is right", () => {
  async function served(request: string): Promise<{ answer: string; app: App }> {
    await using app = await startApp((incoming, response) => {
      let body = "";
      incoming.on("data", (chunk: Buffer) => (body += chunk.toString()));
      incoming.on("end", () => response.end(`${incoming.method} ${incoming.url} ${incoming.headers.host} ${body}`));
    });
    await using plane = await startPlaneFor(app);
    return { answer: await exchangeRaw(plane.port, request), app };
  }

  it("a target in absolute form, of the same host", async () => {
    const { answer } = await served("GET http://Shop:80/x?y HTTP/1.1\r\nHost: shop:80\r\nConnection: close\r\n\r\n");
    assert.match(answer, /\r\n\r\nGET \/x\?y Shop:80 $/);
  });

  it("OPTIONS *", async () => {
    const { answer } = await served("OPTIONS * HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n");
    assert.match(answer, /\r\n\r\nOPTIONS \* shop $/);
  });

  it("chunk extensions, which are dropped", async () => {
    const { answer, app } = await served(
      `${HEAD}Connection: close\r\nTransfer-Encoding: Chunked\r\n\r\n5;name=value\r\nhello\r\n0\r\n\r\n`,
    );
    assert.match(answer, /hello$/);
    assert.ok(!app.received().includes("name=value"));
  });

  it("a POST without a body, which the app gets with the length 0", async () => {
    const { answer, app } = await served(`${HEAD}Connection: close\r\n\r\n`);
    assert.match(answer, /\r\n\r\nPOST \/ shop $/);
    assert.match(app.received(), /Content-Length: 0\r\n/);
  });

  it("a GET with a body", async () => {
    const { answer } = await served(
      "GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
    );
    assert.match(answer, /\r\n\r\nGET \/ shop hello$/);
  });

  it("an empty line before the request", async () => {
    const { answer } = await served("\r\nGET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n");
    assert.match(answer, /^HTTP\/1\.1 200 OK/);
  });
});

describe("slow clients", () => {
  const timeouts = { headersMs: 300 };

  it("are cut when the header does not come (Slowloris)", async () => {
    await using app = await startApp((_request, response) => response.end());
    await using plane = await startPlaneFor(app, { timeouts });
    using client = await RawClient.to(plane.port);
    const drip = setInterval(() => client.send("X"), 50);
    client.send("GET / HTTP/1.1\r\nHost: shop\r\nX-A: ");
    await client.closed();
    clearInterval(drip);
    assert.match(client.text, /^HTTP\/1\.1 408 /);
    assert.equal(app.received(), "");
  });

  it("are cut when nothing comes at all", async () => {
    await using app = await startApp((_request, response) => response.end());
    await using plane = await startPlaneFor(app, { timeouts });
    using client = await RawClient.to(plane.port);
    await client.closed();
  });

  it("are cut when the body stands still", async () => {
    await using app = await startApp((request) => void request.resume());
    await using plane = await startPlaneFor(app, { waits: { answerMs: 300_000, bodyMs: 100 } });
    using client = await RawClient.to(plane.port);
    client.send(`${HEAD}Content-Length: 10\r\n\r\nhalf`);
    await client.closed();
    assert.match(client.text, /^HTTP\/1\.1 408 /);
    assert.match(client.text, /x-tidegate-error: request-too-slow/);
  });

  it("are not cut while their body moves, however long it takes", async () => {
    await using app = await startApp((request, response) => {
      request.resume().on("end", () => response.end("whole"));
    });
    await using plane = await startPlaneFor(app, { timeouts, waits: { answerMs: 300_000, bodyMs: 400 } });
    using still = await RawClient.to(plane.port);
    using client = await RawClient.to(plane.port);
    const length = 100_000;
    for (const each of [still, client]) each.send(`${HEAD}Content-Length: ${length}\r\n\r\n`);
    let sent = 0;
    await eventually("the one that stands still to be cut", () => {
      client.send("x");
      sent += 1;
      return still.isClosed;
    });
    client.send("x".repeat(length - sent));
    await client.until("whole");
  });

  it("lose an idle connection after its time, between requests only", async () => {
    await using app = await startApp((_request, response) => response.end("ok"));
    await using plane = await startPlaneFor(app, { timeouts: { idleMs: 50 } });
    using client = await RawClient.to(plane.port);
    client.send("GET / HTTP/1.1\r\nHost: shop\r\n\r\n");
    await client.until("ok");
    await client.closed();
  });
});
