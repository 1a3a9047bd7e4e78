import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { FaultError } from "../../src/core/fault.ts";
import { DEFAULT_TIMEOUTS } from "../../src/proxy/plane.ts";
import { type App, eventually, RawClient, startApp, startPlaneFor, temporaryFolder } from "./plane-under-test.ts";

const OPENSSL = process.env.OPENSSL ?? "openssl";
const skip = spawnSync(OPENSSL, ["version"]).status === 0 ? false : "openssl is not installed";

const folder = temporaryFolder();
const file = (name: string): string => join(folder.path, name);

function makeCertificate(name: string): void {
  execFileSync(
    OPENSSL,
    ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"].concat([
      "-subj",
      `/CN=${name}`,
      "-keyout",
      file(`${name}.key`),
      "-out",
      file(`${name}.crt`),
    ]),
    { stdio: "ignore" },
  );
}

before(() => {
  if (skip) return;
  makeCertificate("first");
  makeCertificate("second");
});
after(() => folder[Symbol.dispose]());

/** Puts a new file in the place of the old one, as a renewal does. */
function replace(name: string, place: string, kind: "crt" | "key"): void {
  copyFileSync(file(`${name}.${kind}`), file(`new.${kind}`));
  renameSync(file(`new.${kind}`), file(`${place}.${kind}`));
}

/** A plane with two TLS listeners, whose files are `live.crt` and `live.key`, `other.crt` and `other.key`. */
async function startTlsPlane(app: App) {
  const plane = await startPlaneFor(app);
  const listen = async (place: string): Promise<number> => {
    for (const kind of ["crt", "key"] as const) replace("first", place, kind);
    const tls = { certificate: file(`${place}.crt`), key: file(`${place}.key`) };
    return (await plane.plane.listen({ host: "127.0.0.1", port: 0, tls }, DEFAULT_TIMEOUTS)).port;
  };
  const [tlsPort, otherPort] = [await listen("live"), await listen("other")];
  return { plane, tlsPort, otherPort, [Symbol.asyncDispose]: () => plane[Symbol.asyncDispose]() };
}

async function open(port: number): Promise<TLSSocket> {
  const socket = connectTls({ port, host: "127.0.0.1", rejectUnauthorized: false, ALPNProtocols: ["h2", "http/1.1"] });
  await once(socket, "secureConnect");
  return socket;
}

async function certificateName(port: number): Promise<string> {
  const socket = await open(port);
  const name = String(socket.getPeerCertificate().subject.CN);
  socket.destroy();
  return name;
}

describe("TLS", { skip }, () => {
  it("serves requests, and the app knows that they were secure", async () => {
    await using app = await startApp((request, response) =>
      response.end(`${String(request.headers["x-forwarded-proto"])} ${request.headers.forwarded}`),
    );
    await using world = await startTlsPlane(app);
    await world.plane.put({ candidate: { version: "v2", slot: "green", instances: [] } });
    const socket = await open(world.tlsPort);
    assert.equal(socket.alpnProtocol, "http/1.1");
    using client = new RawClient(socket);
    client.send("GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n");
    await client.closed();
    assert.match(client.text, /https for=127\.0\.0\.1;host=shop;proto=https$/);
    assert.match(client.text, /Set-Cookie: tidegate=[^\r]+; Secure\r\n/);
    assert.equal(world.plane.plane.state().listening.find(({ port }) => port === world.tlsPort)?.tls, true);
  });

  it("takes renewed files without a restart; connections that are open stay", async () => {
    await using app = await startApp((_request, response) => response.end("ok"));
    await using world = await startTlsPlane(app);
    assert.equal(await certificateName(world.tlsPort), "first");
    using client = new RawClient(await open(world.tlsPort));

    replace("second", "live", "crt");
    // Half replaced: the certificate of one, the key of the other. Where another pair was renewed twice since, this one
    // was looked at in between.
    for (const name of ["second", "first"]) {
      for (const kind of ["crt", "key"] as const) replace(name, "other", kind);
      await eventually(`the other pair: ${name}`, async () => (await certificateName(world.otherPort)) === name);
    }
    assert.equal(await certificateName(world.tlsPort), "first");
    replace("second", "live", "key");
    await eventually("the new certificate", async () => (await certificateName(world.tlsPort)) === "second");

    client.send("GET / HTTP/1.1\r\nHost: shop\r\n\r\n");
    await client.until("ok");
  });

  it("is refused at the start with files that can't be used, saying which", async () => {
    await using app = await startApp((_request, response) => response.end("ok"));
    await using plane = await startPlaneFor(app);
    writeFileSync(file("broken.crt"), "no certificate");
    for (const [certificate, key] of [
      ["broken.crt", "first.key"],
      ["first.crt", "second.key"],
      ["missing.crt", "first.key"],
    ] as const) {
      const tls = { certificate: file(certificate), key: file(key) };
      await assert.rejects(plane.plane.listen({ host: "127.0.0.1", port: 0, tls }, DEFAULT_TIMEOUTS), (error) => {
        assert.ok(error instanceof FaultError);
        assert.equal(error.fault.code, "tls-files-unusable");
        assert.ok(error.fault.where?.includes(certificate));
        return true;
      });
    }
  });
});

it("a port that is taken is told as such", async () => {
  await using app = await startApp((_request, response) => response.end("ok"));
  await using plane = await startPlaneFor(app);
  await assert.rejects(plane.plane.listen({ host: "127.0.0.1", port: app.port }, DEFAULT_TIMEOUTS), (error) => {
    assert.ok(error instanceof FaultError);
    assert.equal(error.fault.code, "port-taken");
    return true;
  });
});
