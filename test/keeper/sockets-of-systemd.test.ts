import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { get } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { after, before, describe, it } from "node:test";
import { socketsOf } from "../../src/local/listening-sockets.ts";
import { isSameProcess, identify } from "../../src/local/process-identity.ts";
import { until } from "../support/until.ts";
import { type KeeperUnderTest, keeperUnderTest } from "./keeper-under-test.ts";

const PROGRAM = fileURLToPath(new URL("keeper-program.ts", import.meta.url));

/** As systemd does: it holds a listening socket, and gives it to each keeper that it starts. */
const MANAGER = `while read -r _; do sh -c 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@"' sh "$@" & done`;

let keeper: KeeperUnderTest;
let manager: ChildProcess;
let port: number;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

before(async () => {
  keeper = opened.use(await keeperUnderTest());
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  port = (server.address() as AddressInfo).port;
  const { fd } = (server as unknown as { readonly _handle: { readonly fd: number } })._handle;
  manager = spawn("/bin/sh", ["-c", MANAGER, "sh", process.execPath, PROGRAM, keeper.stateDir, "test", "any"], {
    stdio: ["pipe", "ignore", "inherit", fd],
  });
  // From here on the manager alone has the socket.
  await new Promise((resolve) => server.close(resolve));
  opened.defer(async () => {
    const pid = (await keeper.state().catch(() => null))?.pid;
    if (pid !== undefined) await killed(pid);
    manager.stdin?.end();
    manager.kill("SIGKILL");
  });
});

const startKeeper = async (): Promise<number> => {
  const earlier = (await keeper.state().catch(() => null))?.pid;
  manager.stdin?.write("\n");
  return until("a keeper answers", async () => {
    const pid = (await keeper.state().catch(() => null))?.pid;
    return pid !== earlier && pid;
  });
};
const listeners = () => [{ host: "127.0.0.1", port }];

describe("a keeper to which systemd passes the listening sockets", () => {
  it("answers who came before it and the data plane were there", async () => {
    const early = ask();
    await startKeeper();
    const { proxy } = await keeper.putProxy({ listeners: listeners() });
    assert.equal(await early, String(proxy?.pid));
    assert.equal(proxy?.holdsSockets, true);
  });

  it("refuses nobody when it and the data plane die at the same time", async () => {
    const { pid, proxy } = await keeper.state();
    await Promise.all([killed(pid), killed(proxy?.pid ?? 0)]);
    const meanwhile = [ask(), ask(), ask()];
    await startKeeper();
    const answers = await Promise.all(meanwhile);
    assert.deepEqual(new Set(answers), new Set([String((await keeper.state()).proxy?.pid)]));
  });

  it("goes on with them when another keeper takes over from it", async () => {
    const before = await keeper.state();
    await startKeeper();
    const now = await keeper.state();
    assert.equal(now.proxy?.pid, before.proxy?.pid);
    assert.equal(now.proxy?.holdsSockets, true);
  });

  it("gives them to the data plane alone", async () => {
    const file = keeper.file("environment.txt");
    await keeper.put({ id: "web-1", command: `env > ${file}.new; mv ${file}.new ${file}; exec sleep 600` });
    await until("it has written its environment", () => existsSync(file));
    assert.doesNotMatch(readFileSync(file, "utf8"), /^LISTEN_/m);
    const { pid = 0 } = await keeper.instance("web-1");
    assert.deepEqual(socketsOf([pid]), []);
    await keeper.stop("web-1", 0);
  });

  it("has them again when they were given up in between, though nobody else could open them", async () => {
    const other = [{ host: "127.0.0.2", port }];
    await keeper.putProxy({ listeners: other });
    const { proxy } = await keeper.putProxy({ listeners: listeners() });
    assert.equal(await ask(), String(proxy?.pid));
  });
});

async function killed(pid: number): Promise<void> {
  const identity = identify(pid);
  if (identity === null) return;
  process.kill(pid, "SIGKILL");
  await until(`process ${pid} is gone`, () => !isSameProcess(identity));
}

/** The answer's body: the pid of the data plane's stand-in. */
function ask(): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port, agent: false }, (answer) => {
      let body = "";
      answer.setEncoding("utf8").on("data", (text: string) => (body += text));
      answer.once("end", () => resolve(body));
    }).once("error", reject);
  });
}
