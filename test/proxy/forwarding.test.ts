import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { describe, it } from "node:test";
import {
  eventually,
  exchangeRaw,
  get,
  RawClient,
  startApp,
  startPlaneFor,
  standsStill,
  startRawApp,
} from "./plane-under-test.ts";

const GET = "GET / HTTP/1.1\r\nHost: shop\r\n\r\n";
const GET_AND_CLOSE = "GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n";

describe("streaming", () => {
  it("passes a request's body on while it still comes", async () => {
    let seen = "";
    await using app = await startApp((request, response) => {
      request.on("data", (chunk: Buffer) => (seen += chunk.toString()));
      request.on("end", () => response.end("done"));
    });
    await using plane = await startPlaneFor(app);
    using client = await RawClient.to(plane.port);
    client.send("POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 10\r\n\r\nfirst");
    await eventually("the first half at the app", () => seen === "first");
    client.send("after");
    await client.until("done");
    assert.equal(seen, "firstafter");
  });

  it("passes a chunked request's body on as chunks", async () => {
    await using app = await startApp((request, response) => {
      const coding = request.headers["transfer-encoding"];
      request.on("data", () => undefined).on("end", () => response.end(`${coding}`));
    });
    await using plane = await startPlaneFor(app);
    const answer = await exchangeRaw(
      plane.port,
      "POST / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    );
    assert.match(answer, /chunked$/);
  });

  it("passes an answer on piece by piece, each as soon as it is there", async () => {
    const responses: ServerResponse[] = [];
    await using app = await startApp((_request, response) => void responses.push(response));
    await using plane = await startPlaneFor(app);
    using client = await RawClient.to(plane.port);
    client.send(GET);
    await eventually("the request at the app", () => responses.length === 1);
    const [response] = responses as [ServerResponse];
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.flushHeaders();
    await client.until("text/event-stream");
    response.write("data: 1\n\n");
    await client.until("data: 1\n\n");
    response.write("data: 2\n\n");
    await client.until("data: 2\n\n");
    response.end();
    await client.until("0\r\n\r\n");
  });

  it("sends the header of an answer of known length before its body", async () => {
    const responses: ServerResponse[] = [];
    await using app = await startApp((_request, response) => void responses.push(response));
    await using plane = await startPlaneFor(app);
    using client = await RawClient.to(plane.port);
    client.send(GET);
    await eventually("the request at the app", () => responses.length === 1);
    responses[0]?.writeHead(200, { "content-length": 3 });
    responses[0]?.flushHeaders();
    await client.until("Content-Length: 3\r\n");
    responses[0]?.end("abc");
    await client.until("\r\n\r\nabc");
  });

  it("does not take more of an answer than the client takes", async () => {
    const piece = Buffer.alloc(64 * 1024, 120);
    let written = 0;
    let isBlocked = false;
    await using app = await startApp((_request, response) => {
      const more = (): void => {
        while (written < 256 * 1024 * 1024) {
          written += piece.length;
          if (!response.write(piece)) {
            isBlocked = true;
            response.once("drain", () => {
              isBlocked = false;
              more();
            });
            return;
          }
        }
      };
      more();
    });
    await using plane = await startPlaneFor(app);
    using client = await RawClient.to(plane.port);
    client.socket.pause();
    client.send(GET);
    await eventually(
      "the app to be held back",
      standsStill(() => (isBlocked ? written : null)),
    );
    assert.ok(written < 64 * 1024 * 1024, `${written} bytes were taken from the app`);
  });

  for (const framing of ["length", "chunks"] as const) {
    it(`brings large answers unharmed to many clients at once, slow ones too (by ${framing})`, async () => {
      const body = randomBytes(4 * 1024 * 1024);
      const digest = createHash("sha256").update(body).digest("hex");
      await using app = await startApp((_request, response) => {
        if (framing === "length") response.setHeader("content-length", body.length);
        for (let at = 0; at < body.length; at += 100_003) response.write(body.subarray(at, at + 100_003));
        response.end();
      });
      await using plane = await startPlaneFor(app);
      const digests = await Promise.all(
        Array.from({ length: 12 }, async (_, i) => {
          const response = await fetch(`http://127.0.0.1:${plane.port}/`);
          const hash = createHash("sha256");
          if (response.body === null) return "";
          for await (const piece of response.body) {
            hash.update(piece as Uint8Array);
            if (i % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
          }
          return hash.digest("hex");
        }),
      );
      assert.deepEqual(new Set(digests), new Set([digest]));
    });
  }

  it("uses a connection again on which it had to wait for the client", async () => {
    const size = 16 * 1024 * 1024;
    let connections = 0;
    let answer: ServerResponse | undefined;
    await using app = await startApp((_request, response) => {
      answer = response;
      response.end(Buffer.alloc(size, 120));
    });
    app.server.on("connection", () => (connections += 1));
    await using plane = await startPlaneFor(app);
    await eventually("the probe to be over", () => plane.plane.state().endpoints["web-1"]?.healthy === true);
    const before = connections;
    for (let i = 0; i < 3; i += 1) {
      using client = await RawClient.to(plane.port);
      client.socket.pause();
      answer = undefined;
      client.send(GET_AND_CLOSE);
      const left = (): number | null => answer?.socket?.writableLength || null;
      await eventually("the app to be held back", standsStill(left));
      client.socket.resume();
      await client.closed();
      assert.equal(client.text.length - client.text.indexOf("\r\n\r\n") - 4, size);
    }
    assert.equal(connections - before, 1);
  });

  it("does not take more of a request than the app takes", async () => {
    let taken: IncomingMessage | undefined;
    await using app = await startApp((request) => {
      taken = request;
      request.pause();
    });
    await using plane = await startPlaneFor(app);
    using client = await RawClient.to(plane.port);
    const size = 256 * 1024 * 1024;
    client.send(`POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: ${size}\r\n\r\n`);
    await eventually("the request at the app", () => taken !== undefined);
    const piece = Buffer.alloc(64 * 1024);
    let sent = 0;
    const write = (): number | null => {
      while (client.socket.writableLength < 1024 * 1024 && sent < size) {
        client.socket.write(piece);
        sent += piece.length;
      }
      return client.socket.writableLength < 1024 * 1024 ? null : sent;
    };
    await eventually("the client to be held back", standsStill(write));
    assert.ok(sent < 64 * 1024 * 1024, `${sent} bytes were taken from the client`);
  });
});

describe("messages", () => {
  it("passes trailers both ways, with their announcement", async () => {
    let trailers: NodeJS.Dict<string> = {};
    await using app = await startApp((request, response) => {
      request.resume();
      request.on("end", () => {
        trailers = request.trailers;
        response.writeHead(200, { trailer: "x-sum" });
        response.write("body");
        response.addTrailers({ "x-sum": "42" });
        response.end();
      });
    });
    await using plane = await startPlaneFor(app);
    const answer = await exchangeRaw(
      plane.port,
      "POST / HTTP/1.1\r\nHost: shop\r\nTE: trailers\r\nTrailer: x-in\r\nConnection: close, TE\r\nTransfer-Encoding: chunked\r\n\r\n" +
        "3\r\nabc\r\n0\r\nx-in: 7\r\nHost: evil\r\n\r\n",
    );
    assert.equal(trailers["x-in"], "7");
    assert.equal(trailers.host, undefined, "a trailer that would change what was read already");
    assert.match(answer, /trailer: x-sum/i);
    assert.match(answer, /\r\n0\r\nx-sum: 42\r\n\r\n$/);
    assert.match(app.received(), /TE: trailers/);
  });

  it("lets the app say when the body of a 100-continue request may come", async () => {
    await using app = await startApp(() => undefined);
    app.server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
      response.writeContinue();
      request.on("data", (chunk: Buffer) => response.write(chunk));
      request.on("end", () => response.end());
    });
    await using plane = await startPlaneFor(app);
    using client = await RawClient.to(plane.port);
    client.send("POST / HTTP/1.1\r\nHost: shop\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    await client.until("HTTP/1.1 100 Continue\r\n\r\n");
    client.send("body");
    await client.until("200 OK");
    await client.until("body");
  });

  it("passes on the app's refusal of a 100-continue request", async () => {
    await using app = await startApp(() => undefined);
    app.server.on("checkContinue", (_request: IncomingMessage, response: ServerResponse) => {
      response.writeHead(417, { "content-length": 4 });
      response.end("nope");
    });
    await using plane = await startPlaneFor(app);
    using client = await RawClient.to(plane.port);
    client.send("POST / HTTP/1.1\r\nHost: shop\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    await client.until("417 Expectation Failed");
    await client.until("nope");
    assert.ok(!client.text.includes("100 Continue"));
    await client.closed();
  });

  it("lets the app judge expectations that it does not know itself", async () => {
    await using app = await startApp(() => undefined);
    await using plane = await startPlaneFor(app);
    const answer = await exchangeRaw(
      plane.port,
      "GET / HTTP/1.1\r\nHost: shop\r\nExpect: wonders\r\nConnection: close\r\n\r\n",
    );
    assert.match(answer, /^HTTP\/1\.1 417 /);
    assert.match(app.received(), /Expect: wonders/);
  });

  it("passes early hints on before the answer", async () => {
    const responses: ServerResponse[] = [];
    await using app = await startApp((_request, response) => {
      response.writeEarlyHints({ link: "</style.css>; rel=preload; as=style", "x-trace": "1" });
      responses.push(response);
    });
    await using plane = await startPlaneFor(app);
    using client = await RawClient.to(plane.port);
    client.send(GET);
    await client.until("HTTP/1.1 103 Early Hints\r\n");
    await client.until("x-trace: 1\r\n\r\n");
    assert.match(client.text, /Link: <\/style\.css>; rel=preload; as=style\r\n/i);
    responses[0]?.end("page");
    await client.until("200 OK");
  });

  it("keeps a 100 to itself that the client did not ask for", async () => {
    await using app = await startRawApp((socket) => {
      socket.once("data", () =>
        socket.end("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
      );
    });
    await using plane = await startPlaneFor(app);
    const answer = await exchangeRaw(plane.port, GET_AND_CLOSE);
    assert.match(answer, /^HTTP\/1\.1 200 OK/);
  });

  it("removes what belongs to one connection, both ways", async () => {
    await using app = await startRawApp((socket) => {
      socket.once("data", () =>
        socket.end(
          "HTTP/1.1 200 OK\r\nConnection: close, X-Gone\r\nX-Gone: 1\r\nKeep-Alive: timeout=9\r\nProxy-Authenticate: x\r\n" +
            "Upgrade: h2c\r\nX-Stays: 1\r\nContent-Length: 2\r\n\r\nok",
        ),
      );
    });
    await using plane = await startPlaneFor(app);
    using client = await RawClient.to(plane.port);
    client.send(
      "GET / HTTP/1.1\r\nHost: shop\r\nConnection: keep-alive, X-Private, Upgrade\r\nX-Private: 1\r\nKeep-Alive: timeout=1\r\n" +
        "Proxy-Connection: keep-alive\r\nProxy-Authorization: secret\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\nX-Public: 1\r\n\r\n",
    );
    await client.until("ok");
    const toApp = app.received();
    assert.match(toApp, /X-Public: 1/);
    for (const gone of [
      "X-Private",
      "Keep-Alive:",
      "Proxy-Connection",
      "Proxy-Authorization",
      "Upgrade",
      "HTTP2-Settings",
    ]) {
      assert.ok(!toApp.includes(gone), `${gone} reached the app:\n${toApp}`);
    }
    assert.match(client.text, /X-Stays: 1/);
    for (const gone of ["X-Gone", "timeout=9", "Proxy-Authenticate", "Upgrade", "Connection: close"]) {
      assert.ok(!client.text.includes(gone), `${gone} reached the client:\n${client.text}`);
    }
  });

  it("does not let Connection take away what frames the message", async () => {
    await using app = await startApp((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => response.end(`${request.headers.host}:${body}`));
    });
    await using plane = await startPlaneFor(app);
    const answer = await exchangeRaw(
      plane.port,
      "POST / HTTP/1.1\r\nHost: shop\r\nConnection: close, host, content-length\r\nContent-Length: 3\r\n\r\nabc",
    );
    assert.match(answer, /\r\n\r\nshop:abc$/);
  });

  it("answers pipelined requests in their order", async () => {
    let slow: ServerResponse | undefined;
    await using app = await startApp((request, response) => {
      if (request.url === "/slow") slow = response;
      // The app has the second one's answer before that of the first.
      else response.end("answer to /quick;", () => slow?.end("answer to /slow;"));
    });
    await using plane = await startPlaneFor(app);
    using client = await RawClient.to(plane.port);
    client.send(
      "GET /slow HTTP/1.1\r\nHost: shop\r\n\r\nGET /quick HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n",
    );
    await client.closed();
    assert.ok(client.text.indexOf("answer to /slow;") < client.text.indexOf("answer to /quick;"));
    assert.ok(client.text.includes("answer to /slow;"));
  });

  it("serves HTTP/1.0 clients without chunks and closes", async () => {
    await using app = await startApp((_request, response) => {
      response.write("one ");
      response.end("two");
    });
    await using plane = await startPlaneFor(app);
    const answer = await exchangeRaw(plane.port, "GET / HTTP/1.0\r\n\r\n");
    assert.ok(!/transfer-encoding/i.test(answer));
    assert.match(answer, /\r\n\r\none two$/);
    assert.match(app.received(), /^GET \/ HTTP\/1\.1\r\n/);
  });

  for (const [name, status, request] of [
    ["HEAD", 200, "HEAD / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n"],
    ["304", 304, GET_AND_CLOSE],
  ] as const) {
    it(`passes the length of a body that does not come (${name})`, async () => {
      await using app = await startApp((_request, response) => {
        response.writeHead(status, { "content-length": "1234", etag: '"x"' });
        response.end();
      });
      await using plane = await startPlaneFor(app);
      const answer = await exchangeRaw(plane.port, request);
      assert.match(answer, new RegExp(`^HTTP/1\\.1 ${status} `));
      assert.match(answer, /Content-Length: 1234\r\n/i);
      assert.match(answer, /\r\n\r\n$/);
    });
  }

  it("keeps the connection after an empty answer (204)", async () => {
    await using app = await startApp((_request, response) => {
      response.writeHead(204);
      response.end();
    });
    await using plane = await startPlaneFor(app);
    using client = await RawClient.to(plane.port);
    client.send(GET);
    await client.until("204 No Content");
    await client.until("\r\n\r\n");
    client.text = "";
    client.send(GET);
    await client.until("204 No Content");
  });

  it("passes bytes beyond ASCII through headers unchanged", async () => {
    const name = Buffer.from("prix en €.txt").toString("latin1");
    await using app = await startRawApp((socket) => {
      socket.once("data", () =>
        socket.end(
          Buffer.from(
            `HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Disposition: attachment; filename="${name}"\r\n\r\nok`,
            "latin1",
          ),
        ),
      );
    });
    await using plane = await startPlaneFor(app);
    using client = await RawClient.to(plane.port);
    client.send(`GET / HTTP/1.1\r\nHost: shop\r\nX-Name: ${name}\r\nConnection: close\r\n\r\n`);
    await client.closed();
    assert.ok(client.text.includes(`filename="${name}"`), client.text);
    assert.ok(app.received().includes(`X-Name: ${name}`));
  });

  it("keeps the order, the spelling and the repetition of headers", async () => {
    await using app = await startRawApp((socket) => {
      socket.once("data", () =>
        socket.end("HTTP/1.1 200 Fine\r\nSet-Cookie: a=1\r\nX-B: 2\r\nset-cookie: c=3\r\nContent-Length: 0\r\n\r\n"),
      );
    });
    await using plane = await startPlaneFor(app);
    const answer = await exchangeRaw(
      plane.port,
      "GET /?q=%20 HTTP/1.1\r\nHost: shop\r\nX-One: 1\r\nx-two: 2\r\nX-One: 3\r\nConnection: close\r\n\r\n",
    );
    assert.match(answer, /^HTTP\/1\.1 200 Fine\r\nSet-Cookie: a=1\r\nX-B: 2\r\nset-cookie: c=3\r\n/);
    assert.match(app.received(), /^GET \/\?q=%20 HTTP\/1\.1\r\nX-One: 1\r\nx-two: 2\r\nX-One: 3\r\n/);
  });
});

describe("what the app is told", () => {
  async function headersAt(extra: string): Promise<Record<string, string>> {
    await using app = await startApp((request, response) => response.end(JSON.stringify(request.headers)));
    await using plane = await startPlaneFor(app);
    const answer = await exchangeRaw(
      plane.port,
      `GET / HTTP/1.1\r\nHost: shop.example:8080\r\nConnection: close\r\n${extra}\r\n`,
    );
    return JSON.parse(answer.slice(answer.indexOf("\r\n\r\n") + 4)) as Record<string, string>;
  }

  it("is who asked, how and for what", async () => {
    const headers = await headersAt("");
    assert.equal(headers.host, "shop.example:8080");
    assert.equal(headers["x-forwarded-for"], "127.0.0.1");
    assert.equal(headers["x-forwarded-proto"], "http");
    assert.equal(headers["x-forwarded-host"], "shop.example:8080");
    assert.equal(headers.forwarded, 'for=127.0.0.1;host="shop.example:8080";proto=http');
  });

  it("is added to what a proxy of our own said before", async () => {
    const headers = await headersAt(
      "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example\r\nForwarded: for=203.0.113.9\r\n",
    );
    assert.equal(headers["x-forwarded-for"], "203.0.113.9, 127.0.0.1");
    assert.equal(headers["x-forwarded-proto"], "https");
    assert.equal(headers["x-forwarded-host"], "shop.example");
    assert.equal(headers.forwarded, 'for=203.0.113.9, for=127.0.0.1;host="shop.example:8080";proto=http');
  });

  it("is one name for the request through all logs: the client's own, or a new one", async () => {
    const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const given = await headersAt(`X-Request-Id: abc-123\r\nTraceparent: ${trace}\r\n`);
    assert.equal(given["x-request-id"], "abc-123");
    assert.equal(given.traceparent, trace);
    const made = [await headersAt(""), await headersAt("Traceparent: nonsense\r\nX-Request-Id: \x80\r\n")];
    for (const headers of made) {
      assert.match(headers["x-request-id"] ?? "", /^[0-9a-f]{32}$/);
      assert.match(headers.traceparent ?? "", /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    }
    assert.notEqual(made[0]?.["x-request-id"], made[1]?.["x-request-id"]);
  });
});

describe("ends that come too early", () => {
  it("tells the app when the client has gone before the answer", async () => {
    const requests: IncomingMessage[] = [];
    await using app = await startApp((request) => void requests.push(request));
    await using plane = await startPlaneFor(app);
    using client = await RawClient.to(plane.port);
    client.send(GET);
    await eventually("the request at the app", () => requests.length === 1);
    client.socket.destroy();
    await eventually("the app's connection to close", () => app.sockets.size === 0);
    await eventually("nothing in flight", () => plane.plane.state().endpoints["web-1"]?.inFlight === 0);
  });

  it("tells the app when the client has gone in the middle of the answer", async () => {
    let timer: NodeJS.Timeout | undefined;
    await using app = await startApp((_request, response) => {
      timer = setInterval(() => response.write("more\n"), 5);
      response.on("close", () => clearInterval(timer));
    });
    await using plane = await startPlaneFor(app);
    using client = await RawClient.to(plane.port);
    client.send(GET);
    await client.until("more\n");
    client.socket.destroy();
    await eventually("the app's connection to close", () => app.sockets.size === 0);
  });

  it("tells the app when the client has gone in the middle of its request", async () => {
    let wasAborted = false;
    await using app = await startApp((request) => {
      request.on("error", () => (wasAborted = true));
      request.resume();
    });
    await using plane = await startPlaneFor(app);
    using client = await RawClient.to(plane.port);
    client.send("POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 10\r\n\r\nfirst");
    await eventually("the request at the app", () => app.received().includes("first"));
    client.socket.destroy();
    await eventually("the app to see the abort", () => wasAborted);
  });

  it("never makes a cut answer look whole: with a length", async () => {
    await using app = await startRawApp((socket) => {
      socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"));
    });
    await using plane = await startPlaneFor(app);
    using client = await RawClient.to(plane.port);
    client.send(GET);
    await client.closed();
    assert.match(client.text, /Content-Length: 10\r\n/);
  });

  it("never makes a cut answer look whole: in chunks", async () => {
    await using app = await startRawApp((socket) => {
      socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"));
    });
    await using plane = await startPlaneFor(app);
    using client = await RawClient.to(plane.port);
    client.send(GET);
    await client.closed();
    assert.ok(!client.text.includes("0\r\n\r\n"), client.text);
  });

  it("never makes a cut answer look whole: where closing is the end (HTTP/1.0)", async () => {
    let served: Socket | undefined;
    await using app = await startRawApp((socket) => {
      socket.once("data", () => {
        served = socket;
        socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
      });
    });
    await using plane = await startPlaneFor(app);
    using client = await RawClient.to(plane.port);
    client.send("GET / HTTP/1.0\r\nHost: shop\r\n\r\n");
    await client.until("half");
    served?.destroy();
    await client.closed();
    assert.equal(client.error?.code, "ECONNRESET");
  });

  it("answers 502 when the app closes before it has answered", async () => {
    await using app = await startRawApp((socket) => socket.once("data", () => socket.end()));
    await using plane = await startPlaneFor(app);
    const answer = await get(plane.port);
    assert.equal(answer.status, 502);
    assert.equal(answer.headers.get("x-tidegate-error"), "answer-cut");
  });

  it("answers 502 when the app does not speak HTTP", async () => {
    await using app = await startRawApp((socket) => socket.once("data", () => socket.end("SSH-2.0-x\r\n")));
    await using plane = await startPlaneFor(app);
    const answer = await get(plane.port);
    assert.equal(answer.status, 502);
    assert.equal(answer.headers.get("x-tidegate-error"), "bad-answer");
  });

  for (const [name, head] of [
    ["a coding that is unknown", "Transfer-Encoding: gzip, chunked\r\n"],
    ["a length and chunks", "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n"],
    ["two lengths", "Content-Length: 2\r\nContent-Length: 3\r\n"],
  ] as const) {
    it(`answers 502 when the app's answer has ${name}`, async () => {
      await using app = await startRawApp((socket) => {
        socket.once("data", () => socket.end(`HTTP/1.1 200 OK\r\n${head}\r\n2\r\nok\r\n0\r\n\r\n`));
      });
      await using plane = await startPlaneFor(app);
      const answer = await get(plane.port);
      assert.equal(answer.status, 502);
    });
  }

  it("answers 502 when the app switches protocols that nobody asked it to switch", async () => {
    await using app = await startRawApp((socket) => {
      socket.once("data", () =>
        socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"),
      );
    });
    await using plane = await startPlaneFor(app);
    const answer = await get(plane.port);
    assert.equal(answer.status, 502);
  });

  it("passes on an answer that comes before the request's end, and keeps the connection", async () => {
    await using app = await startApp((request, response) => {
      if (request.method === "POST") response.writeHead(401, { "content-length": "2" });
      response.end("no");
      request.resume();
    });
    await using plane = await startPlaneFor(app);
    using client = await RawClient.to(plane.port);
    client.send("POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 8\r\n\r\nhalf");
    await client.until("401 Unauthorized");
    await client.until("\r\n\r\nno");
    client.text = "";
    client.send(`half${GET}`);
    await client.until("200 OK");
  });

  it("gives up on an app that does not answer", async () => {
    await using app = await startApp(() => undefined);
    await using plane = await startPlaneFor(app, { waits: { answerMs: 50, bodyMs: 30_000 } });
    const answer = await get(plane.port);
    assert.equal(answer.status, 504);
    assert.equal(answer.headers.get("x-tidegate-error"), "no-answer");
    await eventually("the app's connection to close", () => app.sockets.size === 0);
  });
});

describe("the race with an idle connection", () => {
  /** Answers the first request of each connection and closes at the second, as a server does whose idle time is over. */
  async function startRacingApp(atSecond: (socket: Socket, text: string) => void) {
    let connections = 0;
    const app = await startRawApp((socket) => {
      connections += 1;
      let requests = 0;
      socket.on("data", (chunk) => {
        requests += 1;
        if (requests === 1) socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        else atSecond(socket, chunk.toString());
      });
    });
    return { app, connections: () => connections };
  }

  const post = "POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 2\r\n\r\nhi";

  async function second(app: Awaited<ReturnType<typeof startRacingApp>>["app"], request: string): Promise<string> {
    await using plane = await startPlaneFor(app);
    using client = await RawClient.to(plane.port);
    client.send(GET);
    await client.until("\r\n\r\nok");
    client.text = "";
    client.send(request);
    await client.until("\r\n\r\n");
    return client.text;
  }

  it("repeats a request that can't have been seen, on a new connection", async () => {
    const { app, connections } = await startRacingApp((socket) => socket.resetAndDestroy());
    await using _app = app;
    assert.match(await second(app, GET), /200 OK/);
    // One for the plane's probe, one that was used and lost, one for the repetition.
    assert.equal(connections(), 3);
  });

  it("does not repeat what is not idempotent", async () => {
    const { app } = await startRacingApp((socket) => socket.resetAndDestroy());
    await using _app = app;
    assert.match(await second(app, "POST / HTTP/1.1\r\nHost: shop\r\n\r\n"), /502 Bad Gateway/);
  });

  it("does not repeat a request with a body", async () => {
    const { app } = await startRacingApp((socket) => socket.resetAndDestroy());
    await using _app = app;
    assert.match(await second(app, post.replace("POST", "PUT")), /502 Bad Gateway/);
  });

  it("does not repeat a request once a byte of an answer has come", async () => {
    const { app } = await startRacingApp((socket) => socket.write("H", () => socket.end()));
    await using _app = app;
    assert.match(await second(app, GET), /502 Bad Gateway/);
  });

  it("does not read bytes that nobody asked for as the next answer", async () => {
    const answered: Socket[] = [];
    await using app = await startRawApp((socket) => {
      socket.once("data", () => {
        answered.push(socket);
        socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      });
    });
    await using plane = await startPlaneFor(app);
    using client = await RawClient.to(plane.port);
    client.send(GET);
    await client.until("\r\n\r\nok");
    const first = answered.find(({ destroyed }) => !destroyed);
    first?.write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
    await eventually(
      "the plane to have done with that connection",
      () => first?.readableEnded === true || first?.destroyed === true,
    );
    client.text = "";
    client.send(GET);
    await client.until("\r\n\r\nok");
    assert.ok(!client.text.includes("poison"));
  });

  it("closes its idle connections before a server that names its time does", async () => {
    await using app = await startApp((_request, response) => {
      response.setHeader("Keep-Alive", "timeout=1");
      response.end("ok");
    });
    await using plane = await startPlaneFor(app);
    await get(plane.port);
    await eventually("no idle connection", () => app.sockets.size === 0);
  });
});

describe("no instance accepts", () => {
  it("answers 502 and says that it is the plane's own answer", async () => {
    const app = await startApp(() => undefined);
    await app.close();
    await using plane = await startPlaneFor(app);
    const answer = await get(plane.port);
    assert.equal(answer.status, 502);
    assert.equal(answer.headers.get("x-tidegate-error"), "connect-failed");
  });

  it("answers 503 without a table", async () => {
    const app = await startApp(() => undefined);
    await using _app = app;
    await using plane = await startPlaneFor(app);
    await plane.put({ stable: null });
    const answer = await get(plane.port);
    assert.equal(answer.status, 503);
    assert.equal(answer.headers.get("x-tidegate-error"), "no-table");
  });
});
