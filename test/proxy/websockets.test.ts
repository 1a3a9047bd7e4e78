import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { Socket } from "node:net";
import { describe, it } from "node:test";
import { FrameFollower } from "../../src/proxy/websocket-frames.ts";
import {
  backend,
  endpoint,
  eventually,
  get,
  RawClient,
  startApp,
  startPlane,
  startPlaneFor,
  startRawApp,
  type App,
} from "./plane-under-test.ts";

const UPGRADE =
  "GET /socket HTTP/1.1\r\nHost: shop\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n" +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

const CLOSE_1001 = "\x88\x02\x03\xe9";

function accept(key: string): string {
  return createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
}

/** A frame as a client sends it; `text` in one byte a character. */
function masked(opcode: number, text: string): Buffer {
  const mask = Buffer.from([1, 2, 3, 4]);
  const payload = Buffer.from(text, "latin1").map((byte, i) => byte ^ (mask[i % 4] as number));
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length]), mask, payload]);
}

/** A frame as a server sends it. */
function plain(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x81, text.length]), Buffer.from(text, "latin1")]);
}

interface SocketApp extends AsyncDisposable {
  readonly app: App;
  readonly opened: readonly Socket[];
}

/** Opens WebSockets and hands them over. */
async function startSocketApp(onOpen: (socket: Socket) => void = () => undefined): Promise<SocketApp> {
  const opened: Socket[] = [];
  const app = await startApp((_request, response) => response.end("plain"));
  app.server.on("upgrade", (request: { headers: Record<string, string> }, socket: Socket) => {
    socket.on("error", () => undefined);
    socket.write(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
        `Sec-WebSocket-Accept: ${accept(request.headers["sec-websocket-key"] ?? "")}\r\n\r\n`,
    );
    socket.resume();
    socket.on("end", () => socket.end());
    opened.push(socket);
    onOpen(socket);
  });
  return { app, opened, [Symbol.asyncDispose]: () => app.close() };
}

async function openSocket(port: number): Promise<RawClient> {
  const client = await RawClient.to(port);
  client.send(UPGRADE);
  await client.until("101 Switching Protocols\r\n");
  await client.until("\r\n\r\n");
  assert.ok(client.text.includes(`Sec-WebSocket-Accept: ${accept("dGhlIHNhbXBsZSBub25jZQ==")}\r\n`));
  client.text = client.text.slice(client.text.indexOf("\r\n\r\n") + 4);
  return client;
}

describe("WebSockets", () => {
  it("open, carry frames both ways and end with either side", async () => {
    await using sockets = await startSocketApp((socket) => socket.on("data", (bytes) => socket.write(bytes)));
    await using plane = await startPlaneFor(sockets.app);
    using client = await openSocket(plane.port);
    client.send(masked(1, "hello"));
    await client.until(masked(1, "hello").toString("latin1"));
    assert.equal(plane.plane.state().endpoints["web-1"]?.webSockets, 1);
    client.socket.end();
    await client.closed();
    await eventually("the tunnel to end", () => plane.plane.state().endpoints["web-1"]?.webSockets === 0);

    using second = await openSocket(plane.port);
    sockets.opened[1]?.end();
    await second.closed();
  });

  it("pass on what was sent before the app had agreed, and only then", async () => {
    let early = "";
    let agree: (() => void) | undefined;
    await using app = await startRawApp((socket) => {
      socket.on("data", (bytes) => {
        const text = bytes.toString("latin1");
        if (text.startsWith("GET /plain")) socket.end("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain");
        else if (agree === undefined && text.startsWith("GET")) {
          early = text.slice(text.indexOf("\r\n\r\n") + 4);
          agree = () => socket.write("HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhi");
        } else if (agree === undefined) early += text;
        else socket.write(`got ${text}`);
      });
    });
    await using plane = await startPlaneFor(app);
    using client = await RawClient.to(plane.port);
    client.send(`${UPGRADE}early bytes`);
    await eventually("the request at the app", () => agree !== undefined);
    // Once another one has gone all the way, what the plane would have passed on has been passed on.
    assert.equal((await get(plane.port, "/plain")).body, "plain");
    assert.ok(!client.text.includes("got"), "the app got what was sent early before it had agreed");
    agree?.();
    await client.until("\r\n\r\nhigot early bytes");
    assert.equal(early, "");
  });

  it("pass on the app's refusal, and never read what follows as a request", async () => {
    const paths: string[] = [];
    await using app = await startApp((request, response) => {
      paths.push(request.url ?? "");
      response.writeHead(403, { "content-length": "2" });
      response.end("no");
    });
    await using plane = await startPlaneFor(app);
    using client = await RawClient.to(plane.port);
    client.send(`${UPGRADE}GET /hidden HTTP/1.1\r\nHost: shop\r\n\r\n`);
    await client.closed();
    assert.match(client.text, /^HTTP\/1\.1 403 Forbidden\r\n/);
    assert.match(client.text, /\r\n\r\nno$/);
    assert.deepEqual(paths, ["/socket"]);
  });

  it("are counted when they open, and as failed when they do not or when the app cuts them", async () => {
    await using sockets = await startSocketApp();
    await using plane = await startPlaneFor(sockets.app);
    const counts = () => {
      const { open, totals } = plane.plane.observations.tally("v1");
      return {
        opened: open.webSocketsOpened + totals.webSockets.opened,
        failed: open.webSocketsFailed + totals.webSockets.failed,
      };
    };
    using client = await openSocket(plane.port);
    assert.deepEqual(counts(), { opened: 1, failed: 0 });
    sockets.opened[0]?.destroy();
    await client.closed();
    await eventually("the cut to be counted", () => counts().failed === 1);

    using polite = await openSocket(plane.port);
    polite.send(masked(8, "\x03\xe8"));
    await eventually("the Close at the app", () => sockets.app.received().includes("\x88\x82"));
    sockets.opened[1]?.end();
    await polite.closed();
    await eventually("the tunnel to end", () => plane.plane.state().endpoints["web-1"]?.webSockets === 0);
    assert.deepEqual(counts(), { opened: 2, failed: 1 });

    await sockets.app.close();
    using refused = await RawClient.to(plane.port);
    refused.send(UPGRADE);
    await refused.until("502 Bad Gateway");
    assert.equal(counts().failed, 2);
  });

  it("go to another instance when the first does not accept", async () => {
    await using sockets = await startSocketApp();
    const gone = await startApp(() => undefined);
    await gone.close();
    await using plane = await startPlane({
      stable: backend("v1", endpoint("web-1", gone), endpoint("web-2", sockets.app)),
    });
    for (let i = 0; i < 4; i += 1) (await openSocket(plane.port))[Symbol.dispose]();
  });

  it("of other protocols are tunnelled as they are, half-closed too", async () => {
    await using app = await startRawApp((socket) => {
      socket.once("data", () => {
        socket.write("HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\n\r\n");
        let text = "";
        socket.on("data", (bytes) => (text += bytes.toString()));
        socket.once("end", () => socket.end(`all of it: ${text}`));
      });
    });
    await using plane = await startPlaneFor(app);
    using client = await RawClient.to(plane.port);
    client.send(UPGRADE.replace("websocket", "echo/1"));
    await client.until("\r\n\r\n");
    client.socket.end("question");
    await client.until("all of it: question");
    await client.closed();
  });
});

describe("WebSockets at a drain", () => {
  it("are told to go away (1001) at once where no frame is under way, and the app hears the client's answer", async () => {
    await using sockets = await startSocketApp((socket) => {
      socket.on("data", (bytes) => {
        // The app answers Close with Close and ends the connection, as RFC 6455 has it.
        if ((bytes[0] as number) === 0x88) socket.end(CLOSE_1001, "latin1");
      });
    });
    await using plane = await startPlaneFor(sockets.app);
    using client = await openSocket(plane.port);
    const drained = plane.plane.drain("web-1", 5_000);
    await client.until(CLOSE_1001);
    client.send(masked(1, "last words"));
    client.send(masked(8, "\x03\xe9"));
    await client.closed();
    assert.deepEqual(await drained, { left: 0 });
    assert.equal(client.text, CLOSE_1001, "nothing comes after Close");
    assert.ok(sockets.app.received().includes(masked(1, "last words").toString("latin1")));
    assert.ok(sockets.app.received().endsWith(masked(8, "\x03\xe9").toString("latin1")));
  });

  it("get Close between frames, never within one", async () => {
    await using sockets = await startSocketApp();
    await using plane = await startPlaneFor(sockets.app);
    using client = await openSocket(plane.port);
    const frame = plain("a long message");
    sockets.opened[0]?.write(frame.subarray(0, 5));
    await client.until(frame.subarray(0, 5).toString("latin1"));
    const drained = plane.plane.drain("web-1", 5_000);
    sockets.opened[0]?.write(Buffer.concat([frame.subarray(5), plain("too late")]));
    await client.until(CLOSE_1001);
    assert.equal(client.text, `${frame.toString("latin1")}${CLOSE_1001}`);
    client.socket.destroy();
    assert.deepEqual(await drained, { left: 0 });
  });

  it("are cut at the deadline, the app told with a masked Close before", async () => {
    await using sockets = await startSocketApp();
    await using plane = await startPlaneFor(sockets.app);
    using client = await openSocket(plane.port);
    assert.deepEqual(await plane.plane.drain("web-1", 200), { left: 1 });
    await client.closed();
    await eventually("the app's side to close", () => plane.plane.state().endpoints["web-1"]?.webSockets === 0);
    const told = Buffer.from(sockets.app.received().slice(sockets.app.received().indexOf("\r\n\r\n") + 4), "latin1");
    assert.equal(told.length, 8);
    assert.equal(told[0], 0x88);
    assert.equal(told[1], 0x82);
    assert.deepEqual(
      [(told[6] as number) ^ (told[2] as number), (told[7] as number) ^ (told[3] as number)],
      [0x03, 0xe9],
    );
  });

  it("are not counted as the app's failures", async () => {
    await using sockets = await startSocketApp();
    await using plane = await startPlaneFor(sockets.app);
    using client = await openSocket(plane.port);
    await plane.plane.drain("web-1", 50);
    await client.closed();
    await eventually("the tunnel to end", () => plane.plane.state().endpoints["web-1"]?.webSockets === 0);
    plane.plane.observations.roll();
    const { open, totals } = plane.plane.observations.tally("v1");
    assert.equal(open.webSocketsFailed + totals.webSockets.failed, 0);
  });
});

describe("frames are followed", () => {
  const frames = [
    plain("short"),
    Buffer.concat([Buffer.from([0x82, 126, 1, 0]), Buffer.alloc(256, 7)]),
    Buffer.concat([Buffer.from([0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]), Buffer.alloc(65_536, 7)]),
    masked(2, "masked"),
    Buffer.from([0x89, 0]),
  ];

  it("in pieces of any size", () => {
    const all = Buffer.concat(frames);
    for (const size of [1, 2, 3, 7, 1_000, all.length]) {
      const follower = new FrameFollower();
      for (let at = 0; at < all.length; at += size) follower.follow(all.subarray(at, at + size), false);
      assert.equal(follower.isAtBoundary, true);
      assert.equal(follower.hasSeenClose, false);
      follower.follow(Buffer.from(CLOSE_1001, "latin1"), false);
      assert.equal(follower.hasSeenClose, true);
    }
  });

  it("up to the end of the one in hand", () => {
    for (const frame of frames) {
      const follower = new FrameFollower();
      follower.follow(frame.subarray(0, 1), false);
      assert.equal(follower.isAtBoundary, false);
      const rest = Buffer.concat([frame.subarray(1), plain("next")]);
      assert.equal(follower.follow(rest, true), frame.length - 1);
      assert.equal(follower.isAtBoundary, true);
    }
  });
});
