import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { after, before, describe, it } from "node:test";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/until.ts";
import { ShopProcess } from "./running-shop.ts";

const TEXT = 0x81;
const FIRST_PART = 0x01;
const LAST_PART = 0x80;
const CLOSE = 0x88;
const PING = 0x89;
const PONG = 0x8a;

/** A WebSocket by hand, to say what no proper client would. */
class RawSocket implements Disposable {
  readonly socket: Socket;
  ended = false;
  #bytes = Buffer.alloc(0);

  constructor(url: string) {
    this.socket = connect(Number(new URL(url).port), "127.0.0.1");
    this.socket.on("data", (data: Buffer) => (this.#bytes = Buffer.concat([this.#bytes, data])));
    this.socket.on("error", () => undefined);
    this.socket.once("end", () => (this.ended = true));
  }

  async upgrade(path = "/live", headers = "upgrade: websocket\r\nsec-websocket-version: 13\r\n"): Promise<string> {
    const key = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    this.socket.write(
      `GET ${path} HTTP/1.1\r\nhost: shop\r\nconnection: Upgrade\r\nx-load-number: 7\r\n${key}${headers}\r\n`,
    );
    return until("an answer to the upgrade", () => {
      const end = this.#bytes.indexOf("\r\n\r\n");
      if (end < 0) return false;
      const head = this.#bytes.subarray(0, end).toString("latin1");
      this.#bytes = this.#bytes.subarray(end + 4);
      return head;
    });
  }

  send(first: number, payload: Buffer | string, isMasked = true): void {
    const bytes = Buffer.from(payload);
    const mask = Buffer.from([1, 2, 3, 4]);
    const masked = bytes.map((byte, at) => byte ^ (mask[at % 4] ?? 0));
    const size = bytes.length < 126 ? [bytes.length] : [126, bytes.length >> 8, bytes.length & 0xff];
    size[0] = (size[0] ?? 0) | (isMasked ? 0x80 : 0);
    this.socket.write(Buffer.concat([Buffer.from([first, ...size]), ...(isMasked ? [mask, masked] : [bytes])]));
  }

  /** The next frame that is none of the ticks. */
  async frame(): Promise<{ readonly first: number; readonly payload: Buffer }> {
    for (;;) {
      const frame = await until("a frame", () => this.#takeFrame());
      if (!frame.payload.includes('"tick"')) return frame;
    }
  }

  async tick(): Promise<{ readonly type: string; readonly version: string; readonly stock: number }> {
    const { payload } = await until("a tick", () => this.#takeFrame());
    return JSON.parse(payload.toString("utf8")) as Awaited<ReturnType<RawSocket["tick"]>>;
  }

  #takeFrame(): { readonly first: number; readonly payload: Buffer } | null {
    const [first = 0, short = 0] = this.#bytes;
    if (this.#bytes.length < 4 && !(this.#bytes.length >= 2 && this.#bytes.length >= 2 + short)) return null;
    const [head, size] = short === 126 ? [4, this.#bytes.readUInt16BE(2)] : [2, short];
    if (this.#bytes.length < head + size) return null;
    const payload = this.#bytes.subarray(head, head + size);
    this.#bytes = this.#bytes.subarray(head + size);
    return { first, payload };
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

async function closeCode(raw: RawSocket): Promise<number> {
  const { first, payload } = await raw.frame();
  assert.equal(first, CLOSE);
  return payload.readUInt16BE(0);
}

describe("the shop's WebSocket", () => {
  const folder = temporaryFolder();
  let shop: ShopProcess;
  let url: string;

  before(async () => {
    shop = new ShopProcess("server.ts", folder.path);
    url = await shop.url();
  });
  after(async () => {
    await shop[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  it("opens as the protocol says, with the version and the caller's number, and sends ticks", async () => {
    using raw = new RawSocket(url);
    const head = await raw.upgrade();
    assert.match(head, /^HTTP\/1\.1 101 /);
    // The example of RFC 6455, section 1.3.
    assert.match(head, /sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/);
    assert.match(head, /x-shop-version: v1/);
    assert.match(head, /x-load-number: 7/);
    const ticks = [await raw.tick(), await raw.tick()];
    for (const tick of ticks) assert.deepEqual([tick.type, tick.version, tick.stock], ["tick", "v1", 1000]);
  });

  it("echoes what it is told, also in parts with a ping between them", async () => {
    using raw = new RawSocket(url);
    await raw.upgrade();
    raw.send(TEXT, "grüß dich");
    assert.deepEqual(JSON.parse((await raw.frame()).payload.toString("utf8")), { type: "echo", text: "grüß dich" });
    const long = "x".repeat(300);
    raw.send(FIRST_PART, long);
    raw.send(PING, "still there?");
    raw.send(LAST_PART, "end");
    assert.deepEqual(await raw.frame(), { first: PONG, payload: Buffer.from("still there?") });
    assert.deepEqual(JSON.parse((await raw.frame()).payload.toString("utf8")), { type: "echo", text: `${long}end` });
  });

  it("answers a close with its code and hangs up", async () => {
    using raw = new RawSocket(url);
    await raw.upgrade();
    raw.send(CLOSE, Buffer.from([0x0f, 0xa0]));
    assert.equal(await closeCode(raw), 4000);
    await until("the end of the connection", () => raw.ended);
  });

  it("refuses what breaks the protocol with the code for it", async () => {
    const wrong: readonly [number, (raw: RawSocket) => void][] = [
      [1002, (raw) => raw.send(TEXT, "not masked", false)],
      [1002, (raw) => raw.send(LAST_PART, "the rest of nothing")],
      [1002, (raw) => raw.send(0xc1, "compressed, which was not agreed on")],
      [1003, (raw) => raw.send(0x82, "binary")],
      [1007, (raw) => raw.send(TEXT, Buffer.from([0xc3, 0x28]))],
      [1009, (raw) => [1, 2].forEach((part) => raw.send(part === 1 ? FIRST_PART : 0x00, "x".repeat(40_000)))],
    ];
    for (const [code, say] of wrong) {
      using raw = new RawSocket(url);
      await raw.upgrade();
      say(raw);
      assert.equal(await closeCode(raw), code);
      await until("the end of the connection", () => raw.ended);
    }
  });

  it("marks a refused upgrade as its own answer", async () => {
    for (const [path, headers, status] of [
      ["/elsewhere", "upgrade: websocket\r\nsec-websocket-version: 13\r\n", 404],
      ["/live", "upgrade: websocket\r\nsec-websocket-version: 8\r\n", 400],
      ["/live", "upgrade: h2c\r\n", 400],
    ] as const) {
      using raw = new RawSocket(url);
      const head = await raw.upgrade(path, headers);
      assert.match(head, new RegExp(`^HTTP/1\\.1 ${status} `));
      assert.match(head, /x-shop-error: 1/);
    }
  });

  it("is closed with 1001 when the shop is asked to stop, and the shop waits for the answer", async () => {
    await using stopping = new ShopProcess("server.ts", folder.path);
    using raw = new RawSocket(await stopping.url());
    await raw.upgrade();
    stopping.terminate();
    assert.equal(await closeCode(raw), 1001);
    raw.send(CLOSE, Buffer.from([0x03, 0xe9]));
    await once(raw.socket, "close");
    assert.deepEqual(await stopping.exited(), { code: 0, signal: null });
  });
});
