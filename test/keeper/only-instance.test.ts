import assert from "node:assert/strict";
import { it } from "node:test";
import { freePort } from "../../src/adapters/runtime/free-port.ts";
import { backend, endpoint, get } from "../proxy/plane-under-test.ts";
import { identify } from "../../src/local/process-identity.ts";
import { until } from "../support/until.ts";
import { keeperUnderTest } from "./keeper-under-test.ts";
import { REAL, writeTable } from "./real-proxy.ts";

const SERVER = `require("http").createServer((_, r) => r.end(String(process.pid))).listen(process.env.PORT, "127.0.0.1")`;

it("the only instance killed with -9: what it had is cut, everybody else waits for the next one and is answered", async () => {
  await using keeper = await keeperUnderTest();
  await keeper.start(REAL);
  const [port, own] = [await freePort(new Set()), await freePort(new Set())];
  await keeper.putProxy({ listeners: [{ host: "127.0.0.1", port }] });
  const env = { PATH: process.env["PATH"] ?? "", PORT: String(own) };
  const { pid } = await keeper.put({ id: "web", command: `exec node -e '${SERVER}'`, env });
  await until("it listens", async () => (await get(own).catch(() => null))?.status === 200);
  await writeTable(keeper, { stable: backend("v1", endpoint("web", { port: own })) });

  const answers: string[] = [];
  const failures: string[] = [];
  const closing = new AbortController();
  // The kernel takes connections for a killed process until it is quite gone: who comes meanwhile is in flight on it too.
  const failed = async (why: string): Promise<void> => {
    failures.push(why);
    await until("the one that was killed is gone", () => identify(pid ?? Number.NaN) === null);
  };
  const visitor = async (): Promise<void> => {
    while (!closing.signal.aborted)
      await get(port).then(
        ({ status, headers, body }) =>
          status === 200 ? void answers.push(body) : failed(headers.get("x-tidegate-error") ?? String(status)),
        (error: unknown) => failed(String(error)),
      );
  };
  const visitors = [visitor(), visitor(), visitor()];
  try {
    await until("it answers", () => answers.includes(String(pid)));
    process.kill(pid ?? Number.NaN, "SIGKILL");
    const next = await until("another one answers", () => answers.find((body) => body !== String(pid)));
    const soFar = answers.length;
    await until("it goes on", () => answers.length > soFar + 30);
    assert.equal(next, String((await keeper.instance("web")).pid));
  } finally {
    closing.abort();
    await Promise.all(visitors);
  }
  assert.ok(failures.length <= visitors.length, failures.join());
  assert.ok(
    failures.every((code) => code === "answer-cut"),
    failures.join(),
  );
});
