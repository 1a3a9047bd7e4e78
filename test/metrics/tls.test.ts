import { equal, match } from "node:assert/strict";
import { appendFileSync, chmodSync, chownSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { freePort } from "../../src/adapters/runtime/free-port.ts";
import type { SourceFrom } from "../../src/core/plan/source.ts";
import { type PostgresServer, postgresServer } from "../support/postgres.ts";
import { redisServer } from "../support/redis.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/until.ts";
import { type Authority, makeAuthority } from "../tasks/certificates.ts";
import { httpsServer } from "../tasks/servers.ts";
import { answerOf } from "./stand.ts";

const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());
const folder = stack.use(temporaryFolder());
const others = stack.use(temporaryFolder());
/** A port is PostgreSQL's own here; an address of this test's own keeps it from all others of this machine. */
const HOST = `127.${1 + (process.pid % 250)}.${(process.pid >> 8) % 250}.7`;

let own: Authority;

before(() => {
  own = makeAuthority(folder, 2);
  makeAuthority(others, 2);
});

/** Trusted by its own authority alone; by none; by another; named for somebody else; a file that is not there. */
async function assertTrust(
  good: string,
  at: (ca?: string) => SourceFrom,
  misnamed: (ca: string) => SourceFrom,
): Promise<void> {
  equal(await answerOf(at(folder.file("authority.pem"))), good);
  match(await answerOf(at()), UNTRUSTED);
  match(await answerOf(at(others.file("authority.pem"))), UNTRUSTED);
  match(
    await answerOf(misnamed(folder.file("authority.pem"))),
    /^down: .*(?:altnames|IP: .* is not in the cert's list)/,
  );
  const away = folder.file("no-such.pem");
  equal(await answerOf(at(away)), `down: the certificates in ${away} can't be read`);
}

const UNTRUSTED = /^down: .*certificate.* \| name the authority's file under `metrics:` \(`ca: …`\)$/;

describe("A source behind TLS, with an authority of one's own", () => {
  it("answers with JSON", async () => {
    await using server = await httpsServer(own.sign("localhost", 1), (_, response) => response.end('{"failed": 3}'));
    const at = (host: string, ca?: string): SourceFrom => ({
      kind: "http",
      at: { url: `https://${host}:${server.port}/`, headers: {}, ...(ca === undefined ? {} : { ca }) },
      select: "failed",
    });
    await assertTrust(
      "3",
      (ca) => at("localhost", ca),
      (ca) => at("127.0.0.1", ca),
    );
  });

  it("is a Prometheus", async () => {
    const document = { status: "success", data: { resultType: "vector", result: [{ metric: {}, value: [1, "5"] }] } };
    await using server = await httpsServer(own.sign("127.0.0.1", 1), (_, response) =>
      response.end(JSON.stringify(document)),
    );
    const at = (host: string, ca?: string): SourceFrom => ({
      kind: "prometheus",
      at: { url: `https://${host}:${server.port}`, headers: {}, ...(ca === undefined ? {} : { ca }) },
      query: "up",
    });
    await assertTrust(
      "5",
      (ca) => at("127.0.0.1", ca),
      (ca) => at("localhost", ca),
    );
  });

  it("is a real Redis", async () => {
    const { cert, key } = own.sign("127.0.0.1", 1);
    const port = await freePort(new Set());
    writeFileSync(folder.file("redis.pem"), cert);
    writeFileSync(folder.file("redis.key"), key);
    const lines = [
      "port 0",
      "bind 127.0.0.1",
      `tls-port ${port}`,
      `tls-cert-file ${folder.file("redis.pem")}`,
      `tls-key-file ${folder.file("redis.key")}`,
      `tls-ca-cert-file ${folder.file("authority.pem")}`,
      "tls-auth-clients no",
    ];
    stack.use(redisServer(folder, lines));
    const at = (host: string, ca?: string): SourceFrom => ({
      kind: "redis",
      url: `rediss://${host}:${port}`,
      figure: "clients",
      ...(ca === undefined ? {} : { ca }),
    });
    await until("Redis answers", async () => (await answerOf(at("127.0.0.1", folder.file("authority.pem")))) === "1");
    await assertTrust(
      "1",
      (ca) => at("127.0.0.1", ca),
      (ca) => at("localhost", ca),
    );
  });

  it("is a real PostgreSQL, whatever its address says of TLS", async () => {
    const server: PostgresServer = stack.use(
      await postgresServer([
        "fsync=off",
        `listen_addresses=${HOST}`,
        "ssl_cert_file=server.pem",
        "ssl_key_file=server.key",
      ]),
    );
    const { cert, key } = own.sign(HOST, 1);
    const data = `${server.folder}/data`;
    writeFileSync(`${data}/server.pem`, cert);
    writeFileSync(`${data}/server.key`, key);
    chmodSync(`${data}/server.key`, 0o600);
    const { user } = server;
    if (user !== undefined) for (const name of ["pem", "key"]) chownSync(`${data}/server.${name}`, user.uid, user.gid);
    appendFileSync(`${data}/pg_hba.conf`, "hostssl all all 127.0.0.0/8 trust\n");
    const admin = await server.session(server.url());
    await admin.query("ALTER SYSTEM SET ssl = on");
    await admin.query("SELECT pg_reload_conf()");
    const at = (more: string, ca?: string, host = HOST): SourceFrom => ({
      kind: "postgres",
      url: `postgres://gate@${host}:5432/postgres${more}`,
      figure: "query",
      query: "SELECT 7",
      ...(ca === undefined ? {} : { ca }),
    });
    const authority = folder.file("authority.pem");
    await until("it serves TLS", async () => (await answerOf(at("", authority))) === "7");
    for (const mode of ["require", "verify-ca", "verify-full"])
      equal(await answerOf(at(`?sslmode=${mode}`, authority)), "7", mode);
    match(await answerOf(at("?sslmode=verify-full")), UNTRUSTED);
    match(await answerOf(at("?sslmode=verify-full", others.file("authority.pem"))), UNTRUSTED);
    match(await answerOf(at("", others.file("authority.pem"))), UNTRUSTED);
    const away = folder.file("no-such.pem");
    equal(await answerOf(at("", away)), `down: the certificates in ${away} can't be read`);
  });
});
