import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, it } from "node:test";
import { DEFAULT_TIMEOUTS } from "../../src/proxy/plane.ts";
import type { ListenerMessage, ListenersDone } from "../../src/proxy/protocol.ts";
import { type BareKeeper, kill, MAIN, startBareKeeper } from "./bare-keeper.ts";
import {
  backend,
  endpoint,
  eventually,
  get,
  RawClient,
  startApp,
  startNamedApp,
  temporaryFolder,
} from "./plane-under-test.ts";

async function putTable(keeper: BareKeeper, app: { readonly port: number }): Promise<void> {
  await keeper.put({ stable: backend("v1", endpoint("web-1", app)) });
}

describe("the proxy as a process of its own", () => {
  it("takes its socket from the keeper, outlives it, and serves its table again after kill -9", async () => {
    await using app = await startNamedApp("app");
    await using keeper = startBareKeeper();
    const first = await keeper.start();
    await putTable(keeper, app);
    assert.equal((await get(keeper.port)).body, "app");

    await kill(first, "SIGKILL");
    // Nobody accepts now, but the socket listens: who connects is kept waiting, not refused.
    using waiting = await RawClient.to(keeper.port);
    waiting.send("GET / HTTP/1.1\r\nHost: shop\r\n\r\n");
    const second = await keeper.start();
    await waiting.until("\r\n\r\napp");
    assert.equal((await keeper.state()).pid, second.pid);

    second.disconnect();
    await once(second, "disconnect");
    assert.equal((await get(keeper.port)).body, "app");
    process.kill(second.pid ?? 0, 0);
  });

  it("takes the same listener again as new time-outs only", async () => {
    await using app = await startNamedApp("app");
    await using keeper = startBareKeeper();
    const child = await keeper.start();
    await putTable(keeper, app);
    const again: ListenerMessage = {
      type: "listener",
      listener: { host: "127.0.0.1", port: keeper.port },
      timeouts: { ...DEFAULT_TIMEOUTS, idleMs: 50 },
    };
    child.send(again);
    child.send({ type: "listeners-done" } satisfies ListenersDone);
    await once(child, "message");
    assert.equal((await keeper.state()).listening.length, 1);
    using client = await RawClient.to(keeper.port);
    client.send("GET / HTTP/1.1\r\nHost: shop\r\n\r\n");
    await client.until("app");
    await client.closed();
  });

  it("finishes what is in flight after SIGTERM, tells clients to come back anew, and ends", async () => {
    let release: (() => void) | undefined;
    await using app = await startApp((request, response) => {
      if (request.url === "/held") release = () => response.end("held till the end");
      else response.end("quick");
    });
    await using keeper = startBareKeeper();
    const child = await keeper.start();
    await putTable(keeper, app);
    using held = await RawClient.to(keeper.port);
    held.send("GET /held HTTP/1.1\r\nHost: shop\r\n\r\n");
    using idle = await RawClient.to(keeper.port);
    idle.send("GET /quick HTTP/1.1\r\nHost: shop\r\n\r\n");
    await idle.until("quick");
    assert.match(idle.text, /Connection: keep-alive\r\n/);
    await eventually("the request at the app", () => release !== undefined);

    const exited = once(child, "exit");
    child.kill("SIGTERM");
    while (!idle.text.includes("Connection: close\r\n")) {
      idle.text = "";
      idle.send("GET /quick HTTP/1.1\r\nHost: shop\r\n\r\n");
      await idle.until("quick");
    }
    using late = await RawClient.to(keeper.port);
    late.send("GET /late HTTP/1.1\r\nHost: shop\r\n\r\n");
    release?.();
    await held.until("held till the end");
    assert.deepEqual(await exited, [0, null]);
    assert.equal(late.text, "", "it accepted no more; the next process will");

    await keeper.start();
    await late.until("quick");
  });

  it("runs by hand with a port of its own, and says why it can't", async () => {
    await using app = await startNamedApp("app");
    using folder = temporaryFolder();
    const child = spawn(process.execPath, [MAIN, "--state", folder.path, "--listen", `127.0.0.1:${app.port}`], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let text = "";
    child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString()));
    const [code] = (await once(child, "exit")) as [number];
    assert.equal(code, 1);
    assert.match(text, new RegExp(`^Another process already listens on port ${app.port}\\.`));
    assert.match(text, /code {3}port-taken/);
    assert.ok(!text.includes(" at "), "no stack trace");
  });
});
