import assert from "node:assert/strict";
import { isIP } from "node:net";
import { after, describe, it } from "node:test";
import { createManualClock, type ManualClock } from "../../src/adapters/clock/manual.ts";
import { createNotifier, type NotifierSettings } from "../../src/adapters/notify/notifier.ts";
import { isPrivateAddress } from "../../src/adapters/notify/private-address.ts";
import type { Message } from "../../src/core/release/effect.ts";
import { type Fault, FaultError } from "../../src/core/fault.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { makeAuthority } from "./certificates.ts";
import { closedPort, httpServer, httpsServer, rawServer, type Handler } from "./servers.ts";

const folder = temporaryFolder();
after(() => folder[Symbol.asyncDispose]());

const message: Message = {
  topic: "rolled-back",
  title: "Rolled back at 5%",
  sentence: "errors 5.9% (4/68) against 0.08%, limit 1.5x.",
  command: "tidegate status 42",
};
const context = { app: "shop", environment: "production", release: 42 };
const NEVER = new AbortController().signal;
const start = Date.UTC(2026, 0, 5, 12, 0, 0);

interface Delivery {
  readonly clock: ManualClock;
  readonly result: Promise<Fault | null>;
}

/** Begins to deliver, by a clock that the test moves. */
function deliver(url: string, more: Partial<NotifierSettings> = {}, sent: Message = message, signal = NEVER): Delivery {
  const clock = createManualClock(start);
  const notifier = createNotifier({
    clock,
    redact: (text) => text,
    values: () => ({ HOOK: url }),
    terminal: () => undefined,
    ...more,
  });
  const result = notifier.deliver(sent, { kind: "webhook", name: "team", url: "${HOOK}" }, context, signal).then(
    () => null,
    (error: unknown) => {
      assert.ok(error instanceof FaultError);
      return error.fault;
    },
  );
  return { clock, result };
}

/** Answers with each status in turn, the last one for ever; keeps what was sent. */
function taking(...statuses: readonly number[]): {
  handle: Handler;
  readonly bodies: string[];
  readonly keys: unknown[];
} {
  const bodies: string[] = [];
  const keys: unknown[] = [];
  return {
    bodies,
    keys,
    handle(request, response, body) {
      bodies.push(body);
      keys.push(request.headers["idempotency-key"]);
      response.writeHead(statuses[Math.min(bodies.length, statuses.length) - 1] ?? 200).end("busy");
    },
  };
}

describe("a webhook", () => {
  it("gets the message as JSON, with a text for people", async () => {
    const { handle, bodies } = taking(200);
    await using server = await httpServer(handle);
    assert.equal(await deliver(`${server.url}/hook`).result, null);
    assert.deepEqual(JSON.parse(bodies[0] ?? ""), {
      text: `shop production · release 42 · Rolled back at 5%\n${message.sentence}\ntidegate status 42`,
      ...context,
      ...message,
    });
  });

  it("is tried again after growing pauses, always with the same idempotency key", async () => {
    const { handle, keys } = taking(500, 503, 429, 204);
    await using server = await httpServer(handle);
    const { clock, result } = deliver(`${server.url}/hook`);
    const pauses: number[] = [];
    for (let retry = 1; retry <= 3; retry += 1) {
      await clock.untilSleeping();
      pauses.push((clock.due()[0] ?? 0) - clock.monotonic());
      await clock.advance(pauses.at(-1) ?? 0);
    }
    assert.equal(await result, null);
    pauses.forEach((pause, index) => {
      const least = 500 * 2 ** index;
      assert.ok(pause >= least && pause <= least * 1.25, `${pause} ms is the pause ${index + 1}`);
    });
    assert.equal(keys.length, 4);
    assert.equal(new Set(keys).size, 1);
  });

  it("has another idempotency key for another message", async () => {
    const { handle, keys } = taking(200);
    await using server = await httpServer(handle);
    await deliver(server.url).result;
    await deliver(server.url, {}, { ...message, sentence: "Something else." }).result;
    await deliver(server.url).result;
    assert.equal(keys[0], keys[2]);
    assert.notEqual(keys[0], keys[1]);
  });

  it("is left alone for as long as it wants, in seconds or until a date", async () => {
    let count = 0;
    await using server = await httpServer((_, response) => {
      count += 1;
      const retryAfter = count === 1 ? "7" : new Date(start + 7_000 + 20_000).toUTCString();
      response.writeHead(count < 3 ? 503 : 200, { "retry-after": retryAfter }).end();
    });
    const { clock, result } = deliver(server.url);
    await clock.untilSleeping();
    assert.deepEqual(clock.due(), [7_000]);
    await clock.advance(7_000);
    await clock.untilSleeping();
    assert.deepEqual(clock.due(), [27_000]);
    await clock.advance(20_000);
    assert.equal(await result, null);
  });

  it("is given up when it wants to be left alone for too long", async () => {
    await using server = await httpServer((_, response) => response.writeHead(429, { "retry-after": "3600" }).end());
    const fault = await deliver(server.url).result;
    assert.match(fault?.cause ?? "", /it answers 429, and wants to be left alone for 1h/);
  });

  it("is not tried again when the message itself is refused", async () => {
    const { handle, bodies } = taking(404);
    await using server = await httpServer(handle);
    const fault = await deliver(`${server.url}/hook`).result;
    assert.equal(fault?.code, "notification-not-delivered");
    assert.equal(fault?.cause, "it answers 404: busy");
    assert.equal(bodies.length, 1);
  });

  it("is given up after five tries while nothing listens", async () => {
    const port = await closedPort();
    const { clock, result } = deliver(`http://127.0.0.1:${port}/T00/B00/secret-part`);
    for (let retry = 1; retry <= 4; retry += 1) {
      await clock.untilSleeping();
      await clock.advance(60_000);
    }
    const fault = await result;
    assert.equal(fault?.cause, `nothing listens at 127.0.0.1:${port} (5 tries)`);
    assert.equal(fault?.where, `127.0.0.1:${port}`);
  });

  it("is given up when it accepts and never answers", async () => {
    await using server = await rawServer(() => undefined);
    const fault = await deliver(server.url, { timeoutMs: 100, tries: 1 }).result;
    assert.equal(fault?.cause, "no answer within 100ms (1 try)");
  });

  it("is no longer waited for once Tidegate stops", async () => {
    await using server = await httpServer(taking(500).handle);
    const stop = new AbortController();
    const { clock, result } = deliver(server.url, {}, message, stop.signal);
    await clock.untilSleeping();
    stop.abort();
    assert.match((await result)?.cause ?? "", /stopped before the next try$/);
  });

  it("never shows its address, though the other side repeats it", async () => {
    await using server = await httpServer((request, response) =>
      response.writeHead(403).end(`no such hook: ${request.url} ${"x".repeat(160)}${request.url}`),
    );
    const fault = await deliver(`http://me:pass-word@127.0.0.1:${server.port}/services/T0/B0/XYZsecret?k=9`).result;
    const text = JSON.stringify(fault);
    for (const piece of ["XYZ", "services", "pass-word"]) assert.ok(!text.includes(piece), text);
  });

  it("says which value its address lacks", async () => {
    const notifier = createNotifier({
      clock: createManualClock(start),
      redact: (text) => text,
      values: () => ({}),
      terminal: () => undefined,
    });
    await assert.rejects(
      notifier.deliver(message, { kind: "webhook", name: "team", url: "${SLACK_URL}" }, context, NEVER),
      (error) =>
        error instanceof FaultError &&
        error.fault.cause === "${SLACK_URL} is neither among the secrets nor in the environment",
    );
    const odd = await deliver("file:///etc/passwd").result;
    assert.match(odd?.cause ?? "", /not an http:\/\/ or https:\/\/ URL/);
  });
});

describe("a webhook that redirects", () => {
  const redirect =
    (status: number, location: string): Handler =>
    (_, response) =>
      void response.writeHead(status, { location }).end();

  it("is followed with the same message where the redirect keeps it", async () => {
    const { handle, bodies } = taking(200);
    await using second = await httpServer(handle);
    await using first = await httpServer(redirect(308, `${second.url}/moved`));
    assert.equal(await deliver(first.url).result, null);
    assert.deepEqual(second.asked, ["POST /moved"]);
    assert.equal((JSON.parse(bodies[0] ?? "") as Message).title, message.title);
  });

  it("is refused where the redirect would lose the message, or goes round for ever", async () => {
    await using found = await httpServer(redirect(302, "/other"));
    assert.match((await deliver(found.url).result)?.cause ?? "", /it answers 302/);
    await using loop = await httpServer(redirect(307, "/again"));
    assert.match((await deliver(loop.url).result)?.cause ?? "", /leads nowhere \(4 redirects\)/);
    assert.equal(loop.asked.length, 4);
  });

  it("may not lead from a public place to a private one, by address or by name", async () => {
    // 127.0.0.2 stands for the Internet, every other address of this machine for the inside.
    const isPrivate = (address: string): boolean => isIP(address) !== 0 && address !== "127.0.0.2";
    const { handle, bodies } = taking(200);
    await using inside = await httpServer(handle);
    for (const host of ["127.0.0.1", "localhost"]) {
      await using outside = await httpServer(redirect(307, `http://${host}:${inside.port}/admin`), "127.0.0.2");
      const fault = await deliver(outside.url, { isPrivate, tries: 1 }).result;
      assert.match(fault?.cause ?? "", /private address/, host);
    }
    assert.deepEqual(bodies, []);
    await using own = await httpServer(redirect(307, `${inside.url}/ok`));
    assert.equal(await deliver(own.url, { isPrivate }).result, null);
    assert.equal(bodies.length, 1);
  });

  it("may not lead to a link-local address, from wherever: clouds tell a machine's own keys there", async () => {
    for (const place of ["http://169.254.169.254/latest", "http://[fe80::1]/"]) {
      await using own = await httpServer(redirect(307, place));
      const fault = await deliver(own.url, { tries: 1 }).result;
      assert.match(fault?.cause ?? "", /redirects to a link-local address/, place);
    }
  });

  it("may not lead from https to http", async () => {
    const authority = makeAuthority(folder, 30);
    await using plain = await httpServer(taking(200).handle);
    await using server = await httpsServer(authority.sign("localhost", 10), redirect(307, plain.url));
    const fault = await deliver(`https://localhost:${server.port}/`, { authority: authority.certificate }).result;
    assert.match(fault?.cause ?? "", /from https to http/);
    assert.deepEqual(plain.asked, []);
  });
});

describe("a private address", () => {
  it("is what nobody reaches from the Internet, however it is written", () => {
    const inside = [
      "127.0.0.1",
      "10.1.2.3",
      "172.31.0.1",
      "192.168.1.1",
      "169.254.169.254",
      "100.64.0.1",
      "0.0.0.0",
      "[::1]",
      "::",
      "fd00::1",
      "fe80::1",
      "::ffff:127.0.0.1",
      "[::ffff:10.0.0.1]",
      "64:ff9b::a00:1",
    ];
    for (const address of inside) assert.equal(isPrivateAddress(address), true, address);
    for (const address of ["8.8.8.8", "172.32.0.1", "192.0.2.7", "[2606:4700::1]", "::ffff:8.8.8.8", "example.com"]) {
      assert.equal(isPrivateAddress(address), false, address);
    }
  });
});

describe("a message in the terminal", () => {
  it("is a few plain lines, whatever it holds", async () => {
    const lines: string[] = [];
    const notifier = createNotifier({
      clock: createManualClock(start),
      redact: (text) => text,
      values: () => ({}),
      terminal: (line) => lines.push(line),
    });
    await notifier.deliver({ ...message, title: "Rolled\u001b[2J back\nnow" }, { kind: "terminal" }, context, NEVER);
    assert.deepEqual(lines, [
      "shop production · release 42 · Rolled back now",
      `  ${message.sentence}`,
      "  next  tidegate status 42",
    ]);
  });
});
