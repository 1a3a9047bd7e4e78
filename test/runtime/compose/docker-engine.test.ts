import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { once } from "node:events";
import { describe, it } from "node:test";
import { dockerAddress, environmentFor } from "../../../src/adapters/runtime/compose/docker-address.ts";
import { dockerClient, unreachableFault } from "../../../src/adapters/runtime/compose/docker-client.ts";
import { withoutFrames } from "../../../src/adapters/runtime/compose/container-log.ts";
import { usageOf } from "../../../src/adapters/runtime/compose/container-usage.ts";
import { freeAddress } from "../../../src/adapters/runtime/compose/slot-network.ts";
import { isFault } from "../../contract/runtime.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

describe("which Docker engine is asked", () => {
  it("what the plan says goes before the environment, that before what docker was told", async () => {
    await using folder = temporaryFolder();
    const digest = createHash("sha256").update("far").digest("hex");
    mkdirSync(folder.file("contexts", "meta", digest), { recursive: true });
    mkdirSync(folder.file("contexts", "tls", digest, "docker"), { recursive: true });
    const meta = { Name: "far", Endpoints: { docker: { Host: "tcp://10.0.0.5:2376" } } };
    writeFileSync(folder.file("contexts", "meta", digest, "meta.json"), JSON.stringify(meta));
    writeFileSync(folder.file("config.json"), JSON.stringify({ currentContext: "far" }));
    const env = { DOCKER_CONFIG: folder.path };
    const far = {
      host: "tcp://10.0.0.5:2376",
      certificates: folder.file("contexts", "tls", digest, "docker"),
      from: "the context far",
    };
    assert.equal(dockerAddress({ host: "ssh://a@b" }, { ...env, DOCKER_HOST: "unix:///x" }).host, "ssh://a@b");
    assert.deepEqual(dockerAddress({ context: "far" }, { ...env, DOCKER_HOST: "unix:///x" }), far);
    assert.equal(dockerAddress({}, { ...env, DOCKER_HOST: "unix:///x", DOCKER_CONTEXT: "far" }).host, "unix:///x");
    assert.deepEqual(dockerAddress({}, { ...env, DOCKER_CONTEXT: "far" }), far);
    assert.deepEqual(dockerAddress({}, env), far);
    assert.equal(dockerAddress({}, { DOCKER_CONFIG: folder.file("nowhere") }).host, "unix:///var/run/docker.sock");
    assert.throws(() => dockerAddress({ context: "fra" }, env), isFault("docker-context-unknown"));
    assert.deepEqual(environmentFor(far), {
      DOCKER_CONTEXT: undefined,
      DOCKER_HOST: far.host,
      DOCKER_TLS_VERIFY: "1",
      DOCKER_CERT_PATH: far.certificates,
    });
  });
});

describe("an engine that can't be asked says why", () => {
  const fault = (code: string, host = "unix:///nowhere/docker.sock") =>
    unreachableFault({ host, from: "the tests" }, Object.assign(new Error(code), { code }));

  it("each reason with its own way out", () => {
    assert.match(fault("ENOENT").what, /No Docker engine runs here/);
    assert.match(fault("EACCES").what, /may not open the socket/);
    assert.match(fault("EACCES").fix ?? "", /usermod -aG docker/);
    assert.match(fault("ETIMEDOUT", "ssh://deploy@far").fix ?? "", /ssh deploy@far docker version/);
    for (const code of ["ENOENT", "EACCES", "ECONNREFUSED", "ETIMEDOUT"])
      assert.equal(fault(code).code, "runtime-unreachable");
  });

  it("speaks the newest version that both sides know, and passes on what the engine refuses", async () => {
    const asked: string[] = [];
    await using engine = await doubleOf((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      if (request.url === "/version")
        return void response.end(JSON.stringify({ ApiVersion: "1.52", MinAPIVersion: "1.44" }));
      if (request.url?.endsWith("/gone/json") === true) return void response.writeHead(404).end("{}");
      response.writeHead(409).end(JSON.stringify({ message: "name is taken" }));
    });
    const docker = dockerClient({ host: engine.host, from: "the tests" });
    assert.equal(await docker.get("/containers/gone/json"), null);
    await assert.rejects(docker.change("POST", "/containers/create", {}), isFault("docker-refused"));
    assert.deepEqual(asked, ["GET /version", "GET /v1.47/containers/gone/json", "POST /v1.47/containers/create"]);
  });

  it("one that is too old is told so", async () => {
    await using engine = await doubleOf((_, response) => void response.end(JSON.stringify({ ApiVersion: "1.39" })));
    await assert.rejects(
      dockerClient({ host: engine.host, from: "the tests" }).get("/info"),
      isFault("docker-too-old"),
    );
  });

  it("one that hangs up in the middle is unreachable", async () => {
    await using engine = await doubleOf((request) => request.socket.destroy());
    await assert.rejects(
      dockerClient({ host: engine.host, from: "the tests" }).get("/info"),
      isFault("runtime-unreachable"),
    );
  });
});

async function doubleOf(answer: RequestListener): Promise<AsyncDisposable & { readonly host: string }> {
  const folder = temporaryFolder();
  const server = createServer(answer);
  server.listen(folder.file("d.sock"));
  await once(server, "listening");
  return {
    host: `unix://${folder.file("d.sock")}`,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await folder[Symbol.asyncDispose]();
    },
  };
}

describe("what the engine tells of a container", () => {
  it("log lines without their frames", () => {
    const frame = (kind: number, text: string): Buffer => {
      const head = Buffer.alloc(8);
      head.writeUInt8(kind, 0);
      head.writeUInt32BE(Buffer.byteLength(text), 4);
      return Buffer.concat([head, Buffer.from(text)]);
    };
    assert.equal(
      withoutFrames(Buffer.concat([frame(1, "one\n"), frame(2, "twö\n"), frame(1, "")])).toString(),
      "one\ntwö\n",
    );
  });

  it("processor time between two looks, and memory without what can be dropped", () => {
    const stats = { cpu_stats: {}, memory_stats: { usage: 60, limit: 100, stats: { inactive_file: 10 } } };
    const usage = usageOf(
      stats,
      { cpuNanoseconds: 3e9, monotonic: 5_000 },
      { cpuNanoseconds: 1e9, monotonic: 1_000 },
      7,
    );
    assert.deepEqual(usage, { cpu: 0.5, rssBytes: 50, memory: 0.5, openFiles: 0, at: 7 });
    assert.equal(
      usageOf(
        { cpu_stats: {}, memory_stats: {} },
        { cpuNanoseconds: 0, monotonic: 1 },
        { cpuNanoseconds: 0, monotonic: 0 },
        7,
      ),
      null,
    );
  });

  it("the first address of a slot that no container has", () => {
    const network = { name: "n", subnet: "172.20.0.0/29", isReachable: true };
    assert.equal(freeAddress(network, []), "172.20.0.2");
    assert.equal(freeAddress(network, ["172.20.0.2", "172.20.0.4"]), "172.20.0.3");
    const full = [2, 3, 4, 5, 6].map((each) => `172.20.0.${each}`);
    assert.throws(() => freeAddress(network, full), isFault("no-address-left"));
  });
});
